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

    /** Whether senders forget what the broker has stored. */
    boolean stored(boolean drawn) {
      return drawn;
    }

    SimBroker broker(SimTime time, Random random) {
      return new SimBroker(time, random);
    }
  }

  private static final String[] NAMES = {"events", "logs"};
  private static final Policy[] POLICIES = Policy.values();
  private static final long SPOOL_BYTES = 64 * 1024;
  private static final String DROPPED = "(dropped)";
  private static final String NOT_KEPT = "not-kept";

  final Totals totals = new Totals();
  private final Random random;
  private final Faults faults;
  private final SimTime time = new SimTime();
  private final SimNet net;
  private final boolean heavy;

  /** Whether this one runs at the level STORED: senders forget what the broker has stored. */
  private final boolean stored;

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
    long storedSchedules;
    long confirmed;
    long refusedByBroker;
    long givenAgain;
    long brokerRestarts;
    long brokerPowerCuts;
    long lostByBroker;
    long notKept;

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
      storedSchedules += other.storedSchedules;
      confirmed += other.confirmed;
      refusedByBroker += other.refusedByBroker;
      givenAgain += other.givenAgain;
      brokerRestarts += other.brokerRestarts;
      brokerPowerCuts += other.brokerPowerCuts;
      lostByBroker += other.lostByBroker;
      notKept += other.notKept;
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

    /** The last record is appended. */
    private boolean saidLast;

    /** Numberings that ended with their process, and how far they were delivered. */
    private final List<Ended> ended = new ArrayList<>();

    Sender(String name) {
      Policy policy = POLICIES[random.nextInt(POLICIES.length)];
      StreamConfig made =
          StreamConfig.of("fl/c/up/" + name, "fl/c/down/acks/" + name, "e0")
              .withCapacity(64 * 1024)
              .withBatch(1024 << random.nextInt(3), Duration.ofNanos(random.nextInt(400_000)))
              .withPolicy(policy)
              .withPriority(name.equals("events") ? 0 : 1)
              .withForgetAt(stored ? AckLevel.STORED : AckLevel.DELIVERED);
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
        promised = Math.max(promised, stored ? at.stored() : at.delivered());
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
      return stream.books().queued() == 0
          && (!stored || saidLast)
          && stream.positions().delivered() == stream.last();
    }

    /** What a broker has lost of a stream's end shows when something comes behind it. */
    void sayLast() {
      if (!saidLast && stream.books().queued() == 0) {
        long before = stream.last();
        long number = stream.tryAppend("last".getBytes(US_ASCII));
        saidLast = number >= 0;
        if (saidLast) {
          ledger.put(before + 1, number == 0 ? DROPPED : "last");
        }
      }
    }

    void end() {
      Books books = stream.books();
      require(books.queued() == 0 && books.queuedBytes() == 0, "not empty: " + books);
      Found found = compare(stream.id(), ledger, stream.last());
      // What an earlier process had sent may be in the store, and yet be dropped by a later one;
      // and a disk that is full may not even have room to say how many were delivered.
      long records = books.delivered() - found.notKeptRecords;
      long gaps = books.droppedTotal() - found.notKeptGaps;
      boolean open = lives > 0 || found.notKeptUnclear > 0;
      long both = open && config.policy() != Policy.BLOCK ? found.records - records : 0;
      boolean unclear = both > 0 && both <= found.notKeptUnclear;
      require(
          (both == 0 || troubled || unclear || (both > 0 && config.policy() == Policy.DROP_OLD))
              && found.records == records + both
              && found.gaps == gaps - both,
          "stored %s, but %s".formatted(found, books));
      totals.appended += books.appended();
      totals.resent += books.resent();
      totals.dropped += books.droppedTotal();
      for (Ended one : ended) {
        long last = store.storedUpTo(one.id);
        for (long number = last + 1; number <= one.promised; number++) {
          require(
              net.broker.hasLost(one.id, number),
              "promised %d of %s, stored %d".formatted(one.promised, one.id, last));
        }
        compare(one.id, one.ledger, last);
        totals.appended += one.ledger.size();
      }
    }

    /** Holds the store against the ledger, up to a number. */
    private Found compare(StreamId id, NavigableMap<Long, String> appended, long last) {
      long next = 1;
      Found found = new Found();
      for (Batch batch : store.batches(id)) {
        require(batch.first() == next, "a hole before " + batch.first());
        next = batch.last() + 1;
        if (NOT_KEPT.equals(batch.gap())) {
          for (long number = batch.first(); number <= batch.last(); number++) {
            require(
                net.broker.hasLost(id, number),
                "record %d of %s was taken for lost".formatted(number, id));
            found.notKept(config.policy(), DROPPED.equals(appended.get(number)));
          }
        } else if (batch.isGap()) {
          require(
              config.policy().reason().equals(batch.gap()) && config.policy() != Policy.BLOCK,
              "a gap: " + batch);
          found.gaps += batch.count();
        } else {
          long number = batch.first();
          for (byte[] record : batch.records()) {
            String text = new String(record, US_ASCII);
            require(text.equals(appended.get(number)), "record %d is another".formatted(number));
            number++;
            found.records++;
          }
        }
      }
      require(next == last + 1, "stored up to %d of %d".formatted(next - 1, last));
      if (config.policy() == Policy.DROP_NEW) {
        long dropped =
            appended.headMap(last, true).values().stream().filter(DROPPED::equals).count();
        require(
            dropped == found.gaps + found.notKeptGaps,
            "dropped %d, found %s".formatted(dropped, found));
      }
      totals.notKept += found.notKeptRecords + found.notKeptGaps;
      return found;
    }
  }

  /** What the store has of one numbering; and what a broker had lost, as far as the model knows. */
  private static final class Found {
    private long records;
    private long gaps;
    private long notKeptRecords;
    private long notKeptGaps;

    /** Of those taken for records, how many a sender that drops the old may have dropped. */
    private long notKeptUnclear;

    void notKept(Policy policy, boolean dropped) {
      if (dropped) {
        notKeptGaps++;
      } else {
        notKeptRecords++;
        notKeptUnclear += policy == Policy.DROP_OLD ? 1 : 0;
      }
    }

    @Override
    public String toString() {
      return "%d records, %d in gaps, not kept %d and %d"
          .formatted(records, gaps, notKeptRecords, notKeptGaps);
    }
  }

  /** A numbering that ended with its process. */
  private record Ended(StreamId id, NavigableMap<Long, String> ledger, long promised) {}

  Schedule(long seed, Faults faults) {
    this.random = new Random(seed);
    this.faults = faults;
    net = new SimNet(time, random, faults.broker(time, random));
    heavy = random.nextInt(3) == 0;
    stored = faults.stored(random.nextInt(3) == 0);
    totals.storedSchedules += stored ? 1 : 0;
    net.broker.syncsAlways = random.nextInt(4) == 0;
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
            InboxListener.NONE,
            stored ? AckLevel.STORED : AckLevel.DELIVERED);
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
    for (int i = 0; i < (stored ? 2000 : 400) && !isDone(); i++) {
      if (stored) {
        senders.forEach(Sender::sayLast);
      }
      time.pass(Duration.ofMillis(250));
      senders.forEach(Sender::check);
    }
    time.pass(Duration.ofSeconds(1));
    require(net.broker.isEmpty(), "the broker still holds " + net.broker);
    senders.forEach(Sender::end);
    totals.confirmed += net.broker.confirmed;
    totals.refusedByBroker += net.broker.refused;
    totals.givenAgain += net.broker.givenAgain;
    totals.lostByBroker += net.broker.lostMessages;
    count(inbox.books());
  }

  private boolean isDone() {
    return senders.stream().allMatch(Sender::isDone) && net.broker.isEmpty();
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
    net.broker.room = Long.MAX_VALUE;
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
    switch (random.nextInt(stored ? 30 : 24)) {
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
      case 24 -> restartBroker();
      case 25 -> cutPowerOfBroker();
      case 26 -> net.broker.room = random.nextInt(6000);
      case 27 -> net.broker.room = Long.MAX_VALUE;
      case 28 -> net.broker.sync();
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

  private void restartBroker() {
    totals.brokerRestarts++;
    net.cutAll();
    net.broker.restart();
  }

  private void cutPowerOfBroker() {
    totals.brokerPowerCuts++;
    net.cutAll();
    net.broker.powerCut();
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
