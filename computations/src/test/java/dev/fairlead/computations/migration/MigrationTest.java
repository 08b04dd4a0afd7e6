// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.computations.migration;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.fairlead.computations.ComputationException;
import dev.fairlead.computations.migration.Migration.Wanted;
import dev.fairlead.computations.parity.Finding;
import dev.fairlead.computations.parity.Finding.Kind;
import dev.fairlead.computations.parity.StreamKey;
import dev.fairlead.computations.parity.Verdict;
import dev.fairlead.computations.parity.Verdict.Decision;
import dev.fairlead.protocol.Command.Inject;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.IntStream;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.Test;

class MigrationTest {

  private static final Instant NOW = Instant.parse("2026-01-01T00:00:00Z");
  private static final Verdict SAFE = verdict(Decision.SAFE, Map.of());
  private static final Verdict UNSAFE = verdict(Decision.UNSAFE, Map.of(Kind.MISSING, 2L));
  private static final Verdict UNDECIDED = verdict(Decision.UNDECIDED, Map.of());

  @Test
  void goesFromCopiesOverSomeMovedToAllMoved() {
    Migration migration = start(5, true);
    assertThat(migration.phase()).isEqualTo(Phase.STARTED);
    migration = migration.begun();
    assertThat(migration.phase()).isEqualTo(Phase.SHADOWING);
    assertThat(migration.moved()).isZero();

    migration = migration.advance(0, SAFE, NOW);
    assertThat(migration.percent()).isEqualTo(10);
    assertThat(migration.moved()).isEqualTo(5);
    assertThat(migration.phase()).isEqualTo(Phase.ADVANCING);
    migration = migration.advance(100, SAFE, NOW);
    assertThat(migration.moved()).isEqualTo(10);
    migration = migration.advance(0, SAFE, NOW);
    assertThat(migration.moved()).isEqualTo(100);

    migration = migration.cutover(SAFE, false, NOW);

    assertThat(migration.phase()).isEqualTo(Phase.CUT_OVER);
    assertThat(migration.wanted("anybody")).isEqualTo(Wanted.NEW);
    assertThat(migration.steps())
        .extracting(Migration.Step::what)
        .containsExactly("start", "advance", "advance", "advance", "cutover");
    assertThat(migration.steps()).noneMatch(Migration.Step::forced);
  }

  @Test
  void withoutCopiesTheChosenAreMovedAtOnceAndACutoverMustBeForced() {
    Migration migration = start(25, false).begun();
    assertThat(migration.phase()).isEqualTo(Phase.ADVANCING);
    assertThat(migration.moved()).isEqualTo(25);
    assertThat(migration.advance(50, null, NOW).moved()).isEqualTo(50);
    refused("no-verdict", () -> migration.cutover(null, false, NOW));
    Migration forced = migration.cutover(null, true, NOW);
    assertThat(forced.steps().get(1).forced()).isTrue();
    assertThat(forced.steps().get(1).decision()).isEqualTo("none");
  }

  @Test
  void neverGoesPastARedVerdict() {
    Migration migration = start(5, true).begun();
    refused("verdict-unsafe", () -> migration.advance(0, UNSAFE, NOW));
    refused("verdict-undecided", () -> migration.advance(0, UNDECIDED, NOW));
    refused("verdict-undecided", () -> migration.advance(0, null, NOW));
    refused("verdict-unsafe", () -> migration.cutover(UNSAFE, false, NOW));
    refused("verdict-undecided", () -> migration.cutover(UNDECIDED, false, NOW));
    Migration forced = migration.cutover(UNSAFE, true, NOW);
    assertThat(forced.steps().get(1).forced()).isTrue();
    assertThat(forced.steps().get(1).decision()).isEqualTo("unsafe");
    assertThat(forced.verdict()).isEqualTo(UNSAFE.toJson());
  }

  @Test
  void whatStoppedByItselfStaysStoppedEvenWhenItLooksWellAgain() {
    Migration held = start(5, true).begun().hold("parity-broken", "Why.", UNSAFE, NOW);
    assertThat(held.hold("errors-rose", "Other.", SAFE, NOW)).isSameAs(held);
    Migration read = Migration.parse(held.toBytes());
    assertThat(read).isEqualTo(held);
    refused("held", () -> read.advance(0, SAFE, NOW));
    refused("held", () -> read.cutover(SAFE, false, NOW));
    assertThat(read.cutover(SAFE, true, NOW).steps().get(2).forced()).isTrue();
    assertThat(read.rollback(null, NOW).phase()).isEqualTo(Phase.ROLLED_BACK);
  }

