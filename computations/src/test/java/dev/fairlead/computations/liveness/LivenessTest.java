// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.computations.liveness;

import static dev.fairlead.computations.liveness.AgentState.CONNECTED;
import static dev.fairlead.computations.liveness.AgentState.DISCONNECTED;
import static dev.fairlead.computations.liveness.AgentState.GONE;
import static dev.fairlead.computations.liveness.AgentState.LATE;
import static dev.fairlead.computations.liveness.AgentState.STARTING;
import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

class LivenessTest {

  private static final Duration INTERVAL = Duration.ofSeconds(5);
  private static final Instant LATER = Instant.parse("2026-01-02T00:00:00Z");

  private final List<Liveness.Change> changes = new ArrayList<>();
  private Instant wall = Instant.parse("2026-01-01T00:00:00Z");
  private long nanos =
      Long.MAX_VALUE - 1_000_000_000L; // it may wrap around: only differences count
  private final Liveness liveness = new Liveness(() -> wall, () -> nanos, changes::add);

  @BeforeEach
  void linkIsUpAndOneIsWatched() {
    liveness.linkUp("t");
    liveness.watch("c", 1, STARTING, null, LATER);
  }

  @Test
  void startingLastsUntilSomethingIsHeard() {
    pass(Duration.ofHours(1));
    assertThat(state()).isEqualTo(STARTING);
    assertThat(liveness.heard("c", "t", null)).isTrue();
    assertThat(state()).isEqualTo(CONNECTED);
    assertThat(changes).extracting(Liveness.Change::before).containsExactly(STARTING);
  }

  @Test
  void lateAfterTwoMissedAndDisconnectedAfterThree() {
    liveness.heard("c", "t", INTERVAL);
    pass(Duration.ofMillis(10_400));
    assertThat(state()).isEqualTo(CONNECTED);
    pass(Duration.ofMillis(200));
    assertThat(state()).isEqualTo(LATE);
    pass(Duration.ofMillis(4_800));
    assertThat(state()).isEqualTo(LATE);
    pass(Duration.ofMillis(200));
    assertThat(state()).isEqualTo(DISCONNECTED);
    pass(Duration.ofHours(12));
    assertThat(state()).as("never gone from silence").isEqualTo(DISCONNECTED);
  }

  @Test
  void comesBackFromLateAndDisconnected() {
    liveness.heard("c", "t", INTERVAL);
    pass(Duration.ofSeconds(12));
    liveness.heard("c", "t", INTERVAL);
    assertThat(state()).isEqualTo(CONNECTED);
    pass(Duration.ofSeconds(20));
    liveness.heard("c", "t", INTERVAL);
    assertThat(state()).isEqualTo(CONNECTED);
    assertThat(changes)
        .extracting(Liveness.Change::after)
        .containsExactly(CONNECTED, LATE, CONNECTED, DISCONNECTED, CONNECTED);
  }

  @Test
  void theStatedIntervalCountsWithinBounds() {
    liveness.heard("c", "t", Duration.ofSeconds(1));
    pass(Duration.ofMillis(2_200));
    assertThat(state()).isEqualTo(LATE);
    liveness.heard("c", "t", Duration.ofDays(365));
    assertThat(liveness.view("c").orElseThrow().interval()).isEqualTo(Liveness.LONGEST);
    liveness.heard("c", "t", Duration.ofSeconds(-1));
    assertThat(liveness.view("c").orElseThrow().interval()).isEqualTo(Liveness.SHORTEST);
  }

  @Test
  void silenceDoesNotCountWhileTheOwnLinkIsDown() {
    liveness.heard("c", "t", INTERVAL);
    pass(Duration.ofSeconds(4));
    liveness.linkDown("t");
    pass(Duration.ofHours(3));
    assertThat(state()).isEqualTo(CONNECTED);
    liveness.linkUp("t");
    liveness.linkUp("t");
    pass(Duration.ofSeconds(6));
    assertThat(state()).as("4 s before and 6 s after").isEqualTo(CONNECTED);
    pass(Duration.ofSeconds(1));
    assertThat(state()).isEqualTo(LATE);
    pass(Duration.ofSeconds(5));
    assertThat(state()).isEqualTo(DISCONNECTED);
  }

