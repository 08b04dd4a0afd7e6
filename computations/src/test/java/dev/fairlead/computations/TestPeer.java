// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.computations;

import dev.fairlead.delivery.OutStream;
import dev.fairlead.delivery.Outbox;
import dev.fairlead.delivery.Requester;
import dev.fairlead.delivery.Runner;
import dev.fairlead.delivery.StreamConfig;
import dev.fairlead.delivery.Switchboard;
import dev.fairlead.delivery.SwitchboardListener;
import dev.fairlead.protocol.Addresses;
import dev.fairlead.protocol.AgentState;
import dev.fairlead.protocol.Heartbeat;
import dev.fairlead.protocol.Hello;
import dev.fairlead.protocol.Reply;
import dev.fairlead.protocol.Request;
import dev.fairlead.transport.api.Message;
import dev.fairlead.transport.api.TransportException;
import dev.fairlead.transport.api.TransportProvider;
import dev.fairlead.transport.tck.memory.MemoryTransportProvider;
import java.net.URI;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import org.awaitility.Awaitility;
import org.jspecify.annotations.Nullable;

/** Another peer on the hub: an agent or a manager, as far as this service sees one. */
final class TestPeer implements AutoCloseable {

  static final String VERSION = "0.1.0";

  final Addresses addresses;
  final List<Message> received = new CopyOnWriteArrayList<>();
  final List<String> refusals = new CopyOnWriteArrayList<>();
  volatile String credential;
  private final Runner runner = Runner.start("test-peer");
  private final Switchboard link;
  private final Outbox outbox;
  private final Requester requester;
  private long seq;

  TestPeer(URI hub, Addresses addresses, String credential) {
    this.addresses = addresses;
    this.credential = credential;
    this.link =
        new Switchboard(
            runner,
            new SwitchboardListener() {
              @Override
              public void stateChanged(
                  String transport,
                  dev.fairlead.transport.api.Transport.State state,
                  String reason) {}

              @Override
              public void refused(
                  String transport, @Nullable String address, TransportException refusal) {
                refusals.add(refusal.code());
              }
            });
    this.outbox = new Outbox(link, runner);
    this.requester = new Requester(link, runner, addresses.requests(), addresses.replies());
    link.subscribe(addresses.down("**"), received::add);
    link.use(
            new MemoryTransportProvider(),
            name ->
                switch (name) {
                  case TransportProvider.ENDPOINT -> hub.toString();
                  case TransportProvider.CREDENTIAL -> this.credential;
                  default -> null;
                },
            Duration.ofSeconds(5))
        .toCompletableFuture()
        .join();
    Awaitility.await().until(link::connected);
  }

  boolean connected() {
    return link.connected();
  }

  OutStream stream(String name, String epoch) {
    return outbox.open(
        StreamConfig.of(addresses.stream(name), addresses.acks(name), epoch)
            .withResendAfter(Duration.ofMillis(200)));
  }

  void hello(String epoch, @Nullable String manifestSha256) {
    var unused =
        link.send(
            new Message(
                addresses.hello(),
                new Hello(
                        addresses.party(),
                        epoch,
                        Instant.now().minus(Duration.ofDays(1)),
                        AgentState.IDLE,
                        Duration.ofSeconds(1),
                        "memory",
                        manifestSha256,
                        VERSION)
                    .toJson()));
  }

  void heartbeat(String epoch, AgentState state, Duration interval) {
    heartbeat(epoch, state, interval, null, null);
  }

  void heartbeat(
      String epoch,
      AgentState state,
      Duration interval,
      @Nullable String transport,
      Heartbeat.@Nullable Swap swap) {
    var unused =
        link.send(
            new Message(
                addresses.heartbeat(),
                new Heartbeat(
                        addresses.party(),
                        epoch,
                        ++seq,
                        Instant.now().plus(Duration.ofDays(1)),
                        interval,
                        state,
                        Duration.ofSeconds(1),
                        new Heartbeat.Backlog(3, 2, 1),
                        new Heartbeat.Load(10, 20, 0.5),
                        VERSION,
                        transport,
                        swap)
                    .toJson()));
  }

  Reply ask(String id, Request request) {
    return Reply.parse(
        requester
            .ask(id, request.toJson(), Duration.ofSeconds(20))
            .toCompletableFuture()
            .orTimeout(30, TimeUnit.SECONDS)
            .join());
  }

  void subscribe(String pattern, Consumer<Message> handler) {
    link.subscribe(pattern, handler);
  }

  void send(Message message) {
    var unused = link.send(message);
  }

  @Override
  public void close() {
    requester.close();
    outbox.close();
    link.close();
    runner.close();
  }
}
