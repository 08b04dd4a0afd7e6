// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.manager.relay;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.fairlead.delivery.Batch;
import dev.fairlead.delivery.BatchStore;
import dev.fairlead.delivery.Inbox;
import dev.fairlead.delivery.InboxListener;
import dev.fairlead.delivery.OutStream;
import dev.fairlead.delivery.Outbox;
import dev.fairlead.delivery.Runner;
import dev.fairlead.delivery.StreamConfig;
import dev.fairlead.delivery.StreamId;
import dev.fairlead.delivery.Switchboard;
import dev.fairlead.delivery.SwitchboardListener;
import dev.fairlead.protocol.Addresses;
import dev.fairlead.transport.access.Grant;
import dev.fairlead.transport.api.Message;
import dev.fairlead.transport.api.TransportProvider;
import dev.fairlead.transport.tck.memory.MemoryHub;
import dev.fairlead.transport.tck.memory.MemoryIssuer;
import dev.fairlead.transport.tck.memory.MemoryTransportProvider;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.UUID;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** A relay between two hubs that know nothing of each other. */
class RelayTest {

  private static final Duration LONG = Duration.ofSeconds(60);

  private final Runner runner = Runner.start("relay-test");
  private final MemoryHub inner = hub();
  private final MemoryHub outer = hub();
  private final List<Switchboard> boards = new ArrayList<>();
  private final Switchboard agent = link(inner, Addresses.ofComputation("f", "c"));
  private final Switchboard collector = link(outer, Addresses.ofCollector("f"));
  private final Relay relay =
      new Relay(
          "f",
          link(inner, new Grant("_relay", List.of("f/*/down/**"), List.of("f/*/up/**"))),
          link(outer, new Grant("_relay", List.of("f/*/up/**"), List.of("f/*/down/**"))));
  private final List<Message> up = new CopyOnWriteArrayList<>();
  private final List<Message> down = new CopyOnWriteArrayList<>();
  private final List<Message> probesUp = new CopyOnWriteArrayList<>();
  private final List<Message> probesDown = new CopyOnWriteArrayList<>();

  @BeforeEach
  void listen() {
    collector.subscribe("f/*/up/**", message -> (isProbe(message) ? probesUp : up).add(message));
    agent.subscribe("f/c/down/**", message -> (isProbe(message) ? probesDown : down).add(message));
  }

  private static boolean isProbe(Message message) {
    return message.address().endsWith("/probe");
  }

  /** Admits a computation, and waits until all subscriptions stand: that is told to nobody. */
  private void admit() {
    relay.admit("c");
    int before = probesDown.size();
    await()
        .atMost(LONG)
        .until(
            () -> {
              var up = agent.send(new Message("f/c/up/probe", new byte[0]));
              var down = collector.send(new Message("f/c/down/probe", new byte[0]));
              return up != null
                  && down != null
                  && !probesUp.isEmpty()
                  && probesDown.size() > before;
            });
  }

  @AfterEach
  void close() {
    relay.close();
    boards.forEach(Switchboard::close);
    inner.close();
    outer.close();
    runner.close();
  }

  @Test
  void messagesPassAsTheyAreBothWays() {
    admit();
    Message said =
        new Message(
            "f/c/up/requests",
            Map.of("fl-v", "1", "fl-first", "7"),
            ByteBuffer.wrap(new byte[] {0, -1, 10}),
            "f/c/down/replies/x");
    agent.send(said).toCompletableFuture().join();
    await().atMost(LONG).until(() -> up.size() == 1);
    same(up.get(0), said);
    Message answer =
        new Message("f/c/down/replies/x", Map.of("fl-id", "a b"), ByteBuffer.allocate(0));
    collector.send(answer).toCompletableFuture().join();
    await().atMost(LONG).until(() -> down.size() == 1);
    same(down.get(0), answer);
    await().atMost(LONG).until(() -> relay.outward().pending() + relay.inward().pending() == 0);
    assertThat(relay.outward().dropped() + relay.outward().failed()).isZero();
    assertThat(relay.isConnected()).isTrue();
  }

