// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.transport.tck;

import static dev.fairlead.transport.api.TransportException.Category.RETRY;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.fairlead.transport.access.Grant;
import dev.fairlead.transport.api.Transport.State;
import dev.fairlead.transport.api.TransportException;
import dev.fairlead.transport.api.TransportProvider.Capability;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Queue;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

/** T8: faults. */
abstract class FaultRules {

  private final Workbench workbench;
  private final Faults faults;

  FaultRules(Workbench workbench) {
    this.workbench = workbench;
    this.faults = workbench.harness().faults();
  }

  @Test
  void t8_1_deathOfThePeerIsNoticedAndMended() {
    Peer peer = workbench.echo().connect();
    lose(peer);
    assertEquals(State.CONNECTED, peer.transport().state());
  }

  @Test
  void t8_2_stalledPeerIsNoticed() {
    Peer peer = workbench.echo().connect();
    faults.stall();
    peer.untilConnecting();
  }

  @Test
  void t8_3_stalledPeerThatGoesOnIsConnectedToAgain() {
    Peer peer = workbench.echo().connect();
    int told = peer.changes().size();
    faults.stall();
    peer.untilConnecting();
    faults.resume();
    peer.untilTold(told, State.CONNECTED);
    workbench.stands(peer.subscribe(peer.own("a")), peer, peer.own("a"));
  }

  @Test
  void t8_4_cutLinkHarmsOneEndOnly() {
    Line line = Line.open(workbench);
    Peer other = workbench.echo().connect();
    int told = line.agent().changes().size();
    faults.partition(other.subject());
    other.untilConnecting();
    line.fence(workbench);
    assertEquals(told, line.agent().changes().size(), () -> "" + line.agent().changes());
    assertEquals(1, line.collector().changes().size(), () -> "" + line.collector().changes());
    int otherTold = other.changes().size();
    faults.heal(other.subject());
    other.untilTold(otherTold, State.CONNECTED);
  }

  @Test
  void t8_5_whatIsUnderWayWhenThePeerDiesEnds() {
    Peer peer = workbench.echo().connect();
    List<CompletionStage<Void>> stages = new ArrayList<>();
    faults.stall();
    for (int i = 0; i < 200; i++) {
      stages.add(peer.send(Workbench.message(peer.own("a"), "" + i)));
    }
    faults.kill();
    for (CompletionStage<Void> stage : stages) {
      Throwable failure = workbench.outcome(stage);
      if (failure != null) {
        assertEquals(RETRY, assertInstanceOf(TransportException.class, failure).category());
      }
    }
  }

  @Test
  void t8_6_nothingArrivesTwiceWhateverIsLost() {
    Line line = Line.open(workbench);
    int sent = 0;
    for (int round = 0; round < 3; round++) {
      for (int i = 0; i < 200; i++) {
        line.agent().send(Workbench.message(line.up(), "" + sent++));
      }
      lose(line.agent());
      line.collector().untilConnected();
      line.untilStands(workbench);
    }
    line.fence(workbench);
    List<String> texts = line.inbox().texts();
    Set<String> once = new HashSet<>();
    List<String> twice = texts.stream().filter(text -> !once.add(text)).toList();
    assertEquals(List.of(), twice, "arrived again");
  }

  @Test
  void t8_7_whatFailedForWantOfAConnectionNeverArrives() {
    Line line = Line.open(workbench);
    int told = line.agent().changes().size();
    faults.kill();
    line.agent().untilConnecting();
    for (int i = 0; i < 20; i++) {
      workbench.fails(line.agent().send(Workbench.message(line.up(), "stale")), RETRY);
    }
    faults.restart();
    line.agent().untilTold(told, State.CONNECTED);
    line.collector().untilConnected();
    line.untilStands(workbench);
    line.fence(workbench);
    assertEquals(List.of("fence"), line.inbox().texts());
  }

  @Test
  void t8_8_lossAfterLossLeavesNothingBehind() {
    Peer peer = workbench.echo().connect();
    lose(peer);
    Set<Thread> before = workbench.threads();
    for (int i = 0; i < 4; i++) {
      lose(peer);
    }
    workbench.until(
        () -> "there are no more threads than before; these are new: " + newThreads(before),
        () -> newThreads(before).size() <= gone(before));
    workbench.stands(peer.subscribe(peer.own("a")), peer, peer.own("a"));
  }

