// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.delivery;

import static dev.fairlead.transport.api.TransportException.Category.BROKEN;
import static dev.fairlead.transport.api.TransportException.Category.REFUSED;
import static java.util.Objects.requireNonNull;

import dev.fairlead.delivery.Waiters.Waiter;
import dev.fairlead.transport.api.Message;
import dev.fairlead.transport.api.Transport.Subscription;
import dev.fairlead.transport.api.TransportException.Category;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/**
 * One stream of an outbox: records go in, get a number, and are held until they have come as far as
 * the stream is configured to see them. Safe for use by several threads.
 *
 * <p>Records are written straight into the batch that is being filled, so that an append makes no
 * object. Batches stand in two rows: those that were sent and not acknowledged, in front, and those
 * that wait. Numbers that were given to dropped records stay in these rows as gaps, and are sent
 * and acknowledged like batches.
 *
 * <p>With a spool, nothing is sent before it lies there: so a number that the sink has seen is
 * never given again, whatever happens to this process.
 */
public final class OutStream {

  private static final int FIRST_BUFFER = 4096;

  /**
   * Where nothing is known of what came last, a batch that was sent more than once is not wanted
   * again sooner than this, in ns.
   */
  private static final long WANT_GAP = 50_000_000L;

  /**
   * Of what may be lost with a connection, or was sent while the sink was away, this part of the
   * window goes first; the rest when the sink has answered. Else all of it would go a second time
   * where the sink was not there yet.
   */
  private static final int TRIAL_PART = 32;

  /** A full stream that drops goes on dropping until an eighth is free: fewer, larger gaps. */
  private static final int SLACK = 8;

  /** The reason of records that were dropped before this process began. */
  private static final String EARLIER = "earlier";

  private final StreamConfig config;
  private final String epoch;
  private final Outbox outbox;
  private final long maxRecord;
  private final long flushGap;
  private final @Nullable Spooling spooling;
  private @Nullable Subscription acks;

  private final ReentrantLock lock = new ReentrantLock();
  private final Condition room = lock.newCondition();

  // All below is guarded by the lock.
  private final Rows rows = new Rows();
  private final Patience patience;
  private final Waiters waiters = new Waiters();

  /** Those who are to be told once the lock is let go that their record was dropped. */
  private final List<Waiter> disappointed = new ArrayList<>();

  private byte[] open = new byte[FIRST_BUFFER];
  private int openLength;
  private int openCount;
  private long next = 1;
  private long highestSent;

  /** How many batches were sent, those that were sent again among them. */
  private long turns;

  /** What was sent after this turn has not been answered; -1 where nothing is on trial. */
  private long trial = -1;

  private long trialBytes;
  private long takenUpTo;
  private long acked;
  private long forgotten;

  private boolean dropping;
  private boolean ended;
  private @Nullable DeliveryException trouble;
  private final List<Waiter> unspooled = new ArrayList<>();

  /** The pump found nothing at all: the next append must wake it. */
  private boolean hungry = true;

  /** The pump waits for the batch to fill: the append that seals it must wake the pump. */
  private boolean halfFed;

  private long lastFlush;
  private long flushAt = Long.MAX_VALUE;

  private long delivered;
  private final Map<String, Long> dropped = new LinkedHashMap<>();
  private long resent;
  private long refused;
  private long badAcks;

  OutStream(StreamConfig config, Outbox outbox, @Nullable Spool spool, Runner disks) {
    this.config = requireNonNull(config, "config is null");
    this.outbox = outbox;
    this.maxRecord = maxRecord(config);
    this.flushGap = config.flushGap().toNanos();
    this.patience = new Patience(config.resendAfter());
    this.lastFlush = outbox.now() - flushGap;
    SpoolConfig spoolConfig = config.spool();
    if (spool == null || spoolConfig == null) {
      this.epoch = config.epoch();
      this.spooling = null;
    } else {
      this.epoch = spool.epoch();
      this.spooling =
          new Spooling(spool, spoolConfig, config, rows, lock, disks, new SpooledStream());
      recover(spool.found());
    }
  }

