// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.delivery;

import static java.nio.charset.StandardCharsets.US_ASCII;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.NavigableMap;
import java.util.Optional;
import java.util.Random;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * One random schedule of an agent, a sink and what lies between: appends, a bad network, swaps of
 * the transport, full and failing disks, processes killed, power cut. Beside it runs the plainest
 * of models: what was appended, and what was promised. All of it is on one thread, with a time of
 * its own, and depends on the seed alone.
 *
 * <p>At each step the books balance and no bound is exceeded. Once the weather is good again, each
 * record that was promised is in the store once and in order; the numbers of the dropped ones are
 * gaps, and there are no others.
 */
final class Schedule {

  /** What may be put in the place of something sound, to see whether the model notices. */
  static class Faults {
    MemoryDisk agentDisk() {
      return new MemoryDisk();
    }

    LogStore store(Disk disk, Runner runner) {
      return new LogStore(disk, runner);
    }

    Link agentLink(Link link) {
      return link;
    }

    Link sinkLink(Link link) {
      return link;
    }

    StreamConfig config(StreamConfig config) {
      return config;
    }

    MemoryDisk afterKill(MemoryDisk disk) {
      return disk;
    }
  }

  private static final String[] NAMES = {"events", "logs"};
  private static final Policy[] POLICIES = Policy.values();
  private static final long SPOOL_BYTES = 64 * 1024;
  private static final String DROPPED = "(dropped)";

  final Totals totals = new Totals();
  private final Random random;
  private final Faults faults;
  private final SimTime time = new SimTime();
  private final SimNet net;
  private final boolean heavy;
  private final List<Sender> senders = new ArrayList<>();
  private SimTime.Life agentLife;
  private SwapLink agentLink;
  private Outbox outbox;
  private int lives;

  private final MemoryDisk sinkDisk = new MemoryDisk();
  private SimTime.Life sinkLife;
  private SwapLink sinkLink;
  private Inbox inbox;
  private LogStore store;

  /** What all schedules together have met. */
  static final class Totals {
    long appended;
    long resent;
    long dropped;
    long duplicates;
    long outOfOrder;
    long storeFailures;
    long agentKills;
    long agentPowerCuts;
    long sinkKills;
    long sinkPowerCuts;
    long swaps;
    long troubles;
    long recovered;
    long forgotten;
    long backlogs;

    void add(Totals other) {
      appended += other.appended;
      resent += other.resent;
      dropped += other.dropped;
      duplicates += other.duplicates;
      outOfOrder += other.outOfOrder;
      storeFailures += other.storeFailures;
      agentKills += other.agentKills;
      agentPowerCuts += other.agentPowerCuts;
      sinkKills += other.sinkKills;
      sinkPowerCuts += other.sinkPowerCuts;
      swaps += other.swaps;
      troubles += other.troubles;
      recovered += other.recovered;
      forgotten += other.forgotten;
      backlogs += other.backlogs;
    }
  }

  /** One stream of the agent, over all its lives; and what the model knows of it. */
  private final class Sender {

    private final StreamConfig config;
    private @Nullable MemoryDisk disk;
    private OutStream stream;

    /** Of this numbering: what was appended, by number. */
    private final NavigableMap<Long, String> ledger = new TreeMap<>();

    /** All up to here was said to be spooled, or to be delivered. */
    private long promised;

    private boolean troubled;

    /** Numberings that ended with their process, and how far they were delivered. */
    private final List<Ended> ended = new ArrayList<>();

    Sender(String name) {
      Policy policy = POLICIES[random.nextInt(POLICIES.length)];
      StreamConfig made =
          StreamConfig.of("fl/c/up/" + name, "fl/c/down/acks/" + name, "e0")
              .withCapacity(64 * 1024)
              .withBatch(1024 << random.nextInt(3), Duration.ofNanos(random.nextInt(400_000)))
              .withPolicy(policy)
              .withPriority(name.equals("events") ? 0 : 1);
      config = faults.config(made);
      disk = random.nextInt(5) > 0 ? faults.agentDisk() : null;
      stream = open();
    }

    private OutStream open() {
      MemoryDisk mine = disk;
      StreamConfig one = config;
      if (mine == null) {
        one = withEpoch("e" + lives);
      } else {
        one =
            one.withSpool(new SpoolConfig(mine, SPOOL_BYTES, Duration.ofMillis(random.nextInt(3))));
      }
      return outbox.open(one);
    }

    private StreamConfig withEpoch(String epoch) {
      return StreamConfig.of(config.address(), config.ackAddress(), epoch)
          .withCapacity(config.capacityBytes())
          .withBatch(config.batchBytes(), config.flushGap())
          .withPolicy(config.policy())
          .withPriority(config.priority())
          .withForgetAt(config.forgetAt());
    }

