// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.bench.run;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.Test;

/** When records are meant to be sent does not depend on when they are. */
final class PaceTest {

  private final AtomicLong clock = new AtomicLong(1_000);

  @Test
  void delayMovesNothing() {
    Pace pace = new Pace(2000, clock::get);
    assertThat(pace.next()).isEqualTo(1_000);
    clock.addAndGet(10_000_000); // twenty are late by now
    for (int i = 1; i <= 30; i++) {
      assertThat(pace.next()).isEqualTo(1_000 + i * 500_000L);
    }
  }

  @Test
  void intervalThatIsNoWholeNumberDoesNotDrift() {
    Pace pace = new Pace(3, clock::get);
    long last = 0;
    for (int i = 0; i <= 3_000_000; i++) {
      last = pace.next();
    }
    assertThat(last).isBetween(1_000_000_000_000_000L, 1_000_000_000_001_000L);
  }

  @Test
  void recordsThatAreDenseAreMeantNoLater() {
    Pace pace = new Pace(500_000, clock::get);
    assertThat(pace.next()).isEqualTo(1_000);
    assertThat(pace.next()).isEqualTo(1_000 + 2_000);
  }

  @Test
  void nobodyWaitsForWhatIsOver() {
    Pace pace = new Pace(1000, clock::get);
    clock.addAndGet(5_000_000);
    assertThat(pace.await(pace.next())).isTrue();
    assertThat(clock).hasValue(5_001_000);
  }
}