  private static long maxRecord(StreamConfig config) {
    long most = Math.min(Message.MAX_PAYLOAD, config.capacityBytes() / 4);
    SpoolConfig spool = config.spool();
    return spool == null
        ? most
        : Math.min(most, Math.min(spool.segmentBytes(), spool.fullAt() / 4) - 2L * Spool.OVERHEAD);
  }

  /** Goes on where an earlier process ended. */
  private void recover(Spool.Found found) {
    next = found.next();
    highestSent = next - 1; // all that was spooled may have been sent
    forgotten = found.forgotten();
    takenUpTo = forgotten;
    // Where the broker keeps what was forgotten here, nobody knows how far the sink has come.
    acked = config.forgetAt() == AckLevel.DELIVERED ? forgotten : 0;
    delivered = found.delivered();
    found.chunks().forEach(rows::add);
    dropped.putAll(Spool.dropped(found.chunks()));
    if (forgotten > delivered) {
      dropped.merge(EARLIER, forgotten - delivered, Long::sum);
    }
  }

  /** How it works. */
  public StreamConfig config() {
    return config;
  }

  /**
   * Its name on the way: the address, and the numbering, which is the spool's where there is one.
   */
  public StreamId id() {
    return new StreamId(config.address(), epoch);
  }

  /**
   * Takes a record, and gives it the next number.
   *
   * @param record without a newline, at most {@link #maxRecord()} bytes; copied
   * @return its number, from 1; 0 when it was dropped, so that its number became a gap
   * @throws DeliveryException {@code REFUSED} when it is too large or holds a newline, {@code
   *     BROKEN} once the outbox is closed
   * @throws InterruptedException while waiting for room under {@link Policy#BLOCK}
   */
  public long append(byte[] record) throws InterruptedException {
    requireRecord(record);
    long number;
    boolean wake;
    List<Waiter> left;
    lock.lockInterruptibly();
    try {
      requireOpen();
      long weight = record.length + 1L;
      if (config.policy() == Policy.BLOCK) {
        while (!hasRoom(weight)) {
          room.await();
          requireOpen();
        }
      }
      number = fits(weight) ? add(record) : dropNew();
      wake = feed();
      left = takeDisappointed();
    } finally {
      lock.unlock();
    }
    afterAppend(wake, left);
    return number;
  }

  /**
   * Takes a record if that needs no waiting.
   *
   * @return its number; 0 when it was dropped; -1 when there is no room and the policy is {@link
   *     Policy#BLOCK}: it got no number, and nothing was counted
   * @throws DeliveryException as {@link #append} does
   */
  public long tryAppend(byte[] record) {
    requireRecord(record);
    long number;
    boolean wake;
    List<Waiter> left;
    lock.lock();
    try {
      requireOpen();
      long weight = record.length + 1L;
      if (config.policy() == Policy.BLOCK && !hasRoom(weight)) {
        return -1;
      }
      number = fits(weight) ? add(record) : dropNew();
      wake = feed();
      left = takeDisappointed();
    } finally {
      lock.unlock();
    }
    afterAppend(wake, left);
    return number;
  }

  /** The largest record, in bytes. */
  public long maxRecord() {
    return maxRecord;
  }

  /** The number of the last record that was appended; 0 before the first. */
  public long last() {
    lock.lock();
    try {
      return next - 1;
    } finally {
      lock.unlock();
    }
  }

  /** How far it has come at each level. */
  public Positions positions() {
    lock.lock();
    try {
      return new Positions(
          next - 1, spooling == null ? 0 : spooling.spooledUpTo(), takenUpTo, acked);
    } finally {
      lock.unlock();
    }
  }

