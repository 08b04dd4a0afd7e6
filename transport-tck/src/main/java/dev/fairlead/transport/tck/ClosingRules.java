// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.transport.tck;

import static dev.fairlead.transport.api.TransportException.Category.BROKEN;
import static dev.fairlead.transport.api.TransportException.Category.RETRY;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.fairlead.transport.api.Transport;
import dev.fairlead.transport.api.Transport.State;
import dev.fairlead.transport.api.TransportException;
import dev.fairlead.transport.api.TransportProvider.Capability;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;

/** T10: closing. */
abstract class ClosingRules {

  private final Workbench workbench;

  ClosingRules(Workbench workbench) {
    this.workbench = workbench;
  }

  @Test
  void t10_1_closeEndsInClosed() {
    Peer peer = workbench.echo().connect();
    peer.transport().close();
    assertEquals(State.CLOSED, peer.transport().state());
    assertEquals(State.CLOSED, peer.last());
  }

  @Test
  void t10_2_closeMayBeCalledAgain() {
    Peer peer = workbench.echo().connect();
    workbench.returns(
        "closing by all",
        () ->
            OrderRules.together(
                Collections.nCopies(
                    4,
                    () -> {
                      peer.transport().close();
                      assertEquals(State.CLOSED, peer.last());
                    })));
    workbench.returns("close", () -> peer.transport().close());
  }

  @Test
  void t10_3_whatWasHandedOverArrives() {
    Line line = Line.open(workbench);
    List<CompletionStage<Void>> stages = new ArrayList<>();
    for (int i = 0; i < 500; i++) {
      stages.add(line.agent().send(Workbench.message(line.up(), "" + i)));
    }
    line.agent().transport().close();
    List<String> handedOver = new ArrayList<>();
    for (int i = 0; i < stages.size(); i++) {
      if (workbench.outcome(stages.get(i)) == null) {
        handedOver.add("" + i);
      }
    }
    workbench.until(
        () ->
            "all %d that were handed over have arrived; %d have"
                .formatted(handedOver.size(), line.inbox().size()),
        () -> line.inbox().texts().containsAll(handedOver));
  }

  @Test
  void t10_4_sendAfterCloseFailsAsBroken() {
    Peer peer = workbench.echo().connect();
    peer.transport().close();
    workbench.fails(peer.send(Workbench.message(peer.own("a"), "x")), BROKEN);
  }

  @Test
  void t10_5_subscribeAfterCloseIsRefusedAsBroken() {
    Peer peer = workbench.echo().connect();
    peer.transport().close();
    TransportException why =
        assertThrows(TransportException.class, () -> peer.subscribe(peer.own("a")));
    assertEquals(BROKEN, why.category());
    Workbench.requireWords(why);
  }

  @Test
  void t10_6_nobodyIsCalledAfterClose() {
    Line line = Line.open(workbench);
    AtomicInteger calls = new AtomicInteger();
    line.collector().transport().subscribe(line.up(), message -> calls.incrementAndGet());
    for (int i = 0; i < 500; i++) {
      line.agent().send(Workbench.message(line.up(), "x"));
    }
    line.collector().transport().close();
    int called = calls.get();
    int told = line.collector().changes().size();
    int refused = line.collector().refusals().size();
    // Whatever might still come has time to, while others go on and the peer goes down.
    Line other = Line.open(workbench);
    other.fence(workbench);
    workbench.harness().faults().kill();
    other.agent().untilConnecting();
    workbench.harness().faults().restart();
    other.agent().untilConnected();
    assertEquals(called, calls.get(), "calls of the handler");
    List<Peer.Change> changes = line.collector().changes();
    assertEquals(told, changes.size(), () -> "" + changes);
    assertEquals(
        Transport.State.CLOSED,
        changes.get(changes.size() - 1).state(),
        () -> "the last that was told of " + changes);
    assertEquals(refused, line.collector().refusals().size(), "refusals told");
  }

  @Test
  void t10_7_threadsEnd() {
    workbench.echo().connect().transport().close();
    Set<Thread> before = workbench.threads();
    for (int i = 0; i < 3; i++) {
      Peer peer = workbench.echo().connect();
      workbench.stands(peer.subscribe(peer.own("a")), peer, peer.own("a"));
      peer.transport().close();
    }
    workbench.until(
        () -> "no thread of a closed transport is left; there are " + leftOver(before),
        () -> leftOver(before).isEmpty());
  }

  private Set<String> leftOver(Set<Thread> before) {
    return workbench.threads().stream()
        .filter(thread -> !before.contains(thread))
        .map(Thread::getName)
        .collect(Collectors.toSet());
  }

  @Test
  void t10_8_closeReturnsWhenThePeerWasNeverThere() {
    Peer peer = workbench.echo();
    workbench.harness().faults().kill();
    peer.open();
    workbench.returns("close", () -> peer.transport().close());
    assertEquals(List.of(State.CLOSED), peer.changes().stream().map(Peer.Change::state).toList());
  }

  @Test
  void t10_9_closeReturnsWhenThePeerIsStalled() {
    Peer peer = workbench.echo().connect();
    workbench.harness().faults().stall();
    List<CompletionStage<Void>> stages = new ArrayList<>();
    for (int i = 0; i < 100; i++) {
      stages.add(peer.send(Workbench.message(peer.own("a"), "x")));
    }
    workbench.returns("close", () -> peer.transport().close());
    assertEquals(State.CLOSED, peer.last());
    for (CompletionStage<Void> stage : stages) {
      assertTrue(stage.toCompletableFuture().isDone(), "a stage is open after close");
      Throwable failure = workbench.outcome(stage);
      if (failure != null) {
        TransportException why = assertInstanceOf(TransportException.class, failure);
        assertTrue(why.category() == BROKEN || why.category() == RETRY, () -> "" + why.category());
      }
    }
  }

  @Test
  void t10_12_endThatHasClosedLeavesNoLastWill() {
    Line line = Line.open(workbench, "will");
    Peer other = line.another(workbench, "other's will");
    line.agent().transport().close();
    Peer next = workbench.peer(line.agent().grant()).connect();
    next.deliver(line.up(), "fence");
    workbench.arrives(line.inbox(), 1);
    if (workbench.has(Capability.LAST_WILL)) {
      // However late a peer says wills: it says this one's after that of an end that closed before.
      workbench.harness().faults().partition(other.subject());
      workbench.arrives(line.inbox(), 2);
    }
    List<String> said =
        workbench.has(Capability.LAST_WILL) ? List.of("fence", "other's will") : List.of("fence");
    assertEquals(said, line.inbox().texts());
  }
}
