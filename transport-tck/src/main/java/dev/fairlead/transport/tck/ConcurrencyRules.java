// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.transport.tck;

import static org.junit.jupiter.api.Assertions.assertEquals;

import dev.fairlead.transport.api.Transport;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.atomic.AtomicReference;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

/** T6: concurrency. */
abstract class ConcurrencyRules {

  private final Workbench workbench;

  ConcurrencyRules(Workbench workbench) {
    this.workbench = workbench;
  }

  @Test
  void t6_1_severalThreadsMaySend() {
    Line line = Line.open(workbench);
    int threads = 8;
    int each = 250;
    workbench.returns(
        "sending by all",
        () ->
            OrderRules.together(
                IntStream.range(0, threads)
                    .<Runnable>mapToObj(
                        t ->
                            () ->
                                line.agent()
                                    .deliverAll(
                                        each, i -> Workbench.message(line.up(), t + "-" + i)))
                    .toList()));
    Set<String> wanted =
        IntStream.range(0, threads * each)
            .mapToObj(i -> i / each + "-" + i % each)
            .collect(Collectors.toCollection(TreeSet::new));
    workbench.arrives(line.inbox(), wanted.size());
    assertEquals(wanted, new TreeSet<>(line.inbox().texts()));
  }

  @Test
  void t6_2_handlerIsCalledForOneMessageAtATime() {
    Line line = Line.open(workbench);
    line.inbox().then(message -> Workbench.dawdle());
    workbench.returns(
        "sending by all",
        () ->
            OrderRules.together(
                IntStream.range(0, 4)
                    .<Runnable>mapToObj(
                        t ->
                            () ->
                                line.agent()
                                    .deliverAll(250, i -> Workbench.message(line.up(), "x")))
                    .toList()));
    workbench.arrives(line.inbox(), 1000);
    assertEquals(1, line.inbox().mostAtOnce(), "calls of one handler at the same time");
  }

  @Test
  void t6_3_subscriptionsComeAndGoWhileMessagesFlow() {
    Peer peer = workbench.echo().connect();
    Inbox standing = peer.subscribe(peer.own("**"));
    int count = 500;
    workbench.returns(
        "sending and subscribing",
        () ->
            OrderRules.together(
                List.of(
                    () -> peer.deliverAll(count, i -> Workbench.message(peer.own("a"), "" + i)),
                    () -> {
                      for (int i = 0; i < 200; i++) {
                        String pattern = peer.own(i % 2 == 0 ? "a" : "*");
                        peer.transport().subscribe(pattern, message -> {}).close();
                      }
                    })));
    workbench.arrives(standing, count);
    assertEquals(IntStream.range(0, count).mapToObj(i -> "" + i).toList(), standing.texts());
  }

  @Test
  void t6_4_listenerIsCalledByOneThreadAtATime() {
    Peer peer = workbench.echo().whenTold(Workbench::dawdle).connect();
    for (int i = 0; i < 3; i++) {
      for (int j = 0; j < 20; j++) {
        peer.send(Workbench.message("elsewhere/" + peer.subject(), "x"));
        peer.subscribe("elsewhere/" + peer.subject() + "/" + j);
      }
      int told = peer.changes().size();
      workbench.harness().faults().kill();
      peer.untilConnecting();
      workbench.harness().faults().restart();
      peer.untilTold(told, Transport.State.CONNECTED);
    }
    peer.transport().close();
    assertEquals(1, peer.mostAtOnce(), "calls of the listener at the same time");
  }

  @Test
  void t6_5_handlerMaySend() {
    Peer peer = workbench.echo().connect();
    Inbox pongs = peer.subscribe(peer.own("pong"));
    peer.subscribe(peer.own("ping"))
        .then(message -> peer.send(Workbench.message(peer.own("pong"), Workbench.text(message))));
    int count = 100;
    peer.deliverAll(count, i -> Workbench.message(peer.own("ping"), "" + i));
    workbench.arrives(pongs, count);
  }

  @Test
  void t6_6_handlerMaySubscribeAndCloseItsSubscription() {
    Peer peer = workbench.echo().connect();
    Inbox second = new Inbox();
    AtomicReference<Transport.Subscription> own = new AtomicReference<>();
    Inbox first = new Inbox();
    first.then(
        message -> {
          peer.transport().subscribe(peer.own("b"), second);
          Transport.Subscription subscription = own.get();
          if (subscription != null) {
            subscription.close();
          }
          peer.send(Workbench.message(peer.own("b"), "onward"));
        });
    own.set(peer.transport().subscribe(peer.own("a"), first));
    peer.deliver(peer.own("a"), "1");
    workbench.arrives(second, 1);
    peer.deliver(peer.own("a"), "2");
    peer.deliver(peer.own("b"), "end");
    workbench.arrives(second, 2);
    assertEquals(List.of("1"), first.texts());
  }

  @Test
  void t6_7_severalMayBeOpenedAndClosedAtOnce() {
    List<Peer> peers = IntStream.range(0, 8).mapToObj(i -> workbench.echo()).toList();
    workbench.returns(
        "opening all",
        () -> OrderRules.together(peers.stream().<Runnable>map(peer -> peer::connect).toList()));
    workbench.returns(
        "closing all",
        () ->
            OrderRules.together(
                peers.stream().<Runnable>map(peer -> () -> peer.transport().close()).toList()));
    peers.forEach(peer -> assertEquals(Transport.State.CLOSED, peer.last()));
  }
}
