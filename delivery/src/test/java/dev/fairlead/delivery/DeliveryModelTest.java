// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.delivery;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import org.junit.jupiter.api.Test;

/**
 * Random schedules of append, send, loss, doubling, reordering, cuts, full disk and power cuts at
 * the sink, held against the plainest of models: what was appended. Whatever happens, the books
 * balance at each step; and once the weather is good again, each record that was not dropped is in
 * the store once, in order, and each one that was dropped is in a gap.
 *
 * <p>{@code -Dfairlead.schedules=N} runs more of them, {@code -Dfairlead.seed=S} a single one
 * again.
 */
class DeliveryModelTest {

  private static final int SCHEDULES = Integer.getInteger("fairlead.schedules", 1500);

  @Test
  void nothingIsLostUnseenAndNothingIsThereTwice() {
    Long single = Long.getLong("fairlead.seed");
    if (single != null) {
      new Schedule(single).run();
      return;
    }
    Totals totals = new Totals();
    for (long seed = 1; seed <= SCHEDULES; seed++) {
      Schedule schedule = new Schedule(seed);
      try {
        schedule.run();
      } catch (AssertionError | RuntimeException e) {
        throw new AssertionError("Again with -Dfairlead.seed=" + seed, e);
      }
      totals.add(schedule);
    }
    // The schedules must have met what they are for.
    assertThat(totals.resent).isPositive();
    assertThat(totals.dropped).isPositive();
    assertThat(totals.duplicates).isPositive();
    assertThat(totals.outOfOrder).isPositive();
    assertThat(totals.storeFailures).isPositive();
    assertThat(totals.restarts).isPositive();
  }

  private static final class Totals {
    long resent;
    long dropped;
    long duplicates;
    long outOfOrder;
    long storeFailures;
    long restarts;

    void add(Schedule schedule) {
      for (OutStream stream : schedule.streams) {
        resent += stream.books().resent();
        dropped += stream.books().droppedTotal();
      }
      for (Inbox inbox : schedule.inboxes) {
        duplicates += inbox.books().duplicates();
        outOfOrder += inbox.books().outOfOrder();
        storeFailures += inbox.books().storeFailures();
      }
      restarts += schedule.inboxes.size() - 1;
    }
  }

  private static final class Schedule {

    private final Random random;
    private final SimTime time = new SimTime();
    private final SimNet net;
    private final SimNet.End agent;
    private SimNet.End sink;
    private final SimStore store;
    private final Outbox outbox;
    private final List<OutStream> streams = new ArrayList<>();
    private final List<Map<Long, String>> ledgers = new ArrayList<>();
    private final List<Inbox> inboxes = new ArrayList<>();

    Schedule(long seed) {
      random = new Random(seed);
      net = new SimNet(time, random);
      agent = net.end();
      sink = net.end();
      store = new SimStore(time, random);
      outbox = new Outbox(agent, time);
      for (String name : List.of("events", "logs", "state")) {
        Policy policy =
            List.of(Policy.BLOCK, Policy.DROP_NEW, Policy.DROP_OLD).get(random.nextInt(3));
        StreamConfig config =
            StreamConfig.of("fl/c/up/" + name, "fl/c/down/acks/" + name, "e1")
                .withCapacity(64 * 1024)
                .withBatch(1024 << random.nextInt(3), Duration.ofNanos(random.nextInt(400_000)))
                .withPolicy(policy)
                .withPriority(name.equals("events") ? 0 : 1);
        streams.add(outbox.open(config));
        ledgers.add(new HashMap<>());
      }
      startSink();
    }

    private void startSink() {
      inboxes.add(
          new Inbox(
              sink,
              time,
              store,
              List.of("fl/*/up/events", "fl/*/up/logs", "fl/*/up/state"),
              id -> Optional.of(id.address().replace("/up/", "/down/acks/")),
              InboxListener.NONE));
      for (OutStream stream : streams) {
        inboxes
            .get(inboxes.size() - 1)
            .announce(new StreamId(stream.config().address(), stream.config().epoch()));
      }
    }