  /**
   * Why the spool cannot be written now: category {@code RETRY}, code {@code disk-full} or {@code
   * disk-failed}. It is tried again by itself; meanwhile records are queued, and when there is no
   * more room for them the policy applies.
   */
  public Optional<DeliveryException> trouble() {
    lock.lock();
    try {
      return Optional.ofNullable(trouble);
    } finally {
      lock.unlock();
    }
  }

  /**
   * Tells when a record has come as far as a level.
   *
   * @param number a number that {@link #append} returned
   * @return completes then, by a thread that must not be blocked; fails with a {@link
   *     DeliveryException}: {@code REFUSED} when the record was dropped, there is no such number,
   *     or the stream has no spool; {@code RETRY} when too many are waiting, or the disk under the
   *     spool is full or fails: the record is queued still, and may be asked for again; {@code
   *     BROKEN} when the outbox is closed before
   */
  public CompletionStage<Void> reached(long number, AckLevel level) {
    lock.lock();
    try {
      if (number < 1 || number >= next) {
        return failed(REFUSED, "no-such-number", "There is no record of that number here.");
      }
      boolean reached = number <= reachedUpTo(level);
      if (reached && level != AckLevel.SPOOLED) {
        return CompletableFuture.completedStage(null);
      }
      if (rows.isDropped(number)) {
        return failed(REFUSED, "dropped", "The record was dropped.");
      }
      if (reached) {
        return CompletableFuture.completedStage(null);
      }
      if (level == AckLevel.SPOOLED && spooling == null) {
        return failed(REFUSED, "no-spool", "This stream keeps its records in memory alone.");
      }
      return await(number, level, true);
    } finally {
      lock.unlock();
    }
  }

  /** The books at this instant. */
  public Books books() {
    lock.lock();
    try {
      long unacked = 0;
      for (Chunk chunk : rows.inFlight) {
        unacked += chunk.records();
      }
      return new Books(
          next - 1,
          delivered,
          rows.records() + openCount,
          unacked,
          dropped,
          memory(),
          spooling == null ? 0 : spooling.size(),
          resent,
          refused,
          badAcks);
    } finally {
      lock.unlock();
    }
  }

  /** Completes when all that was appended so far is forgotten: delivered, or dropped. */
  CompletionStage<Void> settled() {
    lock.lock();
    try {
      if (next - 1 <= forgotten) {
        return CompletableFuture.completedStage(null);
      }
      return await(next - 1, config.forgetAt(), false);
    } finally {
      lock.unlock();
    }
  }

  void listen(Subscription subscription) {
    acks = subscription;
  }

  void end() {
    List<Waiter> left;
    lock.lock();
    try {
      if (ended) {
        return;
      }
      ended = true;
      if (spooling != null) {
        spooling.finish();
      }
      room.signalAll();
    } finally {
      lock.unlock();
    }
    if (spooling != null) {
      spooling.close();
    }
    if (acks != null) {
      acks.close();
    }
    lock.lock();
    try {
      left = waiters.takeAll();
    } finally {
      lock.unlock();
    }
    left.forEach(
        waiter ->
            waiter.fail(new DeliveryException(BROKEN, "closed", "The outbox has been closed.")));
  }

  // What the outbox's pump calls.

  /** The next batch to be sent now, marked as sent; null where there is none. */
  @Nullable Chunk take(long now) {
    lock.lock();
    try {
      if (ended || patience.pauses(now)) {
        return null;
      }
      Chunk chunk = takeAgain(now);
      return chunk != null ? chunk : takeNew(now);
    } finally {
      lock.unlock();
    }
  }

  /** When {@link #take} is to be called again if nothing happens before. */
  long wakeAt() {
    lock.lock();
    try {
      return ended ? Long.MAX_VALUE : patience.wakeAt(flushAt);
    } finally {
      lock.unlock();
    }
  }

