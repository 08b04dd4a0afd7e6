// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.transport.base;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Random;
import org.junit.jupiter.api.Test;

/** How long is waited between attempts. */
class BackoffTest {

  @Test
  void waitsGrowAreBoundedAndDiffer() {
    Backoff backoff = new Backoff(new Random(7));
    for (int i = 0; i < 100; i++) {
      assertThat(backoff.next(false)).isBetween(12L, 3_001L);
    }
    assertThat(backoff.next(true)).isBetween(1_000L, 7_501L);
    backoff.reset();
    assertThat(backoff.next(false)).isBetween(12L, 38L);
  }

  @Test
  void whoIsBackIsFoundWithinAPartOfTheTimeItWasAway() {
    Backoff backoff = new Backoff(new Random(7));
    long away = 0;
    for (int i = 0; i < 200; i++) {
      long wait = backoff.next(false);
      assertThat(wait).isLessThanOrEqualTo(40 + away / 3);
      away += wait;
    }
    assertThat(away).isGreaterThan(60_000); // a few hundred attempts in minutes, not thousands
  }

  @Test
  void afterARefusalWaitsDouble() {
    Backoff backoff = new Backoff(new Random(7));
    assertThat(backoff.next(true)).isBetween(200L, 601L);
    assertThat(backoff.next(true)).isBetween(400L, 1_201L);
    assertThat(backoff.next(true)).isBetween(800L, 2_401L);
  }
}
