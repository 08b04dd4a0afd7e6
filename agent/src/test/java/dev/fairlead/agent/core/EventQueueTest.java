// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.agent.core;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import dev.fairlead.delivery.Link;
import dev.fairlead.delivery.OutStream;
import dev.fairlead.delivery.Outbox;
import dev.fairlead.delivery.Runner;
import dev.fairlead.delivery.StreamConfig;
import dev.fairlead.transport.api.Message;
import dev.fairlead.transport.api.Transport.Subscription;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.function.Consumer;
import org.junit.jupiter.api.Test;

class EventQueueTest {

  private static final int SAID = 3000;

  @Test
  void whoSaysAnEventNeverWaitsAndLearnsWhatWasLost() throws Exception {
    try (Runner runner = Runner.start("test")) {
      AcknowledgingLink link = new AcknowledgingLink(runner);
      try (Outbox outbox = new Outbox(link, runner)) {
        OutStream stream =
            outbox.open(
                StreamConfig.of("fl/c/up/events", "fl/c/down/acks/events", "e1")
                    .withCapacity(64 * 1024));
        try (EventQueue queue =
            new EventQueue(stream, count -> ("lost " + count).getBytes(UTF_8))) {
          for (int i = 0; i < SAID; i++) {
            queue.say((i + "x".repeat(1000)).getBytes(UTF_8)); // with nobody there to take it
          }
          long taken = stream.last();
          assertThat(taken).isBetween(60L, 66L);
          assertThat(queue.flush(Duration.ofMillis(1))).isFalse();
          link.connect();
          assertThat(queue.flush(Duration.ofSeconds(30))).isTrue();
          outbox.drained().toCompletableFuture().join();
          int kept = (int) taken + 1024;
          assertThat(link.records).hasSize(kept + 1).endsWith("lost " + (SAID - kept));
          for (int i = 0; i < kept; i++) {
            assertThat(link.records.get(i)).startsWith(i + "x");
          }
        }
      }
    }
  }

  /** Connects when it is told to, and acknowledges what it is given. */
  private static final class AcknowledgingLink implements Link {

    final List<String> records = new CopyOnWriteArrayList<>();
    private final Runner runner;
    private final List<Consumer<Message>> acks = new CopyOnWriteArrayList<>();
    private final List<Runnable> actions = new CopyOnWriteArrayList<>();
    private volatile boolean connected;

    AcknowledgingLink(Runner runner) {
      this.runner = runner;
    }

    void connect() {
      connected = true;
      actions.forEach(Runnable::run);
    }

    @Override
    public CompletionStage<Void> send(Message message) {
      records.addAll(List.of(new String(message.bytes(), UTF_8).split("\n", -1)));
      long last =
          Long.parseLong(message.headers().get("fl-first"))
              + Long.parseLong(message.headers().get("fl-count"))
              - 1;
      Message ack =
          new Message(
              "fl/c/down/acks/events",
              Map.of("fl-v", "1", "fl-epoch", "e1", "fl-stored", Long.toString(last)),
              ByteBuffer.allocate(0));
      runner.execute(() -> acks.forEach(each -> each.accept(ack)));
      return CompletableFuture.completedStage(null);
    }

    @Override
    public Subscription subscribe(String pattern, Consumer<Message> handler) {
      acks.add(handler);
      return () -> acks.remove(handler);
    }

    @Override
    public boolean connected() {
      return connected;
    }

    @Override
    public Subscription onConnected(Runnable action) {
      actions.add(action);
      return () -> actions.remove(action);
    }
  }
}