    void append() {
      int count = 1 + random.nextInt(random.nextInt(4) == 0 ? (heavy ? 30 : 60) : 8);
      for (int i = 0; i < count; i++) {
        String text = "r" + random.nextInt(1_000_000);
        if (random.nextInt(50) == 0) {
          text = "";
        } else {
          text += "x".repeat(random.nextInt(heavy ? 3800 : 200));
        }
        long before = stream.last();
        long number = stream.tryAppend(text.getBytes(US_ASCII));
        boolean blocked = number < 0;
        require(
            (number <= 0 || number == before + 1)
                && (!blocked || config.policy() == Policy.BLOCK)
                && stream.last() == (blocked ? before : before + 1),
            "append gave " + number + " after " + before);
        if (!blocked) {
          ledger.put(before + 1, number == 0 ? DROPPED : text);
        }
      }
    }

    void check() {
      Books books = stream.books();
      Positions at = stream.positions();
      require(books.balanced(), "the books do not balance: " + books);
      require(
          books.queuedBytes() >= 0
              && books.queuedBytes() <= config.capacityBytes()
              && books.unacked() <= books.queued()
              && books.appended() == stream.last()
              && (books.badAcks() == 0 || !ended.isEmpty()), // meant for those that ended
          "the books are wrong: " + books);
      require(at.queued() == stream.last() && at.delivered() <= at.stored(), "positions " + at);
      if (disk != null) {
        require(at.stored() <= at.spooled() && at.spooled() <= at.queued(), "positions " + at);
        require(disk.size() <= SPOOL_BYTES, "the spool has " + disk.size() + " bytes");
        promised = Math.max(promised, at.spooled());
      } else {
        promised = Math.max(promised, at.delivered());
      }
      totals.troubles += stream.trouble().isPresent() ? 1 : 0;
      totals.backlogs += books.queued() > 0 && books.queuedBytes() == 0 ? 1 : 0;
    }

    /** The process is gone. */
    void dies(boolean powerCut) {
      totals.resent += stream.books().resent();
      MemoryDisk mine = disk;
      if (mine == null) {
        ended.add(new Ended(stream.id(), new TreeMap<>(ledger), promised));
        ledger.clear();
        promised = 0;
        return;
      }
      if (powerCut) {
        mine.powerCut(random);
      } else {
        mine.afterKill();
      }
      disk = faults.afterKill(mine);
    }

    void goesOn() {
      stream = open();
      if (disk == null) {
        return;
      }
      long last = stream.last();
      long known = ledger.isEmpty() ? 0 : ledger.lastKey();
      require(
          last >= promised && last <= known,
          "promised %d, appended %d, found %d".formatted(promised, known, last));
      totals.recovered += stream.books().queued();
      totals.forgotten += known - last;
      ledger.tailMap(last, false).clear(); // never appended, as far as anybody knows
      check();
    }

    boolean isDone() {
      return stream.books().queued() == 0 && stream.positions().delivered() == stream.last();
    }

    void end() {
      Books books = stream.books();
      require(books.queued() == 0 && books.queuedBytes() == 0, "not empty: " + books);
      long[] found = compare(stream.id(), ledger, stream.last());
      // What an earlier process had sent may be in the store, and yet be dropped by a later one;
      // and a disk that is full may not even have room to say how many were delivered.
      long both = lives > 0 && config.policy() != Policy.BLOCK ? found[0] - books.delivered() : 0;
      require(
          (both == 0 || troubled || (both > 0 && config.policy() == Policy.DROP_OLD))
              && found[0] == books.delivered() + both
              && found[1] == books.droppedTotal() - both,
          "stored %d and lost %d, but %s".formatted(found[0], found[1], books));
      totals.appended += books.appended();
      totals.resent += books.resent();
      totals.dropped += books.droppedTotal();
      for (Ended one : ended) {
        long stored = store.storedUpTo(one.id);
        require(stored >= one.promised, "promised %d of %s".formatted(one.promised, one.id));
        compare(one.id, one.ledger, stored);
        totals.appended += one.ledger.size();
      }
    }

    /** Holds the store against the ledger, up to a number; gives records and gaps. */
    private long[] compare(StreamId id, NavigableMap<Long, String> appended, long last) {
      long next = 1;
      long[] found = new long[2];
      for (Batch batch : store.batches(id)) {
        require(batch.first() == next, "a hole before " + batch.first());
        next = batch.last() + 1;
        if (batch.isGap()) {
          require(
              config.policy().reason().equals(batch.gap()) && config.policy() != Policy.BLOCK,
              "a gap: " + batch);
          found[1] += batch.count();
          continue;
        }
        long number = batch.first();
        for (byte[] record : batch.records()) {
          String text = new String(record, US_ASCII);
          require(text.equals(appended.get(number)), "record %d is another".formatted(number));
          number++;
          found[0]++;
        }
      }
      require(next == last + 1, "stored up to %d of %d".formatted(next - 1, last));
      if (config.policy() == Policy.DROP_NEW) {
        long dropped =
            appended.headMap(last, true).values().stream().filter(DROPPED::equals).count();
        require(dropped == found[1], "dropped %d, lost %d".formatted(dropped, found[1]));
      }
      return found;
    }
  }

  /** A numbering that ended with its process. */
  private record Ended(StreamId id, NavigableMap<Long, String> ledger, long promised) {}

