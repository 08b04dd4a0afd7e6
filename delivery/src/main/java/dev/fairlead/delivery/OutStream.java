// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.delivery;

import static dev.fairlead.transport.api.TransportException.Category.BROKEN;
import static dev.fairlead.transport.api.TransportException.Category.REFUSED;
import static dev.fairlead.transport.api.TransportException.Category.RETRY;
import static java.util.Objects.requireNonNull;

import dev.fairlead.transport.api.Message;
import dev.fairlead.transport.api.Transport.Subscription;
import dev.fairlead.transport.api.TransportException.Category;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Deque;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
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
 */
public final class OutStream {

  private static final int MAX_WAITERS = 1024;
  private static final int FIRST_BUFFER = 4096;

  /** Longest wait for an acknowledgement, as a multiple of the first. */
  private static final int MAX_PATIENCE = 4;

  /** A batch that was sent more than once is not wanted again sooner than this, in ns. */
  private static final long WANT_GAP = 50_000_000L;

  private static final long MIN_BACKOFF = 1_000_000L;
  private static final long MAX_BACKOFF = 250_000_000L;
  private static final long REFUSED_BACKOFF = 1_000_000_000L;

  /** A full stream that drops goes on dropping until an eighth is free: fewer, larger gaps. */
  private static final int SLACK = 8;

  private final StreamConfig config;
  private final Outbox outbox;
  private final long maxRecord;
  private final long flushGap;
  private final long patience;
  private @Nullable Subscription acks;

  private final ReentrantLock lock = new ReentrantLock();
  private final Condition room = lock.newCondition();

  // All below is guarded by the lock.
  private final Deque<Chunk> inFlight = new ArrayDeque<>();
  private final Deque<Chunk> ready = new ArrayDeque<>();
  private byte[] open = new byte[FIRST_BUFFER];
  private int openLength;
  private int openCount;
  private long next = 1;
  private long highestSent;
  private long acked;
  private long takenUpTo;

  private long bytes;
  private long bytesInFlight;
  private boolean dropping;
  private boolean ended;

  /** The pump found nothing at all: the next append must wake it. */
  private boolean hungry = true;

  /** The pump waits for the batch to fill: the append that seals it must wake the pump. */
  private boolean halfFed;

  private long lastFlush;
  private long flushAt = Long.MAX_VALUE;
  private boolean backingOff;
  private long retryAt;
  private long backoff = MIN_BACKOFF;
  private long ackDeadline = Long.MAX_VALUE;
  private long waitForAck;
  private long roundTrip;
  private long probeAt;
  private boolean probing;

  private long appended;
  private long delivered;
  private long queued;
  private final Map<String, Long> dropped = new LinkedHashMap<>();
  private long resent;
  private long refused;
  private long badAcks;
  private final List<Waiter> waiters = new ArrayList<>();
  private final List<Waiter> disappointed = new ArrayList<>();

  OutStream(StreamConfig config, Outbox outbox) {
    this.config = requireNonNull(config, "config is null");
    this.outbox = outbox;
    this.maxRecord = Math.min(Message.MAX_PAYLOAD, config.capacityBytes() / 4);
    this.flushGap = config.flushGap().toNanos();
    this.patience = config.resendAfter().toNanos();
    this.waitForAck = patience;
    this.lastFlush = outbox.now() - flushGap;
  }

  /** How it works. */
  public StreamConfig config() {
    return config;
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
        while (bytes + weight > config.capacityBytes()) {
          room.await();
          requireOpen();
        }
      }
      number = fits(weight) ? add(record) : dropNew();
      wake = takeHunger();
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
      if (config.policy() == Policy.BLOCK && bytes + weight > config.capacityBytes()) {
        return -1;
      }
      number = fits(weight) ? add(record) : dropNew();
      wake = takeHunger();
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

