// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.itest;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.fairlead.delivery.LinkHolder;
import dev.fairlead.delivery.OutStream;
import dev.fairlead.delivery.Outbox;
import dev.fairlead.delivery.Runner;
import dev.fairlead.delivery.StreamConfig;
import dev.fairlead.delivery.Switchboard;
import dev.fairlead.delivery.SwitchboardListener;
import dev.fairlead.protocol.Addresses;
import dev.fairlead.protocol.AgentState;
import dev.fairlead.protocol.Hello;
import dev.fairlead.protocol.LogRecord;
import dev.fairlead.transport.api.Message;
import dev.fairlead.transport.api.TransportProvider;
import java.time.Duration;
import java.time.Instant;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.locks.LockSupport;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * An agent's side of the way: it says hello when it is told to, and numbered lines all the time.
 */
final class SpeakingAgent implements LinkHolder, AutoCloseable {

  private static final String EPOCH = "epoch-1";

  private final Addresses own;
  private final String transport;
  private final Runner runner = Runner.start("it-agent");
  private final Switchboard board = new Switchboard(runner, SwitchboardListener.NONE);
  private final Outbox outbox = new Outbox(board, runner);
  private final OutStream lines;
  private final AtomicBoolean ends = new AtomicBoolean();
  private final Thread producer = new Thread(this::produce, "it-agent-lines");

  /**
   * Makes one, without a transport yet.
   *
   * @param transport by whose name it speaks
   */
  SpeakingAgent(Addresses own, String transport) {
    this.own = own;
    this.transport = transport;
    lines =
        outbox.open(StreamConfig.of(own.stream(Addresses.LOGS), own.acks(Addresses.LOGS), EPOCH));
    producer.setDaemon(true);
  }

  /** Goes onto its transport; returns when it is there. */
  void join(TransportProvider provider, Function<String, @Nullable String> settings)
      throws Exception {
    Joining.done(board.use(provider, settings, Patience.LIMIT));
  }

  /** Says that it is there; it may be lost, as a message may. */
  void sayHello() {
    Hello hello =
        new Hello(
            own.party(),
            EPOCH,
            Instant.now(),
            AgentState.RECEIVING_MANIFEST,
            Duration.ofSeconds(1),
            transport,
            null,
            "it");
    var unused = board.send(new Message(own.hello(), hello.toJson()));
  }

  /** Begins with its lines. */
  void speak() {
    producer.start();
  }

  private void produce() {
    try {
      for (long n = 1; !ends.get(); n++) {
        lines.append(
            new LogRecord(
                    Instant.now(), LogRecord.Level.INFO, "stdout", Long.toString(n), own.party())
                .toJson());
        if (n % 20 == 0) {
          LockSupport.parkNanos(TimeUnit.MILLISECONDS.toNanos(5)); // not as fast as can be
        }
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  /** How many lines were acknowledged. */
  long delivered() {
    return lines.books().delivered();
  }

  /** Sends no more, waits until all is acknowledged, and says how many lines that were. */
  long end() throws Exception {
    ends.set(true);
    producer.join(Patience.LIMIT.toMillis());
    Joining.done(outbox.drained());
    assertTrue(lines.books().balanced());
    assertEquals(0, lines.books().droppedTotal());
    return lines.last();
  }

  @Override
  public CompletionStage<Void> reopen(TransportProvider old, TransportProvider next) {
    return board.reopen(old, next, Patience.LIMIT);
  }

  @Override
  public void close() {
    ends.set(true);
    outbox.close();
    board.close();
    runner.close();
  }
}
