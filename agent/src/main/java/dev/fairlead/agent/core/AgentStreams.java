// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.agent.core;

import static java.lang.System.Logger.Level.WARNING;

import dev.fairlead.agent.StreamBooks;
import dev.fairlead.delivery.AckLevel;
import dev.fairlead.delivery.Books;
import dev.fairlead.delivery.DeliveryException;
import dev.fairlead.delivery.Link;
import dev.fairlead.delivery.OutStream;
import dev.fairlead.delivery.Outbox;
import dev.fairlead.delivery.Runner;
import dev.fairlead.delivery.StreamConfig;
import dev.fairlead.protocol.Addresses;
import dev.fairlead.protocol.BootFacts;
import dev.fairlead.protocol.Event;
import dev.fairlead.protocol.Heartbeat;
import dev.fairlead.protocol.LogRecord;
import dev.fairlead.protocol.json.JsonObject;
import java.nio.file.Path;
import java.time.Duration;
import java.time.InstantSource;
import java.util.Map;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;

/**
 * Events and lines on their way out of the agent: a stream of each, kept until it is delivered.
 * Safe for use by several threads; only whoever says a line may have to wait.
 */
final class AgentStreams implements Reporter, AutoCloseable {

  private static final System.Logger log = System.getLogger(AgentStreams.class.getName());

  private static final long EVENTS_BYTES = 1 << 20;

  private final BootFacts facts;
  private final SessionSetup.Streams settings;
  private final InstantSource clock;
  private final Outbox outbox;
  private final OutStream events;
  private final OutStream logs;
  private final EventQueue said;

  /**
   * Opens both.
   *
   * @param fresh what this agent's epoch is, unless a spool goes on with an earlier one's
   * @throws DeliveryException when the spool is in use or cannot be read
   */
  AgentStreams(
      Link link,
      Runner runner,
      BootFacts facts,
      SessionSetup.Streams settings,
      InstantSource clock,
      String fresh) {
    this.facts = facts;
    this.settings = settings;
    this.clock = clock;
    outbox = new Outbox(link, runner);
    events = outbox.open(config(Addresses.EVENTS, fresh, EVENTS_BYTES).withPriority(0));
    logs = outbox.open(config(Addresses.LOGS, epoch(), settings.logBytes()).withPriority(1));
    said = new EventQueue(events, this::eventsLost);
  }

  private StreamConfig config(String name, String epoch, long bytes) {
    Addresses addresses = facts.addresses();
    StreamConfig config =
        StreamConfig.of(addresses.stream(name), addresses.acks(name), epoch)
            .withCapacity(bytes)
            .withForgetAt(facts.forgetsStored() ? AckLevel.STORED : AckLevel.DELIVERED);
    Path spool = settings.spool();
    return spool == null ? config : config.withSpool(spool.resolve(name), settings.spoolBytes());
  }

  private byte[] eventsLost(long count) {
    return new Event(
            "EventsLost",
            "Warning",
            clock.instant(),
            facts.computation(),
            Agent.ORIGINATOR,
            JsonObject.builder().put("events", count).build())
        .toJson();
  }

  /** The epoch in which both are numbered. */
  String epoch() {
    return events.id().epoch();
  }

  @Override
  public void event(Event event) {
    said.say(event.toJson());
  }

  @Override
  public void log(LogRecord line) throws InterruptedException {
    logs.append(line.toJson());
  }

  @Override
  public Map<String, StreamBooks> books() {
    return Map.of(Addresses.EVENTS, of(events.books()), Addresses.LOGS, of(logs.books()));
  }

  private static StreamBooks of(Books books) {
    return new StreamBooks(
        books.appended(), books.delivered(), books.queued(), books.droppedTotal());
  }

  /** All that is known of both, by name. */
  Map<String, Books> allBooks() {
    return Map.of(Addresses.EVENTS, events.books(), Addresses.LOGS, logs.books());
  }

  /** What both hold back. */
  Heartbeat.Backlog backlog() {
    Books first = events.books();
    Books second = logs.books();
    return new Heartbeat.Backlog(
        first.queued() + second.queued(),
        first.unacked() + second.unacked(),
        first.droppedTotal() + second.droppedTotal());
  }

  /** Waits until what was said has been delivered; logs where that takes longer. */
  void drain(Duration patience) {
    CountDownLatch done = new CountDownLatch(1);
    long end = System.nanoTime() + patience.toNanos();
    try {
      boolean all = said.flush(patience);
      outbox.drained().whenComplete((nothing, failure) -> done.countDown());
      if (!done.await(end - System.nanoTime(), TimeUnit.NANOSECONDS) || !all) {
        log.log(WARNING, "Not everything was delivered before the end: {0}", allBooks());
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  /** Closes both; what is not delivered stays in the spool, where there is one. */
  @Override
  public void close() {
    said.close();
    outbox.close();
  }
}