  @Test
  void goesBackAtAnyTimeOnce() {
    Migration back = start(5, true).cutover(SAFE, false, NOW).rollback(null, NOW);
    assertThat(back.wanted("anybody")).isEqualTo(Wanted.OLD);
    assertThat(back.verdict()).as("what was known before").isEqualTo(SAFE.toJson());
    refused("migration-over", () -> back.rollback(null, NOW));
    refused("migration-over", () -> back.advance(0, SAFE, NOW));
    refused("migration-over", () -> back.cutover(SAFE, true, NOW));
    assertThat(back.hold("parity-broken", "Why.", UNSAFE, NOW)).isSameAs(back);
  }

  @Test
  void badSharesAndTransportsAreRefused() {
    refused("bad-percent", () -> start(0, true));
    refused("bad-percent", () -> start(101, true));
    refused("bad-percent", () -> start(50, true).advance(101, SAFE, NOW));
    refused("bad-percent", () -> start(50, true).advance(49, SAFE, NOW));
    refused("bad-percent", () -> start(50, false).advance(50, null, NOW));
    refused("same-transport", () -> Migration.start(1, "nats", "nats", 5, true, Inject.NONE, NOW));
    refused(
        "no-shadow",
        () -> Migration.start(1, "vsock", "nats", 5, false, new Inject(1, 0, 0, 1), NOW));
  }

  @Test
  void theChosenFollowFromTheirIdsAndStayChosen() {
    List<String> ids = IntStream.range(0, 10_000).mapToObj(i -> "c-" + i).toList();
    long five = ids.stream().filter(id -> wanted(5, id) == Wanted.COPIES).count();
    assertThat(five).isBetween(350L, 650L);
    assertThat(ids)
        .allMatch(id -> wanted(5, id) != Wanted.COPIES || wanted(6, id) == Wanted.COPIES);
    assertThat(ids).allMatch(id -> wanted(100, id) == Wanted.COPIES);
    assertThat(Migration.share("123")).as("as every version chooses").isEqualTo(69);
  }

  @Test
  void isTheSameAfterItWasWrittenAndRead() {
    Migration migration =
        Migration.start(7, "vsock", "nats", 100, true, new Inject(1, 2, 3, 4), NOW)
            .begun()
            .take("a")
            .take("b")
            .cutover(UNSAFE, true, NOW);
    assertThat(migration.taken()).containsExactlyInAnyOrder("a", "b");
    assertThat(Migration.parse(migration.toBytes())).isEqualTo(migration);
  }

  @Test
  void stepsAreBounded() {
    Migration migration = start(1, false);
    for (int i = 0; i < 300; i++) {
      migration = migration.rollback(null, NOW);
      migration =
          new Migration(
              1,
              "vsock",
              "nats",
              false,
              1,
              1,
              Phase.ADVANCING,
              Inject.NONE,
              null,
              null,
              migration.steps(),
              Set.of());
    }
    assertThat(migration.steps()).hasSize(256);
    assertThat(migration.steps().get(0).what()).isEqualTo("start");
  }

  @Test
  void theGuardStopsWhatGoesWrong() {
    Guard guard = Guard.DEFAULT;
    assertThat(guard.check(SAFE, 2)).isEmpty();
    assertThat(guard.check(SAFE, 3).orElseThrow().code()).isEqualTo("errors-rose");
    assertThat(guard.check(UNSAFE, 0).orElseThrow().code()).isEqualTo("parity-broken");
    assertThat(guard.check(verdict(Decision.SAFE, Map.of(Kind.LATE, 100L)), 0)).isEmpty();
    assertThat(guard.check(verdict(Decision.SAFE, Map.of(Kind.LATE, 101L)), 0)).isPresent();
  }

  private static Wanted wanted(int percent, String id) {
    return start(percent, true).wanted(id);
  }

  private static Migration start(int percent, boolean shadow) {
    return Migration.start(1, "vsock", "nats", percent, shadow, Inject.NONE, NOW);
  }

  private static void refused(String code, ThrowingCallable call) {
    assertThatThrownBy(call)
        .isInstanceOfSatisfying(
            ComputationException.class, e -> assertThat(e.code()).isEqualTo(code));
  }

  private static Verdict verdict(Decision decision, Map<Kind, Long> counts) {
    return new Verdict(
        decision,
        "A reason.",
        NOW,
        NOW,
        1,
        0,
        Map.of("vsock", 10L, "nats", 10L),
        new Verdict.Sums(10, 0, 0),
        0,
        new Verdict.Windows(1, 0, 0),
        counts,
        List.of(new Finding(Kind.LATE, new StreamKey("1", "logs", "e"), 1, "nats")),
        List.of());
  }
}