  Message message(Chunk chunk) {
    long kept;
    long held;
    lock.lock();
    try {
      Chunk head = rows.inFlight.peek();
      held = head == null ? chunk.first : Math.min(head.first, chunk.first);
      kept = held;
      if (config.forgetAt() == AckLevel.STORED) {
        kept = Math.min(kept, acked + 1); // the broker keeps what was forgotten here
      }
    } finally {
      lock.unlock();
    }
    return new Message(
        config.address(),
        Headers.batch(
            epoch, chunk.first, chunk.count(), kept, held, chunk.crc(), chunk.gap(), chunk.turn),
        chunk.payload());
  }

  /** The transport, or its peer, has taken a batch. */
  void taken(Chunk chunk) {
    List<Waiter> done;
    boolean more;
    lock.lock();
    try {
      patience.taken();
      chunk.taken = true;
      for (Chunk sent : rows.inFlight) {
        if (!sent.taken) {
          break;
        }
        takenUpTo = Math.max(takenUpTo, sent.last());
      }
      if (config.forgetAt() == AckLevel.STORED) {
        trial = -1; // the transport's peer keeps it, whether the sink is there or not
        forget(takenUpTo);
      }
      done = waiters.takeDone(this::reachedUpTo);
      more = hasMore();
    } finally {
      lock.unlock();
    }
    done.forEach(Waiter::complete);
    if (more) {
      outbox.wake();
    }
  }

  /** Whether the pump may find something now: a thread that wakes up for nothing costs, too. */
  private boolean hasMore() {
    return !hungry
        || !rows.ready.isEmpty()
        || rows.inFlight.stream().anyMatch(chunk -> chunk.resend);
  }

  /** A batch could not be sent. */
  void failed(Chunk chunk, Category category) {
    lock.lock();
    try {
      chunk.resend = true;
      if (category == REFUSED) {
        refused++;
      }
      patience.failed(category == REFUSED, outbox.now());
    } finally {
      lock.unlock();
    }
    outbox.wake();
  }

  /** A new connection: what was under way on the old one may be lost. */
  void resendAll() {
    lock.lock();
    try {
      rows.inFlight.forEach(chunk -> chunk.resend = true);
      beginTrial();
      patience.taken();
      restartPatience(outbox.now());
    } finally {
      lock.unlock();
    }
  }

  /** An acknowledgement has come; from whom ever, so it is checked. */
  void acknowledged(Message message) {
    List<Waiter> done;
    boolean more;
    lock.lock();
    try {
      Headers.AckHeader ack = check(message);
      if (ack == null) {
        badAcks++;
        return;
      }
      long now = outbox.now();
      long turn = ack.turn() <= turns ? ack.turn() : 0; // else of a process before this one
      if (turn > trial || (turn == 0 && ack.stored() > acked)) {
        trial = -1;
      }
      if (ack.stored() > acked) {
        acked = ack.stored();
        measure(acked, now);
        forget(acked);
        // Sent before the probe and still not there: they went the way of what was probed for.
        long lostBefore = patience.answered(turn);
        if (lostBefore > 0) {
          rows.inFlight.forEach(chunk -> chunk.resend |= chunk.turn < lostBefore);
        }
        restartPatience(now);
      }
      want(ack, turn, now);
      done = waiters.takeDone(this::reachedUpTo);
      more = hasMore();
    } finally {
      lock.unlock();
    }
    done.forEach(Waiter::complete);
    if (more) {
      outbox.wake();
    }
  }

  private Headers.@Nullable AckHeader check(Message message) {
    try {
      Headers.AckHeader ack = Headers.readAck(message);
      return ack.epoch().equals(epoch) && ack.stored() <= highestSent ? ack : null;
    } catch (DeliveryException e) {
      return null; // counted by the caller: whoever sends these will not read an answer
    }
  }