  Schedule(long seed, Faults faults) {
    this.random = new Random(seed);
    this.faults = faults;
    net = new SimNet(time, random);
    heavy = random.nextInt(3) == 0;
    startAgent();
    for (String name : NAMES) {
      senders.add(new Sender(name));
    }
    startSink();
  }

  private void startAgent() {
    agentLife = time.new Life();
    agentLink = new SwapLink(net);
    outbox = new Outbox(faults.agentLink(agentLink), agentLife, agentLife);
  }

  private void startSink() {
    sinkLife = time.new Life();
    sinkLink = new SwapLink(net);
    store = faults.store(sinkDisk, sinkLife);
    inbox =
        new Inbox(
            faults.sinkLink(sinkLink),
            sinkLife,
            store,
            List.of("fl/*/up/events", "fl/*/up/logs"),
            id -> Optional.of(id.address().replace("/up/", "/down/acks/")),
            InboxListener.NONE);
    if (random.nextBoolean()) {
      store.streams().forEach(inbox::announce);
    }
  }

  void run() {
    weather();
    int steps = 10 + random.nextInt(30);
    for (int i = 0; i < steps; i++) {
      act();
      time.pass(
          Duration.ofNanos(random.nextInt(random.nextInt(10) == 0 ? 900_000_000 : 4_000_000)));
      senders.forEach(Sender::check);
    }
    heal();
    for (int i = 0; i < 400 && !senders.stream().allMatch(Sender::isDone); i++) {
      time.pass(Duration.ofMillis(250));
      senders.forEach(Sender::check);
    }
    time.pass(Duration.ofSeconds(1));
    senders.forEach(Sender::end);
    count(inbox.books());
  }

  private void weather() {
    SimNet.Weather weather = net.weather;
    weather.loss = random.nextInt(3) == 0 ? random.nextDouble() * 0.3 : 0;
    weather.doubling = random.nextInt(3) == 0 ? random.nextDouble() * 0.3 : 0;
    weather.refusal = random.nextInt(4) == 0 ? random.nextDouble() * 0.3 : 0;
    weather.silence = random.nextInt(4) == 0 ? random.nextDouble() * 0.2 : 0;
    weather.ordered = random.nextBoolean();
    weather.delay = 1L + random.nextInt(3_000_000);
  }

  private void heal() {
    net.weather.loss = 0;
    net.weather.doubling = 0;
    net.weather.refusal = 0;
    net.weather.silence = 0;
    sinkDisk.room = Long.MAX_VALUE;
    sinkDisk.syncFails = false;
    for (Sender sender : senders) {
      mend(sender.disk);
    }
    agentLink.comeBack();
    sinkLink.comeBack();
  }

  private static void mend(@Nullable MemoryDisk disk) {
    if (disk != null) {
      disk.room = Long.MAX_VALUE;
      disk.syncFails = false;
    }
  }

  private void act() {
    switch (random.nextInt(24)) {
      case 0 -> agentLink.cut();
      case 1 -> sinkLink.cut();
      case 2, 3 -> agentLink.comeBack();
      case 4, 5 -> sinkLink.comeBack();
      case 6 -> trouble(sinkDisk);
      case 7 -> {
        Sender sender = senders.get(random.nextInt(senders.size()));
        sender.troubled = true;
        trouble(sender.disk);
      }
      case 8 -> {
        mend(sinkDisk);
        senders.forEach(sender -> mend(sender.disk));
      }
      case 9 -> killSink(random.nextBoolean());
      case 10 -> killAgent(random.nextBoolean());
      case 11 -> swap();
      case 12 -> weather();
      default -> senders.get(random.nextInt(senders.size())).append();
    }
  }

  private void trouble(@Nullable MemoryDisk disk) {
    if (disk != null) {
      if (random.nextBoolean()) {
        disk.room = random.nextInt(4000);
      } else {
        disk.syncFails = true;
      }
    }
  }

  private void swap() {
    totals.swaps++;
    SimNet.End old = (random.nextBoolean() ? agentLink : sinkLink).swap();
    time.at(time.nanoTime() + random.nextInt(5_000_000), old::remove);
  }

  private void killSink(boolean powerCut) {
    count(inbox.books());
    sinkLife.close();
    sinkLink.remove();
    if (powerCut) {
      totals.sinkPowerCuts++;
      sinkDisk.powerCut(random);
    } else {
      totals.sinkKills++;
      sinkDisk.afterKill();
    }
    mend(sinkDisk);
    startSink();
  }

  private void killAgent(boolean powerCut) {
    if (powerCut) {
      totals.agentPowerCuts++;
    } else {
      totals.agentKills++;
    }
    lives++;
    agentLife.close();
    agentLink.remove();
    senders.forEach(sender -> sender.dies(powerCut));
    senders.forEach(sender -> mend(sender.disk));
    startAgent();
    senders.forEach(Sender::goesOn);
  }

  private void count(InboxBooks books) {
    totals.duplicates += books.duplicates();
    totals.outOfOrder += books.outOfOrder();
    totals.storeFailures += books.storeFailures();
  }

  private static void require(boolean holds, String otherwise) {
    if (!holds) {
      throw new AssertionError(otherwise);
    }
  }
}