  /**
   * Tells when a record has come as far as a level.
   *
   * @param number a number that {@link #append} returned
   * @return completes then, by a thread that must not be blocked; fails with a {@link
   *     DeliveryException}: {@code REFUSED} when the record was dropped, there is no such number,
   *     or the stream has no spool; {@code RETRY} when too many are waiting; {@code BROKEN} when
   *     the outbox is closed before
   */
  public CompletionStage<Void> reached(long number, AckLevel level) {
    lock.lock();
    try {
      if (number < 1 || number >= next) {
        return failed(REFUSED, "no-such-number", "There is no record of that number here.");
      }
      if (level == AckLevel.QUEUED || number <= reachedUpTo(level)) {
        return CompletableFuture.completedStage(null);
      }
      if (level == AckLevel.SPOOLED) {
        return failed(REFUSED, "no-spool", "This stream keeps its records in memory alone.");
      }
      if (isDropped(number)) {
        return failed(REFUSED, "dropped", "The record was dropped.");
      }
      return await(new Waiter(number, level, true, new CompletableFuture<>()));
    } finally {
      lock.unlock();
    }
  }

  /** The books at this instant. */
  public Books books() {
    lock.lock();
    try {
      long unacked = 0;
      for (Chunk chunk : inFlight) {
        unacked += chunk.records();
      }
      return new Books(
          appended, delivered, queued, unacked, dropped, bytes, resent, refused, badAcks);
    } finally {
      lock.unlock();
    }
  }

  /** Completes when all that was appended so far is delivered or dropped. */
  CompletionStage<Void> settled() {
    lock.lock();
    try {
      if (next - 1 <= acked) {
        return CompletableFuture.completedStage(null);
      }
      return await(new Waiter(next - 1, AckLevel.DELIVERED, false, new CompletableFuture<>()));
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
      ended = true;
      left = List.copyOf(waiters);
      waiters.clear();
      room.signalAll();
    } finally {
      lock.unlock();
    }
    if (acks != null) {
      acks.close();
    }
    left.forEach(waiter -> waiter.fail(BROKEN, "closed", "The outbox has been closed."));
  }

  // What the outbox's pump calls.

  /** The next batch to be sent now, marked as sent; null where there is none. */
  @Nullable Chunk take(long now) {
    lock.lock();
    try {
      if (ended || (backingOff && now < retryAt)) {
        return null;
      }
      backingOff = false;
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
      if (ended) {
        return Long.MAX_VALUE;
      }
      return backingOff ? retryAt : Math.min(ackDeadline, flushAt);
    } finally {
      lock.unlock();
    }
  }

  Message message(Chunk chunk) {
    long kept;
    lock.lock();
    try {
      Chunk head = inFlight.peek();
      kept = head == null ? chunk.first : Math.min(head.first, chunk.first);
    } finally {
      lock.unlock();
    }
    int crc = chunk.gap == null ? Headers.crc(chunk.bytes, chunk.length) : 0;
    return new Message(
        config.address(),
        Headers.batch(config.epoch(), chunk.first, chunk.count, kept, crc, chunk.gap),
        chunk.payload());
  }

  /** The transport, or its peer, has taken a batch. */
  void taken(Chunk chunk) {
    List<Waiter> done;
    lock.lock();
    try {
      backoff = MIN_BACKOFF;
      backingOff = false;
      chunk.taken = true;
      for (Chunk sent : inFlight) {
        if (!sent.taken) {
          break;
        }
        takenUpTo = Math.max(takenUpTo, sent.last());
      }
      if (config.forgetAt() == AckLevel.STORED) {
        forget(takenUpTo);
      }
      done = done();
    } finally {
      lock.unlock();
    }
    done.forEach(Waiter::complete);
    outbox.wake();
  }

  /** A batch could not be sent. */
  void failed(Chunk chunk, Category category) {
    lock.lock();
    try {
      chunk.resend = true;
      if (category == REFUSED) {
        refused++;
        backoff = Math.max(backoff, REFUSED_BACKOFF);
      }
      long longest = category == REFUSED ? 30 * REFUSED_BACKOFF : MAX_BACKOFF;
      backingOff = true;
      retryAt = outbox.now() + backoff;
      backoff = Math.max(MIN_BACKOFF, Math.min(backoff * 2, longest));
    } finally {
      lock.unlock();
    }
    outbox.wake();
  }

  /** A new connection: what was under way on the old one may be lost. */
  void resendAll() {
    lock.lock();
    try {
      inFlight.forEach(chunk -> chunk.resend = true);
      backingOff = false;
      backoff = MIN_BACKOFF;
      restartPatience(outbox.now());
    } finally {
      lock.unlock();
    }
  }