  @Test
  void lastWillDisconnectsAtOnceAndIsTakenBackByTheNextSign() {
    liveness.lost("c", "t");
    assertThat(state()).as("never heard of").isEqualTo(STARTING);
    liveness.heard("c", "t", INTERVAL);
    liveness.lost("c", "t");
    liveness.lost("c", "t");
    assertThat(state()).isEqualTo(DISCONNECTED);
    liveness.heard("c", "t", INTERVAL);
    assertThat(state()).isEqualTo(CONNECTED);
    liveness.vmEnded("c", 1, "signal-9");
    liveness.lost("c", "t");
    assertThat(state()).isEqualTo(GONE);
    assertThat(changes)
        .extracting(Liveness.Change::after)
        .containsExactly(CONNECTED, DISCONNECTED, CONNECTED, GONE);
  }

  @Test
  void theEndOfTheVmIsFinal() {
    liveness.heard("c", "t", INTERVAL);
    liveness.vmEnded("c", 1, "signal-9");
    assertThat(state()).isEqualTo(GONE);
    assertThat(liveness.heard("c", "t", INTERVAL)).as("a message that was on its way").isFalse();
    assertThat(state()).isEqualTo(GONE);
    assertThat(changes.get(changes.size() - 1).why()).contains("signal-9");
  }

  @Test
  void theEndOfTheVmCountsWhileTheLinkIsDown() {
    liveness.heard("c", "t", INTERVAL);
    liveness.linkDown("t");
    liveness.vmEnded("c", 1, "guest-panic");
    assertThat(state()).isEqualTo(GONE);
  }

  @Test
  void theEndOfTheCredentialIsTheEndOfTheAgentEvenOfOneNeverHeardOf() {
    wall = LATER;
    liveness.check();
    assertThat(state()).isEqualTo(GONE);
  }

  @Test
  void aRenewedCredentialKeepsItAlive() {
    liveness.heard("c", "t", INTERVAL);
    liveness.credential("c", 1, LATER.plusSeconds(60));
    wall = LATER;
    liveness.check();
    assertThat(state()).isEqualTo(CONNECTED);
    wall = LATER.plusSeconds(60);
    liveness.check();
    assertThat(state()).isEqualTo(GONE);
  }

  @Test
  void thisHostsTimeOfDayMayJumpWithoutEffect() {
    liveness.heard("c", "t", INTERVAL);
    wall = wall.minus(Duration.ofDays(2));
    liveness.check();
    assertThat(state()).isEqualTo(CONNECTED);
    wall = wall.plus(Duration.ofDays(2)).plusSeconds(600);
    liveness.check();
    assertThat(state()).isEqualTo(CONNECTED);
  }

  @Test
  void aNewRunStartsAnewAndTheOldOneIsForgotten() {
    liveness.vmEnded("c", 1, "signal-9");
    liveness.watch("c", 2, STARTING, null, null);
    liveness.vmEnded("c", 1, "reported late");
    liveness.credential("c", 1, wall);
    liveness.check();
    assertThat(state()).isEqualTo(STARTING);
    assertThat(liveness.heard("c", "t", INTERVAL)).isTrue();
    assertThat(liveness.run("c")).isEqualTo(2);
  }

  @Test
  void afterARestartOfTheServiceSilenceCountsFromItsStart() {
    Liveness second = new Liveness(() -> wall, () -> nanos, changes::add);
    second.watch("c", 1, CONNECTED, wall.minusSeconds(3600), LATER);
    pass(Duration.ofSeconds(60));
    second.check();
    assertThat(second.view("c").orElseThrow().state()).isEqualTo(CONNECTED);
    second.linkUp("t");
    pass(Duration.ofSeconds(16));
    second.check();
    assertThat(second.view("c").orElseThrow().state()).isEqualTo(DISCONNECTED);
    assertThat(second.view("c").orElseThrow().silence()).isEqualTo(Duration.ofSeconds(16));
  }

  @Test
  void anUnknownOneDoesNotCount() {
    assertThat(liveness.heard("nobody", "t", INTERVAL)).isFalse();
    assertThat(liveness.view("nobody")).isEmpty();
    assertThat(liveness.run("nobody")).isZero();
    assertThat(changes).isEmpty();
  }

  private void pass(Duration time) {
    nanos += time.toNanos();
    wall = wall.plus(time);
    if (!wall.isBefore(LATER)) {
      liveness.credential("c", 1, wall.plusSeconds(3600));
    }
    liveness.check();
  }

  private AgentState state() {
    return liveness.view("c").orElseThrow().state();
  }
}
