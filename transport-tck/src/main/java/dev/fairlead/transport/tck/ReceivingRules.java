// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.transport.tck;

import static dev.fairlead.transport.api.TransportException.Category.REFUSED;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.fairlead.transport.api.Message;
import dev.fairlead.transport.api.Transport;
import dev.fairlead.transport.api.TransportException;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

/** T4: receiving. */
abstract class ReceivingRules {

  private final Workbench workbench;

  ReceivingRules(Workbench workbench) {
    this.workbench = workbench;
  }

  @Test
  void t4_1_patternsSelect() {
    Peer peer = workbench.echo().connect();
    Map<String, Inbox> inboxes = new LinkedHashMap<>();
    for (String rest : List.of("a/b", "*/b", "a/*", "*", "a/**", "**", "a/b/**", "*/*/c")) {
      inboxes.put(peer.own(rest), peer.subscribe(peer.own(rest)));
    }
    List<String> addresses =
        List.of(peer.own("a"), peer.own("a/b"), peer.own("a/b/c"), peer.own("c/b"), peer.own("ab"));
    addresses.forEach(address -> peer.deliver(address, "x"));
    String last = peer.own("end");
    Inbox end = peer.subscribe(last);
    peer.deliver(last, "x");
    workbench.arrives(end, 1);
    inboxes.forEach(
        (pattern, inbox) -> {
          List<String> wanted =
              addresses.stream()
                  .filter(address -> Workbench.message(address, "").matches(pattern))
                  .toList();
          workbench.until(
              () -> pattern + " gets " + wanted + "; it got " + addresses(inbox, last),
              () -> addresses(inbox, last).size() >= wanted.size());
          assertEquals(wanted.stream().sorted().toList(), addresses(inbox, last), pattern);
        });
  }

  private static List<String> addresses(Inbox inbox, String without) {
    return inbox.messages().stream()
        .map(Message::address)
        .filter(address -> !address.equals(without))
        .sorted()
        .toList();
  }

  @Test
  void t4_2_subscriptionMadeBeforeTheConnectionTakesEffectWithIt() {
    Peer peer = workbench.echo();
    workbench.harness().faults().kill();
    Inbox inbox = peer.open().subscribe(peer.own("**"));
    workbench.harness().faults().restart();
    peer.untilConnected();
    workbench.stands(inbox, peer, peer.own("a"));
  }

  @Test
  void t4_3_subscriptionStandsAcrossAReconnect() {
    Peer peer = workbench.echo().connect();
    Inbox inbox = peer.subscribe(peer.own("**"));
    workbench.stands(inbox, peer, peer.own("a"));
    int told = peer.changes().size();
    workbench.harness().faults().kill();
    peer.untilConnecting();
    workbench.harness().faults().restart();
    peer.untilTold(told, Transport.State.CONNECTED);
    workbench.stands(inbox, peer, peer.own("a"));
  }

  @Test
  void t4_4_closedSubscriptionIsSilent() {
    Peer peer = workbench.echo().connect();
    Inbox all = peer.subscribe(peer.own("**"));
    AtomicInteger calls = new AtomicInteger();
    Transport.Subscription subscription =
        peer.transport().subscribe(peer.own("a"), message -> calls.incrementAndGet());
    peer.deliver(peer.own("a"), "1");
    workbench.until("the handler was called", () -> calls.get() == 1);
    // Some are on their way while it closes.
    peer.send(Workbench.message(peer.own("a"), "2"));
    peer.send(Workbench.message(peer.own("a"), "3"));
    subscription.close();
    int before = calls.get();
    peer.deliverAll(200, i -> Workbench.message(peer.own("a"), "late"));
    workbench.arrives(all, 203);
    // One call may have begun before close returned, and have counted after.
    assertTrue(
        calls.get() <= before + 1, () -> "%d calls after close".formatted(calls.get() - before));
  }

  @Test
  void t4_5_handlerThatThrowsHarmsNobody() {
    Peer peer = workbench.echo().connect();
    Inbox quiet = peer.subscribe(peer.own("**"));
    Inbox throwing =
        peer.subscribe(peer.own("a"))
            .then(
                message -> {
                  if (Workbench.text(message).equals("1")) {
                    throw new LinkageError("thrown by a test's handler");
                  }
                  throw new IllegalStateException("thrown by a test's handler");
                });
    for (int i = 0; i < 5; i++) {
      peer.deliver(peer.own("a"), "" + i);
    }
    workbench.arrives(throwing, 5);
    workbench.arrives(quiet, 5);
    assertEquals(Transport.State.CONNECTED, peer.transport().state());
  }