  @Test
  void onlyAdmittedComputationsAreCarried() {
    Switchboard stranger = link(inner, Addresses.ofComputation("f", "x"));
    admit();
    relay.admit("c");
    assertThat(relay.strangers()).isZero();
    stranger.send(new Message("f/x/up/logs", new byte[1])).toCompletableFuture().join();
    agent.send(new Message("f/c/up/logs", new byte[1])).toCompletableFuture().join();
    await().atMost(LONG).until(() -> up.size() == 1 && relay.strangers() == 1);
    assertThat(up.get(0).address()).isEqualTo("f/c/up/logs");

    relay.dismiss("c");
    relay.dismiss("c");
    agent.send(new Message("f/c/up/logs", new byte[1])).toCompletableFuture().join();
    await().atMost(LONG).until(() -> relay.strangers() >= 2);
    collector.send(new Message("f/c/down/commands", new byte[1])).toCompletableFuture().join();
    admit();
    collector.send(new Message("f/c/down/manifest", new byte[1])).toCompletableFuture().join();
    await().atMost(LONG).until(() -> !down.isEmpty());
    assertThat(down.get(0).address()).isEqualTo("f/c/down/manifest");
    assertThat(up).hasSize(1);
  }

  @Test
  void deliverysNumbersPassFromEndToEndWhateverBreaks() throws Exception {
    admit();
    Map<StreamId, Long> storedUpTo = new ConcurrentHashMap<>();
    List<String> stored = new CopyOnWriteArrayList<>();
    BatchStore store =
        new BatchStore() {
          @Override
          public CompletionStage<Void> append(Batch batch) {
            if (!batch.isGap()) {
              batch.records().forEach(record -> stored.add(new String(record, UTF_8)));
            }
            storedUpTo.put(batch.stream(), batch.last());
            return CompletableFuture.completedFuture(null);
          }

          @Override
          public long storedUpTo(StreamId stream) {
            return storedUpTo.getOrDefault(stream, 0L);
          }
        };
    Outbox outbox = new Outbox(agent, runner);
    try (Inbox inbox =
        new Inbox(
            collector,
            runner,
            store,
            List.of("f/*/up/logs"),
            stream -> Optional.of("f/c/down/acks/logs"),
            InboxListener.NONE)) {
      OutStream stream =
          outbox.open(
              StreamConfig.of("f/c/up/logs", "f/c/down/acks/logs", "epoch-1")
                  .withResendAfter(Duration.ofMillis(200))
                  .withCapacity(8 << 20));
      int lines = 30_000;
      for (int i = 0; i < lines; i++) {
        if (i == 5000) {
          outer.kill();
        } else if (i == 8000) {
          outer.restart();
        } else if (i == 15_000) {
          inner.kill();
          inner.restart();
        } else if (i == 20_000) {
          outer.stall();
        } else if (i == 22_000) {
          outer.resume();
        }
        stream.append(("line " + i).getBytes(UTF_8));
      }
      outbox.drained().toCompletableFuture().get(120, TimeUnit.SECONDS);
      assertThat(stored).hasSize(lines);
      for (int i = 0; i < lines; i++) {
        assertThat(stored.get(i)).isEqualTo("line " + i);
      }
      assertThat(stream.books().balanced()).isTrue();
      assertThat(stream.books().delivered()).isEqualTo(lines);
      assertThat(inbox.books().stored()).isEqualTo(lines);
    } finally {
      outbox.close();
    }
  }

  private static void same(Message found, Message wanted) {
    assertThat(found.address()).isEqualTo(wanted.address());
    assertThat(found.headers()).isEqualTo(wanted.headers());
    assertThat(found.bytes()).isEqualTo(wanted.bytes());
    assertThat(found.replyTo()).isEqualTo(wanted.replyTo());
  }

  private static MemoryHub hub() {
    return MemoryHub.start(
        "r" + UUID.randomUUID().toString().substring(0, 8), InstantSource.system());
  }

  private Switchboard link(MemoryHub hub, Addresses own) {
    return link(hub, new Grant(own.party(), own.sends(), own.receives()));
  }

  private Switchboard link(MemoryHub hub, Grant grant) {
    MemoryIssuer issuer = new MemoryIssuer(hub, InstantSource.system());
    String credential = issuer.issue(grant, Duration.ofMinutes(10)).content();
    Switchboard board = new Switchboard(runner, SwitchboardListener.NONE);
    board
        .use(
            new MemoryTransportProvider(),
            name ->
                switch (name) {
                  case TransportProvider.ENDPOINT -> hub.uri().toString();
                  case TransportProvider.CREDENTIAL -> credential;
                  case TransportProvider.REPLIES -> "f/" + grant.subject() + "/down/replies";
                  default -> null;
                },
            Duration.ofSeconds(10))
        .toCompletableFuture()
        .join();
    boards.add(board);
    return board;
  }
}