  private Set<Thread> newThreads(Set<Thread> before) {
    Set<Thread> threads = workbench.threads();
    threads.removeAll(before);
    return threads;
  }

  /** A connection may have threads of its own, which are others after a reconnect. */
  private static long gone(Set<Thread> before) {
    return before.stream().filter(thread -> !thread.isAlive()).count();
  }

  @Test
  void t8_9_randomFaultsLeaveAllConnected() {
    long seed = workbench.seed();
    Line line = Line.open(workbench);
    try {
      List<String> subjects = List.of(line.agent().subject(), line.collector().subject());
      for (FaultPlan.Step step : FaultPlan.of(seed, 12, subjects)) {
        step.apply(faults);
        for (int i = 0; i < 20; i++) {
          line.agent().send(Workbench.message(line.up(), "any"));
        }
      }
      faults.mend();
      line.untilStands(workbench);
      line.agent().untilConnected();
      line.collector().untilConnected();
    } catch (AssertionError e) {
      throw new AssertionError("After the faults of -Dtck.seed=" + seed + ": " + e.getMessage(), e);
    }
  }

  @Test
  void t8_10_subscriptionMadeDuringALossStandsAfterIt() {
    Peer peer = workbench.echo().connect();
    int told = peer.changes().size();
    faults.kill();
    peer.untilConnecting();
    Inbox inbox = peer.subscribe(peer.own("**"));
    assertTrue(inbox.messages().isEmpty());
    faults.restart();
    peer.untilTold(told, State.CONNECTED);
    workbench.stands(inbox, peer, peer.own("a"));
  }

  @Test
  void t8_11_whatIsStoredWaitsForItsReader() {
    assumeTrue(
        workbench.has(Capability.STORED), "The transport says that its peers store nothing.");
    assumeTrue(workbench.harness().stores(), "The harness has not set its peer to store anything.");
    Peer agent = workbench.agent(Harness.STORED.split("/", 2)[0], workbench.subject()).connect();
    String address = agent.own("up/logs");
    List<String> said = IntStream.range(0, 100).mapToObj(i -> "line " + i).toList();
    List<CompletionStage<Void>> stages =
        said.stream()
            .map(line -> agent.transport().sendStored(Workbench.message(address, line)))
            .toList();
    stages.forEach(workbench::succeeds);
    agent.transport().close();
    faults.kill();
    faults.restart();
    Grant grant =
        new Grant(Harness.STORED_READER, List.of("tck-stored/*/down/**"), List.of(Harness.STORED));
    Peer reader = workbench.peer(grant).connect();
    Set<String> dealtWith = ConcurrentHashMap.newKeySet();
    Queue<String> came = new ConcurrentLinkedQueue<>();
    reader
        .transport()
        .subscribeStored(
            Harness.STORED,
            message -> {
              String line = Workbench.text(message);
              came.add(line);
              // The first time it is not dealt with, and so must come again.
              boolean refused = line.equals("line 7") && !came.contains("line 7 refused");
              if (refused) {
                came.add("line 7 refused");
                return CompletableFuture.failedStage(new IllegalStateException("not now"));
              }
              dealtWith.add(line);
              return CompletableFuture.completedStage(null);
            });
    workbench.until(
        () -> "all that was stored is dealt with: " + dealtWith.size() + " are",
        () -> dealtWith.containsAll(said));
    assertEquals(said, came.stream().distinct().filter(said::contains).toList(), "in order");
    assertTrue(came.stream().filter("line 7"::equals).count() >= 2, "what failed comes again");
  }

  @Test
  void t8_12_endThatIsCutOffLeavesItsLastWill() {
    Line line = Line.open(workbench, "will");
    int told = line.agent().changes().size();
    faults.partition(line.agent().subject());
    line.agent().untilTold(told, State.CONNECTING);
    boolean hasWill = workbench.has(Capability.LAST_WILL);
    if (hasWill) {
      workbench.arrives(line.inbox(), 1);
      assertEquals(line.up(), line.inbox().messages().get(0).address());
    }
    faults.heal(line.agent().subject());
    line.agent().untilTold(told, State.CONNECTED);
    line.fence(workbench);
    assertEquals(hasWill ? List.of("will", "fence") : List.of("fence"), line.inbox().texts());
  }

  private void lose(Peer peer) {
    int told = peer.changes().size();
    faults.kill();
    peer.untilTold(told, State.CONNECTING);
    faults.restart();
    peer.untilTold(told, State.CONNECTED);
  }
}