  private void want(Headers.AckHeader ack, long turn, long now) {
    if (ack.wantFirst() == 0) {
      return;
    }
    if (ack.wantsAll()) {
      beginTrial();
    }
    for (Chunk chunk : rows.inFlight) {
      boolean wanted = chunk.last() >= ack.wantFirst() && chunk.first <= ack.wantLast();
      if (wanted && isLost(chunk, ack.wantsAll() ? 0 : turn, now)) {
        chunk.resend = true;
      }
    }
  }

  /** Whether what is missing is not merely on its way: sent again, it would only delay itself. */
  private static boolean isLost(Chunk chunk, long turn, long now) {
    return turn > 0 ? chunk.turn < turn : chunk.sends == 1 || now - chunk.sentAt >= WANT_GAP;
  }

  private void measure(long stored, long now) {
    for (Chunk chunk : rows.inFlight) {
      if (chunk.last() > stored) {
        break;
      }
      if (chunk.sends == 1) {
        patience.measure(now - chunk.sentAt);
      }
    }
  }

  private void restartPatience(long now) {
    patience.restart(now);
    if (rows.inFlight.isEmpty()) {
      patience.rest();
    }
  }

  private void beginTrial() {
    trial = turns;
    trialBytes = 0;
  }

  private boolean onTrial() {
    return trial >= 0
        && !rows.inFlight.isEmpty()
        && trialBytes >= config.windowBytes() / TRIAL_PART;
  }

  private @Nullable Chunk takeAgain(long now) {
    Chunk head = rows.inFlight.peek();
    if (head == null) {
      return null;
    }
    if (patience.isOver(now, turns + 1)) {
      resent++;
      return sent(head, now);
    }
    if (onTrial()) {
      return null;
    }
    for (Chunk chunk : rows.inFlight) {
      if (chunk.resend) {
        resent++;
        return sent(chunk, now);
      }
    }
    return null;
  }

  private @Nullable Chunk takeNew(long now) {
    flushAt = Long.MAX_VALUE;
    if (onTrial()) {
      return null; // the answer wakes the pump
    }
    Chunk chunk = rows.ready.peek();
    if (chunk == null && (openCount == 0 || spooling != null)) {
      hungry = true; // with a spool, it is the spool that wakes the pump
      return null;
    }
    long weight = chunk == null ? openLength + 1L : chunk.weight();
    if (!rows.inFlight.isEmpty() && rows.memoryInFlight() + weight > config.windowBytes()) {
      return null; // the acknowledgement that makes room wakes the pump
    }
    if (chunk == null) {
      long gap = gap(now);
      if (now - lastFlush < gap) {
        flushAt = lastFlush + gap;
        halfFed = true;
        return null;
      }
      seal();
    } else if (spooling != null && !spooling.isReady(chunk)) {
      return null;
    }
    chunk = rows.send();
    lastFlush = now;
    highestSent = Math.max(highestSent, chunk.last());
    patience.begin(now);
    return sent(chunk, now);
  }

  /** How long the batch that is being filled waits behind the one before it. */
  private long gap(long now) {
    Chunk oldest = rows.inFlight.peek();
    if (oldest == null || openLength >= config.batchBytes() / 2) {
      return flushGap;
    }
    return patience.gap(flushGap, rows.inFlight.size(), now - oldest.sentAt);
  }

  private Chunk sent(Chunk chunk, long now) {
    chunk.resend = false;
    chunk.sends++;
    chunk.sentAt = now;
    chunk.turn = ++turns;
    trialBytes += chunk.weight();
    return chunk;
  }

  /** Lets go of all whole batches up to a number. */
  private void forget(long number) {
    takenUpTo = Math.max(takenUpTo, number);
    for (Chunk chunk = rows.forget(number); chunk != null; chunk = rows.forget(number)) {
      delivered += chunk.records();
      forgotten = chunk.last();
    }
    if (rows.inFlight.isEmpty()) {
      patience.rest();
    }
    if (spooling != null) {
      spooling.forgotten();
    }
    room.signalAll();
  }

  // Appending.

