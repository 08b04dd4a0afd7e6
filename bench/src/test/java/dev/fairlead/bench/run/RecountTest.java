// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.bench.run;

import static org.assertj.core.api.Assertions.assertThat;

import dev.fairlead.bench.results.Counts;
import java.util.HashSet;
import java.util.Random;
import java.util.Set;
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
  void whatFillsAHoleIsLateAndNothingElse() {
    assertThat(met(1, 2, 5, 4, 3, 6, 7, 5).counts(7, 0)).isEqualTo(new Counts(7, 7, 0, 1, 2, 0));
    assertThat(met(1, 4, 2, 3, 9).counts(9, 0)).isEqualTo(new Counts(9, 5, 4, 0, 2, 0));
  }

  @Test
  void longStreamsAreCounted() {
    Recount recount = new Recount();
    recount.meet("a", 1L << 24);
    assertThat(recount.counts(1L << 24, 0).lost()).isEqualTo((1L << 24) - 1);
  }

  @Test
  void countsAreThoseOfASetOfNumbers() {
    for (long seed = 1; seed <= 200; seed++) {
      Random random = new Random(seed);
      Recount recount = new Recount();
      Set<Long> met = new HashSet<>();
      long duplicates = 0;
      long reordered = 0;
      long highest = 0;
      for (int i = 0; i < 200; i++) {
        long number = random.nextInt(5) > 0 ? highest + 1 : 1 + random.nextInt(60);
        recount.meet("a", number);
        if (met.add(number)) {
          reordered += number < highest ? 1 : 0;
        } else {
          duplicates++;
        }
        highest = Math.max(highest, number);
      }
      assertThat(recount.counts(300, 0))
          .as("seed %d", seed)
          .isEqualTo(new Counts(300, met.size(), 300 - met.size(), duplicates, reordered, 0));
    }
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