    void run() {
      net.weather.loss = random.nextInt(3) == 0 ? random.nextDouble() * 0.3 : 0;
      net.weather.doubling = random.nextInt(3) == 0 ? random.nextDouble() * 0.3 : 0;
      net.weather.refusal = random.nextInt(4) == 0 ? random.nextDouble() * 0.3 : 0;
      net.weather.silence = random.nextInt(4) == 0 ? random.nextDouble() * 0.2 : 0;
      net.weather.ordered = random.nextBoolean();
      net.weather.delay = 1L + random.nextInt(3_000_000);
      int steps = 20 + random.nextInt(60);
      for (int i = 0; i < steps; i++) {
        act();
        time.pass(
            Duration.ofNanos(random.nextInt(random.nextInt(10) == 0 ? 900_000_000 : 2_000_000)));
        check();
      }
      net.weather.loss = 0;
      net.weather.doubling = 0;
      net.weather.refusal = 0;
      net.weather.silence = 0;
      store.full = false;
      agent.comeBack();
      sink.comeBack();
      for (int i = 0; i < 600 && queued() > 0; i++) {
        time.pass(Duration.ofMillis(500));
        check();
      }
      time.pass(Duration.ofSeconds(1));
      end();
    }

    private void act() {
      switch (random.nextInt(14)) {
        case 0 -> agent.cut();
        case 1 -> sink.cut();
        case 2 -> agent.comeBack();
        case 3 -> sink.comeBack();
        case 4 -> store.full = !store.full;
        case 5 -> {
          inboxes.get(inboxes.size() - 1).close();
          store.powerCut();
          sink.cut();
          sink = net.end();
          startSink();
        }
        default -> append();
      }
    }

    private void append() {
      int which = random.nextInt(streams.size());
      OutStream stream = streams.get(which);
      int count = 1 + random.nextInt(random.nextInt(4) == 0 ? 400 : 20);
      for (int i = 0; i < count; i++) {
        String text = "r" + random.nextInt() + "x".repeat(random.nextInt(300));
        if (random.nextInt(50) == 0) {
          text = "";
        }
        long before = stream.last();
        long number = stream.tryAppend(text.getBytes(UTF_8));
        if (number > 0) {
          ledgers.get(which).put(number, text);
        }
        boolean blocked = number < 0;
        if ((number > 0 && number != before + 1)
            || (blocked && stream.config().policy() != Policy.BLOCK)
            || stream.last() != (blocked ? before : before + 1)) {
          throw new AssertionError("Append gave " + number + " after " + before);
        }
      }
    }

    private void check() {
      for (OutStream stream : streams) {
        Books books = stream.books();
        if (!books.balanced()
            || books.queuedBytes() > stream.config().capacityBytes()
            || books.queuedBytes() < 0
            || books.unacked() > books.queued()
            || books.appended() != stream.last()) {
          throw new AssertionError("The books are wrong: " + books);
        }
      }
    }

    private long queued() {
      return streams.stream()
          .mapToLong(s -> s.books().queued() + (s.settled().toCompletableFuture().isDone() ? 0 : 1))
          .sum();
    }

    private void end() {
      for (int i = 0; i < streams.size(); i++) {
        OutStream stream = streams.get(i);
        Books books = stream.books();
        assertThat(books.queued()).as("%s", books).isZero();
        assertThat(books.queuedBytes()).isZero();
        assertThat(books.badAcks()).isZero();
        StreamId id = new StreamId(stream.config().address(), stream.config().epoch());
        assertThat(store.storedUpTo(id)).isEqualTo(stream.last());
        long expected = 1;
        long delivered = 0;
        long dropped = 0;
        for (Batch batch : store.batches(id)) {
          assertThat(batch.first()).isEqualTo(expected);
          expected = batch.last() + 1;
          if (batch.isGap()) {
            assertThat(batch.gap()).isEqualTo(stream.config().policy().reason());
            dropped += batch.count();
            continue;
          }
          long number = batch.first();
          for (byte[] record : batch.records()) {
            if (!new String(record, UTF_8).equals(ledgers.get(i).get(number))) {
              throw new AssertionError("Record " + number + " of " + id + " is another.");
            }
            number++;
            delivered++;
          }
        }
        assertThat(delivered).isEqualTo(books.delivered());
        assertThat(dropped).isEqualTo(books.droppedTotal());
        assertThat(delivered + dropped).isEqualTo(books.appended());
      }
    }
  }
}