  private void requireRecord(byte[] record) {
    if (record.length > maxRecord) {
      throw new DeliveryException(
          REFUSED,
          "record-too-large",
          "The record has %d bytes; %d is the most: cut it.".formatted(record.length, maxRecord));
    }
    if (Lines.hasNewline(record, 0, record.length)) {
      throw new DeliveryException(
          REFUSED, "bad-record", "A record holds no newline: escape it, or make it two records.");
    }
  }

  private void requireOpen() {
    if (ended) {
      throw new DeliveryException(BROKEN, "closed", "The outbox has been closed.");
    }
  }

  /** The memory that records take, those of the batch that is being filled among them. */
  private long memory() {
    return rows.memory() + (openCount == 0 ? 0 : openLength + 1L);
  }

  private boolean hasMemory(long weight, long spare) {
    return memory() + weight <= config.capacityBytes() - spare;
  }

  private boolean hasSpace(long weight, boolean spare) {
    SpoolConfig spool = config.spool();
    return spooling == null
        || spool == null
        || spooling.hasSpace(openLength + weight, spare ? spool.fullAt() / SLACK : 0);
  }

  private boolean hasRoom(long weight) {
    return hasMemory(weight, 0)
        && hasSpace(weight, false)
        && (spooling == null || spooling.mayGrow(openLength + weight));
  }

  /** Whether there is room for so many bytes, made by dropping where the policy says so. */
  private boolean fits(long weight) {
    if (dropping) {
      dropping =
          !hasMemory(weight, config.capacityBytes() / SLACK)
              || !hasSpace(weight, true)
              || !hasRoom(weight);
      if (!dropping) {
        return true;
      }
    } else if (hasRoom(weight)) {
      return true;
    }
    if (config.policy() == Policy.DROP_OLD) {
      while (!hasMemory(weight, 0) && dropOldest(true)) {
        // one batch at a time
      }
      while (!hasSpace(weight, false) && dropOldest(false)) {
        // one batch at a time
      }
      return hasRoom(weight);
    }
    return false;
  }

  private long add(byte[] record) {
    int separator = openCount == 0 ? 0 : 1;
    if (openLength + separator + record.length > config.batchBytes() && openCount > 0) {
      seal();
      separator = 0;
    }
    int needed = openLength + separator + record.length;
    if (needed > open.length) {
      int larger = Math.min(Math.max(config.batchBytes(), needed), open.length * 2);
      open = Arrays.copyOf(open, Math.max(needed, larger));
    }
    if (separator == 1) {
      open[openLength++] = '\n';
    }
    System.arraycopy(record, 0, open, openLength, record.length);
    openLength += record.length;
    openCount++;
    return next++;
  }

  /** Ends the batch that is being filled. */
  private void seal() {
    if (openCount == 0) {
      return;
    }
    // A small batch must not hold on to a large array.
    boolean whole = openLength > open.length / 2;
    byte[] content = whole ? open : Arrays.copyOf(open, openLength);
    stand(Chunk.of(next - openCount, openCount, content, openLength));
    if (whole) {
      open = new byte[open.length];
    }
    openLength = 0;
    openCount = 0;
  }

  /** A batch or gap takes its place behind the others. */
  private void stand(Chunk chunk) {
    rows.add(chunk);
    if (spooling != null) {
      spooling.sealed(chunk);
    }
  }

  private long dropNew() {
    seal();
    long number = next++;
    count(1);
    dropping = true;
    Chunk last = rows.ready.peekLast();
    if (last != null && last.isGap() && last.disk != Chunk.Disk.WRITING) {
      grow(last, 1);
    } else {
      stand(Chunk.gap(number, 1, config.policy().reason()));
    }
    return 0;
  }

  private void grow(Chunk gap, long more) {
    gap.grow(more);
    if (spooling != null) {
      spooling.grown(gap);
    }
  }