  /** An acknowledgement has come; from whom ever, so it is checked. */
  void acknowledged(Message message) {
    List<Waiter> done;
    lock.lock();
    try {
      Headers.AckHeader ack = check(message);
      if (ack == null) {
        badAcks++;
        return;
      }
      long now = outbox.now();
      if (ack.stored() > acked) {
        measure(ack.stored(), now);
        forget(ack.stored());
        if (probing) {
          // Sent before the probe and still not there: they went the way of what was probed for.
          inFlight.forEach(chunk -> chunk.resend |= chunk.sentAt < probeAt);
        }
        restartPatience(now);
      }
      want(ack, now);
      done = done();
    } finally {
      lock.unlock();
    }
    done.forEach(Waiter::complete);
    outbox.wake();
  }

  private Headers.@Nullable AckHeader check(Message message) {
    try {
      Headers.AckHeader ack = Headers.readAck(message);
      return ack.epoch().equals(config.epoch()) && ack.stored() <= highestSent ? ack : null;
    } catch (DeliveryException e) {
      return null; // counted by the caller: whoever sends these will not read an answer
    }
  }

  private void want(Headers.AckHeader ack, long now) {
    if (ack.wantFirst() == 0) {
      return;
    }
    for (Chunk chunk : inFlight) {
      boolean wanted = chunk.last() >= ack.wantFirst() && chunk.first <= ack.wantLast();
      if (wanted && (chunk.sends == 1 || now - chunk.sentAt >= WANT_GAP)) {
        chunk.resend = true;
      }
    }
  }

  private void measure(long stored, long now) {
    for (Chunk chunk : inFlight) {
      if (chunk.last() > stored) {
        return;
      }
      if (chunk.sends == 1) {
        long sample = now - chunk.sentAt;
        roundTrip = roundTrip == 0 ? sample : roundTrip + (sample - roundTrip) / 8;
      }
    }
  }

  private void restartPatience(long now) {
    probing = false;
    waitForAck = Math.max(patience, Math.min(4 * roundTrip, patience * MAX_PATIENCE));
    ackDeadline = inFlight.isEmpty() ? Long.MAX_VALUE : now + waitForAck;
  }

  private @Nullable Chunk takeAgain(long now) {
    Chunk head = inFlight.peek();
    if (head == null) {
      return null;
    }
    if (now >= ackDeadline) {
      head.resend = true;
      probing = true;
      probeAt = now;
      waitForAck = Math.min(waitForAck * 2, patience * MAX_PATIENCE);
      ackDeadline = now + waitForAck;
    }
    for (Chunk chunk : inFlight) {
      if (chunk.resend) {
        resent++;
        return sent(chunk, now);
      }
    }
    return null;
  }

  private @Nullable Chunk takeNew(long now) {
    flushAt = Long.MAX_VALUE;
    Chunk chunk = ready.peek();
    if (chunk == null && openCount == 0) {
      hungry = true;
      return null;
    }
    long weight = chunk == null ? openLength + 1L : chunk.weight();
    if (!inFlight.isEmpty() && bytesInFlight + weight > config.windowBytes()) {
      return null; // the acknowledgement that makes room wakes the pump
    }
    if (chunk == null) {
      if (now - lastFlush < flushGap) {
        flushAt = lastFlush + flushGap;
        halfFed = true;
        return null;
      }
      seal();
    }
    chunk = ready.remove();
    lastFlush = now;
    inFlight.add(chunk);
    bytesInFlight += chunk.weight();
    highestSent = Math.max(highestSent, chunk.last());
    if (ackDeadline == Long.MAX_VALUE) {
      restartPatience(now);
    }
    return sent(chunk, now);
  }

  private static Chunk sent(Chunk chunk, long now) {
    chunk.resend = false;
    chunk.sends++;
    chunk.sentAt = now;
    return chunk;
  }

