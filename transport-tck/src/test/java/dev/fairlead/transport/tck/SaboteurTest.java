// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.transport.tck;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** The kit catches each saboteur by the rule that names its fault, and nobody else. */
class SaboteurTest {

  private static final Path FOLDER = Path.of("target/tck");
  private static final long SEED = Long.getLong("tck.seed", System.nanoTime() & 0xFFFF);

  private static Map<Saboteur, Results> results = Map.of();

  @BeforeAll
  static void tryAll() {
    results = new Kit(FOLDER, SEED, System.out::println).run(List.of(Saboteur.values()), 8);
  }

  @ParameterizedTest
  @EnumSource
  void ruleThatNamesItsFaultCatchesIt(Saboteur saboteur) {
    Results found = Objects.requireNonNull(results.get(saboteur));
    assertThat(found.problem()).isNull();
    // Failed by an assertion of the rule's own: neither by the general time-out, nor by a crash.
    assertThat(found.caughtBy()).contains(saboteur.rule());
    assertThat(found.rules()).noneMatch(r -> r.outcome() == RuleResult.Outcome.NOT_RUN);
  }

  @Test
  void nobodyIsCaughtWhereNothingIsSabotaged() {
    Results found = new Kit(FOLDER, SEED, System.out::println).control();
    assertThat(found.failures()).isEmpty();
    assertThat(found.good()).isTrue();
    assertThat(found.passed()).isGreaterThan(80);
  }

  @Test
  void thereAreEnoughOfThem() {
    assertThat(Saboteur.values()).hasSizeGreaterThanOrEqualTo(20);
  }
}
