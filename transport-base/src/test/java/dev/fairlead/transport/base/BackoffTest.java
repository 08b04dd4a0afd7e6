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
    for (int i = 0; i < 20; i++) {
      assertThat(backoff.next(false)).isBetween(25L, 3_001L);
    }
    assertThat(backoff.next(true)).isBetween(1_000L, 7_501L);
    backoff.reset();
    assertThat(backoff.next(false)).isBetween(25L, 76L);
  }
}
