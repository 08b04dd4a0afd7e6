// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.bench.run;

import static org.assertj.core.api.Assertions.assertThat;

import dev.fairlead.bench.results.Counts;
import org.junit.jupiter.api.Test;

/** What is lost, twice, out of order or spoilt is counted as such. */
final class RecountTest {

  private static Recount met(long... numbers) {
    Recount recount = new Recount();
    for (long number : numbers) {
      recount.meet("a", number);
    }
    return recount;
  }

  @Test
  void wholeStreamIsClean() {
    assertThat(met(1, 2, 3).counts(3, 0)).isEqualTo(new Counts(3, 3, 0, 0, 0, 0));
  }

  @Test
  void endAndMiddleMayBeLost() {
    assertThat(met(1, 3).counts(4, 2)).isEqualTo(new Counts(4, 2, 2, 0, 0, 2));
  }

  @Test
  void repeatIsNoSecondRecord() {
    assertThat(met(1, 2, 2, 1, 3).counts(4, 0)).isEqualTo(new Counts(4, 3, 1, 2, 0, 0));
  }

  @Test
  void lateOneIsOutOfOrder() {
    assertThat(met(2, 1, 4, 3).counts(4, 0)).isEqualTo(new Counts(4, 4, 0, 0, 2, 0));
  }

  @Test
  void streamsDoNotMix() {
    Recount recount = met(1, 2);
    recount.meet("b", 1);
    assertThat(recount.counts(3, 0).isClean()).isTrue();
    assertThat(recount.different("b")).isEqualTo(1);
    assertThat(recount.different("c")).isZero();
  }

  @Test
  void whatNobodyMadeIsNotStored() {
    Recount recount = met(1, -1, 0, Long.MAX_VALUE);
    assertThat(recount.spoilt()).isEqualTo(3);
    assertThat(recount.counts(1, 0).isClean()).isFalse();
  }
}