  @Test
  void t4_6_overlappingSubscriptionsEachGetAMessageOnce() {
    Peer peer = workbench.echo().connect();
    List<Inbox> inboxes =
        List.of(
            peer.subscribe(peer.own("a/b")),
            peer.subscribe(peer.own("a/*")),
            peer.subscribe(peer.own("a/**")),
            peer.subscribe(peer.own("**")));
    int count = 50;
    peer.deliverAll(count, i -> Workbench.message(peer.own("a/b"), "" + i));
    peer.deliver(peer.own("a/b"), "end");
    for (Inbox inbox : inboxes) {
      workbench.until("the end has arrived", () -> inbox.texts().contains("end"));
      assertEquals(count + 1, inbox.size(), "messages in one of four overlapping inboxes");
    }
  }

  @Test
  void t4_7_twoHandlersOfOnePatternAreApart() {
    Peer peer = workbench.echo().connect();
    Inbox first = new Inbox();
    Transport.Subscription subscription = peer.transport().subscribe(peer.own("a"), first);
    Inbox second = peer.subscribe(peer.own("a"));
    peer.deliver(peer.own("a"), "both");
    workbench.arrives(first, 1);
    workbench.arrives(second, 1);
    subscription.close();
    peer.deliver(peer.own("a"), "one");
    workbench.arrives(second, 2);
    assertEquals(List.of("both"), first.texts());
  }

  @Test
  void t4_8_nothingFromBeforeTheSubscription() {
    Line line = Line.open(workbench);
    line.agent().deliverAll(20, i -> Workbench.message(line.up(), "before"));
    workbench.arrives(line.inbox(), 20);
    Inbox late = line.collector().subscribe(line.up());
    workbench.stands(late, line.agent(), line.up());
    line.agent().deliver(line.up(), "after");
    workbench.arrives(late, 1);
    assertEquals(List.of("after"), late.texts());
  }

  @Test
  void t4_9_receivedMessageMayBeKept() {
    Line line = Line.open(workbench);
    ConcurrentLinkedQueue<byte[]> copies = new ConcurrentLinkedQueue<>();
    line.inbox().then(message -> copies.add(message.bytes()));
    int count = 300;
    line.agent().deliverAll(count, i -> Workbench.message(line.up(), ("" + i).repeat(50)));
    workbench.until("all have arrived", () -> copies.size() == count);
    List<Message> kept = line.inbox().messages();
    for (Message message : kept) {
      assertArrayEquals(copies.remove(), message.bytes(), "a payload changed after its handler");
    }
  }

  @Test
  void t4_10_malformedPatternIsRefused() {
    Peer peer = workbench.echo().connect();
    for (String pattern :
        List.of("", "/", "a//b", "a/**/b", "a/b*", "a/>", "a/#", "a/+", "a.b/c d", "a/é")) {
      TransportException why =
          assertThrows(TransportException.class, () -> peer.subscribe(pattern), pattern);
      assertEquals(REFUSED, why.category(), pattern);
    }
    assertEquals(Transport.State.CONNECTED, peer.transport().state());
  }

  @Test
  void t4_11_closingASubscriptionTwiceChangesNothing() {
    Peer peer = workbench.echo().connect();
    Inbox standing = peer.subscribe(peer.own("a"));
    Transport.Subscription subscription = peer.transport().subscribe(peer.own("a"), message -> {});
    subscription.close();
    subscription.close();
    peer.deliver(peer.own("a"), "x");
    workbench.arrives(standing, 1);
    peer.transport().close();
    subscription.close();
  }

  @Test
  void t4_12_subscriptionCountsFromItsCallOnTheSameConnection() {
    Peer peer = workbench.echo().connect();
    int rounds = 50;
    List<Inbox> inboxes =
        IntStream.range(0, rounds)
            .mapToObj(
                i -> {
                  Inbox inbox = peer.subscribe(peer.own("r" + i));
                  peer.send(Workbench.message(peer.own("r" + i), "x"));
                  return inbox;
                })
            .toList();
    inboxes.forEach(inbox -> workbench.arrives(inbox, 1));
  }
}