  /** Lets go of all whole batches up to a number. */
  private void forget(long number) {
    acked = Math.max(acked, number);
    takenUpTo = Math.max(takenUpTo, number);
    Chunk head = inFlight.peek();
    while (head != null && head.last() <= number) {
      inFlight.remove();
      delivered += head.records();
      queued -= head.records();
      bytes -= head.weight();
      bytesInFlight -= head.weight();
      head = inFlight.peek();
    }
    if (inFlight.isEmpty()) {
      ackDeadline = Long.MAX_VALUE;
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

  /** Whether there is room for so many bytes, made by dropping where the policy says so. */
  private boolean fits(long weight) {
    long most = config.capacityBytes() - (dropping ? config.capacityBytes() / SLACK : 0);
    if (bytes + weight <= most) {
      dropping = false;
      return true;
    }
    if (config.policy() == Policy.DROP_OLD) {
      while (bytes + weight > config.capacityBytes() && dropOldest()) {
        // one batch at a time
      }
      return bytes + weight <= config.capacityBytes();
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
    bytes += record.length + 1L;
    appended++;
    queued++;
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
    ready.add(Chunk.of(next - openCount, openCount, content, openLength));
    if (whole) {
      open = new byte[open.length];
    }
    openLength = 0;
    openCount = 0;
  }

  private long dropNew() {
    seal();
    long number = next++;
    appended++;
    count(config.policy(), 1);
    dropping = true;
    Chunk last = ready.peekLast();
    if (last != null && last.gap != null) {
      last.count++;
    } else {
      ready.add(Chunk.gap(number, 1, config.policy().reason()));
    }
    return 0;
  }

  /** Turns the oldest batch that was not sent into a gap; false where there is none. */
  private boolean dropOldest() {
    Chunk head = ready.peek();
    Chunk gap = head != null && head.gap != null ? ready.remove() : null;
    if (ready.isEmpty()) {
      seal();
    }
    Chunk oldest = ready.poll();
    if (oldest == null) {
      if (gap != null) {
        ready.addFirst(gap);
      }
      return false;
    }
    long records = oldest.records();
    queued -= records;
    bytes -= oldest.weight();
    if (records > 0) {
      count(config.policy(), records);
    }
    if (gap == null) {
      gap = Chunk.gap(oldest.first, 0, config.policy().reason());
    }
    gap.count += oldest.count;
    ready.addFirst(gap);
    failDropped(oldest);
    return true;
  }

  private void count(Policy policy, long records) {
    dropped.merge(policy.reason(), records, Long::sum);
  }

  private boolean takeHunger() {
    if (hungry || (halfFed && !ready.isEmpty())) {
      hungry = false;
      halfFed = false;
      return true;
    }
    return false;
  }

  // Who waits for a level.

  private record Waiter(
      long number, AckLevel level, boolean strict, CompletableFuture<Void> future) {

    void complete() {
      future.complete(null);
    }

    void fail(Category category, String code, String sentence) {
      future.completeExceptionally(new DeliveryException(category, code, sentence));
    }
  }

  private long reachedUpTo(AckLevel level) {
    return level == AckLevel.STORED ? takenUpTo : acked;
  }

  private boolean isDropped(long number) {
    for (Deque<Chunk> row : List.of(inFlight, ready)) {
      for (Chunk chunk : row) {
        if (chunk.gap != null && chunk.first <= number && number <= chunk.last()) {
          return true;
        }
      }
    }
    return false;
  }

  private CompletionStage<Void> await(Waiter waiter) {
    if (ended) {
      return failed(BROKEN, "closed", "The outbox has been closed.");
    }
    if (waiters.size() >= MAX_WAITERS) {
      return failed(RETRY, "too-many-waiters", "Wait for fewer records at a time.");
    }
    waiters.add(waiter);
    return waiter.future.minimalCompletionStage();
  }

  private List<Waiter> done() {
    if (waiters.isEmpty()) {
      return List.of();
    }
    List<Waiter> done = new ArrayList<>();
    Iterator<Waiter> each = waiters.iterator();
    while (each.hasNext()) {
      Waiter waiter = each.next();
      if (waiter.number <= reachedUpTo(waiter.level)) {
        done.add(waiter);
        each.remove();
      }
    }
    return done;
  }

  private void failDropped(Chunk chunk) {
    waiters.removeIf(
        waiter -> {
          boolean gone =
              waiter.strict && chunk.first <= waiter.number && waiter.number <= chunk.last();
          if (gone) {
            disappointed.add(waiter);
          }
          return gone;
        });
  }

  /** What an append leads to, once the lock is let go. */
  private void afterAppend(boolean wake, List<Waiter> left) {
    left.forEach(waiter -> waiter.fail(REFUSED, "dropped", "The record was dropped."));
    if (wake) {
      outbox.wake();
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
}
