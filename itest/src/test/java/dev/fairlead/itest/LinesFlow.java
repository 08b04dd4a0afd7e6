// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.itest;

import static java.nio.charset.StandardCharsets.UTF_8;

import dev.fairlead.delivery.AckLevel;
import dev.fairlead.delivery.Arrivals;
import dev.fairlead.delivery.Batch;
import dev.fairlead.delivery.BatchStore;
import dev.fairlead.delivery.Exchange;
import dev.fairlead.delivery.Inbox;
import dev.fairlead.delivery.InboxListener;
import dev.fairlead.delivery.LinkHolder;
import dev.fairlead.delivery.OutStream;
import dev.fairlead.delivery.Outbox;
import dev.fairlead.delivery.Runner;
import dev.fairlead.delivery.StreamConfig;
import dev.fairlead.delivery.StreamId;
import dev.fairlead.delivery.Switchboard;
import dev.fairlead.delivery.SwitchboardListener;
import dev.fairlead.delivery.Ways;
import dev.fairlead.protocol.Addresses;
import dev.fairlead.transport.access.CredentialIssuer;
import dev.fairlead.transport.api.TransportProvider;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * An agent's end and a collector's, between which numbered lines flow all the time. The collector
 * hears several transports, as a host does; the agent is on one of them.
 */
final class LinesFlow implements LinkHolder, AutoCloseable {

  private final TransportBundles bundles;
  private final Map<String, Function<String, @Nullable String>> settings = new HashMap<>();
  private final Runner runner = Runner.start("it-lines");
  private final Switchboard sender = new Switchboard(runner, SwitchboardListener.NONE);
  private final Exchange collector =
      new Exchange(
          runner,
          SwitchboardListener.NONE,
          Ways.whereHeard(address -> address.split("/", 3)[1], System::nanoTime),
          Arrivals.NONE);
  private final Counting store = new Counting();
  private final Outbox outbox;
  private final OutStream stream;
  private final Inbox inbox;
  private final Thread producer = new Thread(this::produce, "it-producer");
  private volatile boolean ends;

  /**
   * Connects both ends, and begins to send.
   *
   * @param transports of which the agent begins with the first
   */
  LinesFlow(TransportBundles bundles, List<String> transports) throws Exception {
    this.bundles = bundles;
    Addresses agent = Addresses.ofComputation("f", "c");
    Addresses own = Addresses.ofCollector("f");
    for (String transport : transports) {
      CredentialIssuer issuer = bundles.service(CredentialIssuer.class, transport);
      settings.put(transport, Joining.settings(issuer, agent));
      Joining.done(
          collector.use(provider(transport), Joining.settings(issuer, own), Patience.LIMIT));
    }
    inbox =
        new Inbox(
            collector,
            runner,
            store,
            List.of("f/*/up/logs"),
            id -> Optional.of("f/c/down/acks/logs"),
            InboxListener.NONE);
    outbox = new Outbox(sender, runner);
    stream = outbox.open(StreamConfig.of(agent.stream("logs"), agent.acks("logs"), "epoch-1"));
    swapTo(transports.get(0));
    producer.setDaemon(true);
    producer.start();
  }

  private TransportProvider provider(String transport) {
    return bundles.service(TransportProvider.class, transport);
  }

  /** The agent changes its transport; returns when the new one is its current one. */
  void swapTo(String transport) throws Exception {
    Joining.done(
        sender.use(
            provider(transport),
            Objects.requireNonNull(settings.get(transport), transport),
            Patience.LIMIT));
  }

  /** On which the agent is. */
  String transport() {
    return sender.transport().orElseThrow();
  }

  private void produce() {
    try {
      for (long n = 1; !ends; n++) {
        stream.append(Long.toString(n).getBytes(UTF_8));
        if (n % 50 == 0) {
          // Not as fast as can be: other tests run beside.
          stream.reached(n, AckLevel.DELIVERED).toCompletableFuture().join();
        }
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  @Override
  public CompletionStage<Void> reopen(TransportProvider old, TransportProvider next) {
    return sender
        .reopen(old, next, Patience.LIMIT)
        .thenCompose(done -> collector.reopen(old, next, Patience.LIMIT));
  }

  /** Waits until more lines are stored. */
  void awaitMore() {
    long before = stored();
    Patience.await("lines flow", () -> stored() > before + 100);
  }

  /** How many lines are stored by now. */
  long stored() {
    return store.stored.get();
  }

  /** The first line that was not the one that had to follow; null while there is none. */
  @Nullable String wrong() {
    return store.wrong.get();
  }

  /** Sends no more, waits until all is stored, and says how many lines that were. */
  long end() throws Exception {
    ends = true;
    producer.join(Patience.LIMIT.toMillis());
    Joining.done(outbox.drained());
    return stream.last();
  }

  @Override
  public void close() {
    ends = true;
    inbox.close();
    outbox.close();
    sender.close();
    collector.close();
    runner.close();
  }

  /** Holds each line against the one before. */
  private static final class Counting implements BatchStore {

    private final AtomicLong stored = new AtomicLong();
    private final AtomicReference<@Nullable String> wrong = new AtomicReference<>();

    @Override
    public CompletionStage<Void> append(Batch batch) {
      for (byte[] record : batch.records()) {
        String line = new String(record, UTF_8);
        if (!line.equals(Long.toString(stored.incrementAndGet()))) {
          wrong.compareAndSet(null, "line %s came as number %d".formatted(line, stored.get()));
        }
      }
      return CompletableFuture.completedStage(null);
    }

    @Override
    public long storedUpTo(StreamId id) {
      return stored.get();
    }
  }
}
