// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.transport.tck;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;

import dev.fairlead.transport.api.Transport;
import dev.fairlead.transport.api.Transport.State;
import java.util.List;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.atomic.AtomicBoolean;
import org.junit.jupiter.api.Test;

/** T7: state. */
abstract class StateRules {

  private final Workbench workbench;

  StateRules(Workbench workbench) {
    this.workbench = workbench;
  }

  @Test
  void t7_1_beginsConnectingWhichIsNotTold() {
    Peer peer = workbench.echo().open();
    peer.untilConnected();
    assertEquals(State.CONNECTED, peer.changes().get(0).state(), () -> "" + peer.changes());
    Peer closed = workbench.echo();
    workbench.harness().faults().kill();
    closed.open();
    assertEquals(State.CONNECTING, closed.transport().state());
    closed.transport().close();
    assertEquals(List.of(State.CLOSED), states(closed));
  }

  @Test
  void t7_2_eachChangeIsToldOnceAndInOrder() {
    Peer peer = workbench.echo().connect();
    lose(peer);
    lose(peer);
    peer.transport().close();
    peer.transport().close();
    List<State> states = states(peer);
    for (int i = 1; i < states.size(); i++) {
      assertNotEquals(states.get(i - 1), states.get(i), () -> "told: " + states);
    }
    assertEquals(State.CLOSED, states.get(states.size() - 1), () -> "told: " + states);
    assertEquals(1, states.stream().filter(State.CLOSED::equals).count(), () -> "told: " + states);
  }

  @Test
  void t7_3_stateIsWhatWasTold() {
    Peer peer = workbench.echo();
    ConcurrentLinkedQueue<String> differences = new ConcurrentLinkedQueue<>();
    peer.whenTold(
        () -> {
          // At the first call, open may not have returned the transport yet.
          if (peer.isOpen() && peer.transport().state() != peer.last()) {
            differences.add("told " + peer.last() + " while " + peer.transport().state());
          }
        });
    peer.connect();
    assertEquals(State.CONNECTED, peer.transport().state());
    lose(peer);
    peer.transport().close();
    assertEquals(State.CLOSED, peer.transport().state());
    assertEquals(List.of(), List.copyOf(differences));
  }

  @Test
  void t7_4_eachChangeHasAReason() {
    Peer peer = workbench.echo().connect();
    lose(peer);
    peer.transport().close();
    peer.changes()
        .forEach(change -> assertFalse(change.reason().isBlank(), () -> "no reason: " + change));
  }

  @Test
  void t7_5_listenerThatThrowsHarmsNothing() {
    Peer peer =
        workbench
            .echo()
            .whenTold(
                () -> {
                  throw new IllegalStateException("thrown by a test's listener");
                });
    peer.connect();
    peer.send(Workbench.message("elsewhere/" + peer.subject(), "x"));
    lose(peer);
    Inbox inbox = peer.subscribe(peer.own("a"));
    workbench.stands(inbox, peer, peer.own("a"));
    peer.transport().close();
    assertEquals(State.CLOSED, peer.last());
  }

  @Test
  void t7_6_connectedMeansThatSubscriptionsStand() {
    Peer peer = workbench.echo().connect();
    Inbox inbox = peer.subscribe(peer.own("**"));
    workbench.stands(inbox, peer, peer.own("a"));
    AtomicBoolean asked = new AtomicBoolean();
    int told = peer.changes().size();
    peer.whenTold(
        () -> {
          if (peer.last() == State.CONNECTED && asked.compareAndSet(false, true)) {
            peer.send(Workbench.message(peer.own("a"), "asked at once"));
          }
        });
    workbench.harness().faults().kill();
    peer.untilConnecting();
    workbench.harness().faults().restart();
    peer.untilTold(told, State.CONNECTED);
    workbench.arrives(inbox, 1);
  }

  private void lose(Peer peer) {
    int told = peer.changes().size();
    workbench.harness().faults().kill();
    peer.untilConnecting();
    workbench.harness().faults().restart();
    peer.untilTold(told, State.CONNECTED);
  }

  private static List<Transport.State> states(Peer peer) {
    return peer.changes().stream().map(Peer.Change::state).toList();
  }
}