  /**
   * Turns the oldest batch that was not sent into a gap, or adds it to the gap before it; false
   * where there is none.
   *
   * @param inMemory only one that takes memory that the spool cannot free
   */
  private boolean dropOldest(boolean inMemory) {
    Rows.Gap gap = drop(inMemory);
    if (gap == null && openCount > 0) {
      seal();
      gap = drop(inMemory);
    }
    if (gap == null) {
      return false;
    }
    count(gap.lost());
    if (spooling != null) {
      if (gap.chunk().first == gap.first()) {
        spooling.sealed(gap.chunk());
      } else {
        spooling.grown(gap.chunk());
      }
    }
    disappointed.addAll(waiters.takeDropped(gap.first(), gap.last()));
    return true;
  }

  private Rows.@Nullable Gap drop(boolean inMemory) {
    boolean spooled = spooling != null;
    return rows.drop(
        chunk ->
            chunk.disk != Chunk.Disk.WRITING
                && (!spooled || !inMemory || chunk.disk == Chunk.Disk.NEW),
        config.policy().reason());
  }

  private void count(long records) {
    dropped.merge(config.policy().reason(), records, Long::sum);
  }

  /** Hands on what was appended; whether the pump must be woken. */
  private boolean feed() {
    if (spooling != null) {
      spooling.write();
      return false;
    }
    if (hungry || (halfFed && !rows.ready.isEmpty())) {
      hungry = false;
      halfFed = false;
      return true;
    }
    return false;
  }

  // Who waits for a level.

  private long reachedUpTo(AckLevel level) {
    return switch (level) {
      case QUEUED -> next - 1;
      case SPOOLED -> spooling == null ? acked : spooling.spooledUpTo();
      case STORED -> Math.max(takenUpTo, acked);
      case DELIVERED -> acked;
    };
  }

  private CompletionStage<Void> await(long number, AckLevel level, boolean strict) {
    return ended
        ? failed(BROKEN, "closed", "The outbox has been closed.")
        : waiters.await(number, level, strict);
  }

  /** What an append leads to, once the lock is let go. */
  private void afterAppend(boolean wake, List<Waiter> left) {
    left.forEach(
        waiter ->
            waiter.fail(new DeliveryException(REFUSED, "dropped", "The record was dropped.")));
    if (wake) {
      outbox.feed();
    }
  }

  private List<Waiter> takeDisappointed() {
    if (disappointed.isEmpty()) {
      return List.of();
    }
    List<Waiter> left = List.copyOf(disappointed);
    disappointed.clear();
    return left;
  }

  private static CompletionStage<Void> failed(Category category, String code, String sentence) {
    return CompletableFuture.failedStage(new DeliveryException(category, code, sentence));
  }

  /** What the spool asks of this stream. */
  private final class SpooledStream implements Spooling.Stream {

    @Override
    public void seal() {
      OutStream.this.seal();
    }

    @Override
    public long forgotten() {
      return forgotten;
    }

    @Override
    public long delivered() {
      return delivered;
    }

    @Override
    public void damaged(long records, String reason) {
      dropped.merge(reason, records, Long::sum);
    }

    @Override
    public void roomMade() {
      room.signalAll();
    }

    @Override
    public void trouble(@Nullable DeliveryException reason) {
      trouble = reason;
      if (reason != null) {
        unspooled.addAll(waiters.takeSpooling());
      }
    }

    @Override
    public void changed() {
      List<Waiter> done;
      List<Waiter> failed;
      DeliveryException reason;
      lock.lock();
      try {
        done = waiters.takeDone(OutStream.this::reachedUpTo);
        failed = List.copyOf(unspooled);
        unspooled.clear();
        reason = trouble;
      } finally {
        lock.unlock();
      }
      done.forEach(Waiter::complete);
      failed.forEach(
          waiter -> {
            if (reason == null) {
              waiter.complete();
            } else {
              waiter.fail(reason);
            }
          });
      outbox.wake();
    }
  }
}
