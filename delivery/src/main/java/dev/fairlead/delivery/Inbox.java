// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.delivery;

import static dev.fairlead.transport.api.TransportException.Category.REFUSED;
import static dev.fairlead.transport.api.TransportException.Category.RETRY;
import static java.util.Objects.requireNonNull;

import dev.fairlead.transport.api.Message;
import dev.fairlead.transport.api.Transport.Subscription;
import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.nio.ByteBuffer;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.LongAdder;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;

/**
 * The sink's end: takes batches, drops what it has seen, waits a little for what comes in the wrong
 * order, gives them to the store in order, and acknowledges what is stored and synced. It keeps
 * nothing of its own that could contradict the store.
 *
 * <p>Safe for use by several threads; nothing blocks.
 */
public final class Inbox implements AutoCloseable {

  /** Streams that are remembered; the store knows all others. */
  private static final int MAX_STREAMS = 10_000;

  /** Batches and bytes of one stream that wait for what goes before them. */
  private static final int MAX_HELD = 256;

  private static final long MAX_HELD_BYTES = 8L * 1024 * 1024;

  /** Bytes of all streams that wait so. */
  private static final long MAX_HELD_BYTES_IN_ALL = 128L * 1024 * 1024;

  /** The same missing record is not asked for again sooner than this, in ns. */
  private static final long WANT_GAP = 20_000_000L;

  /**
   * What the transport's peer should have given before a batch, and has not although it gave that
   * batch so many times more within this time, in ns, it has lost: it gives all that is not dealt
   * with again, the oldest first.
   */
  private static final int LOST_AFTER_REPEATS = 3;

  private static final long LOST_AFTER = 15_000_000_000L;

  private static final String NOT_KEPT = "not-kept";
  private static final CompletionStage<Void> DONE = CompletableFuture.completedStage(null);
  private static final CompletionStage<Void> LATER =
      CompletableFuture.failedStage(
          new DeliveryException(
              RETRY, "not-taken-now", "The batch cannot be stored now: it must come again."));
  private static final Logger LOG = System.getLogger(Inbox.class.getName());

  private final Link link;
  private final Runner runner;
  private final BatchStore store;
  private final Route route;
  private final InboxListener listener;
  private final boolean fromStore;
  private final List<Subscription> subscriptions = new ArrayList<>();

  /** In the order of use; guarded by itself. */
  private final Map<StreamId, InStream> streams = new LinkedHashMap<>(256, 0.75f, true);

  private final Deque<InStream> toAcknowledge = new ArrayDeque<>();
  private final AtomicBoolean acknowledging = new AtomicBoolean();

  private final AtomicLong heldInAll = new AtomicLong();
  private final LongAdder stored = new LongAdder();
  private final LongAdder gaps = new LongAdder();
  private final LongAdder duplicates = new LongAdder();
  private final LongAdder outOfOrder = new LongAdder();
  private final LongAdder beyondWindow = new LongAdder();
  private final LongAdder refused = new LongAdder();
  private final LongAdder storeFailures = new LongAdder();

  private volatile boolean closed;

  /**
   * Makes one, and begins to take batches.
   *
   * @param patterns of the addresses to which batches are sent
   */
  public Inbox(
      Link link,
      Runner runner,
      BatchStore store,
      List<String> patterns,
      Route route,
      InboxListener listener) {
    this(link, runner, store, patterns, route, listener, AckLevel.DELIVERED);
  }

  /**
   * Makes one whose senders may forget at another level.
   *
   * @param forgetAt {@code STORED} where the transport's peer stores batches until they are stored
   *     here: they are then taken from there, and it is told when they are
   */
  public Inbox(
      Link link,
      Runner runner,
      BatchStore store,
      List<String> patterns,
      Route route,
      InboxListener listener,
      AckLevel forgetAt) {
    this.fromStore = forgetAt == AckLevel.STORED;
    this.link = requireNonNull(link, "link is null");
    this.runner = requireNonNull(runner, "runner is null");
    this.store = requireNonNull(store, "store is null");
    this.route = requireNonNull(route, "route is null");
    this.listener = requireNonNull(listener, "listener is null");
    for (String pattern : patterns) {
      subscriptions.add(
          fromStore
              ? link.subscribeStored(pattern, this::take)
              : link.subscribe(
                  pattern,
                  message -> {
                    var unused = take(message); // the sender learns of it by acknowledgements
                  }));
    }
    subscriptions.add(link.onMoved(this::announceThose));
  }

  /**
   * Tells the sender of a stream how far it is stored, and asks for all that it has sent beyond:
   * what was on its way when this end was away is lost. Called at start for the streams that may be
   * alive; on a new connection the inbox does so by itself for those it remembers.
   */
  public void announce(StreamId id) {
    InStream stream = find(id);
    if (stream != null) {
      stream.announce();
    }
  }

  /** What was seen so far. */
  public InboxBooks books() {
    return new InboxBooks(
        stored.sum(),
        gaps.sum(),
        duplicates.sum(),
        heldInAll.get(),
        outOfOrder.sum(),
        beyondWindow.sum(),
        refused.sum(),
        storeFailures.sum());
  }

  /**
   * Records of one stream that had been seen before, and were dropped.
   *
   * @return 0 for one that is not remembered
   */
  public long duplicates(StreamId id) {
    InStream stream;
    synchronized (streams) {
      stream = streams.get(id);
    }
    return stream == null ? 0 : stream.duplicates();
  }

  /**
   * Takes no more; what the store has under way is stored, but no longer acknowledged. Idempotent.
   */
  @Override
  public void close() {
    closed = true;
    subscriptions.forEach(Subscription::close);
  }

  /** Completes when the batch is dealt with: stored and synced, or refused for good. */
  private CompletionStage<Void> take(Message message) {
    if (closed) {
      return LATER;
    }
    try {
      Headers.BatchHeader header = Headers.readBatch(message);
      if (Headers.isCopy(message)) {
        return DONE; // whoever compares has seen it on its way here
      }
      InStream stream = find(new StreamId(message.address(), header.epoch()));
      if (stream == null) {
        throw new DeliveryException(
            REFUSED, "unknown-stream", "This stream is not taken here: see who sends it.");
      }
      return stream.offer(header, message.payload());
    } catch (DeliveryException e) {
      refused.increment();
      listener.refused(message.address(), e);
      return DONE;
    }
  }

  private @Nullable InStream find(StreamId id) {
    synchronized (streams) {
      InStream known = streams.get(id);
      if (known != null) {
        return known;
      }
    }
    Optional<String> acks = route.acks(id);
    if (acks.isEmpty()) {
      return null;
    }
    InStream fresh = new InStream(id, acks.get(), store.storedUpTo(id));
    synchronized (streams) {
      InStream raced = streams.putIfAbsent(id, fresh);
      if (raced == null && streams.size() > MAX_STREAMS) {
        forgetOne();
      }
      return raced == null ? fresh : raced;
    }
  }

  /** Forgets the stream that was idle for longest: the store can tell all about it. */
  private void forgetOne() {
    for (InStream stream : streams.values()) {
      if (stream.isIdle()) {
        streams.remove(stream.id);
        return;
      }
    }
  }

  private void announceThose(Predicate<String> isMoved) {
    List<InStream> all;
    synchronized (streams) {
      all = List.copyOf(streams.values());
    }
    all.stream().filter(stream -> isMoved.test(stream.acks)).forEach(InStream::announce);
  }

  private void acknowledgeSoon(InStream stream) {
    synchronized (toAcknowledge) {
      toAcknowledge.add(stream);
    }
    if (acknowledging.compareAndSet(false, true)) {
      runner.execute(this::acknowledge);
    }
  }

  private void acknowledge() {
    acknowledging.set(false);
    while (!closed) {
      InStream stream;
      synchronized (toAcknowledge) {
        stream = toAcknowledge.poll();
      }
      if (stream == null) {
        return;
      }
      // One that is lost is made good by the next, or by the batch that comes again.
      link.send(stream.acknowledgement())
          .whenComplete(
              (done, failure) -> {
                if (failure != null) {
                  LOG.log(Level.DEBUG, "An acknowledgement could not be sent.", failure);
                }
              });
    }
  }

  /** What is known of one stream; its lock is itself. */
  private final class InStream {

    private final StreamId id;
    private final String acks;
    private final TreeMap<Long, Batch> held = new TreeMap<>();
    private final Deque<Pending> pending = new ArrayDeque<>();

    /** Who waits until all up to a number is stored; as many as the transport's peer waits for. */
    private final TreeMap<Long, CompletableFuture<Void>> waiting = new TreeMap<>();

    /** The batch that has shown first what is missing at {@code expected}; 0 for none. */
    private long witness;

    private long missing;
    private long missingSince;
    private long witnessAt;
    private int repeats;

    /** Up to here all is stored and synced. */
    private long storedUpTo;

    /** The next number for the store. */
    private long expected;

    private long heldBytes;
    private boolean failed;
    private boolean toBeAcknowledged;
    private boolean again;
    private long wantedFirst;
    private long wantedLast;
    private long askedFor;
    private long askedAt;

    /** Of the batch that came last, as its sender counts. */
    private long turn;

    private long myDuplicates;

    InStream(StreamId id, String acks, long storedUpTo) {
      this.id = id;
      this.acks = acks;
      this.storedUpTo = storedUpTo;
      this.expected = storedUpTo + 1;
    }

    private void duplicate(long records) {
      duplicates.add(records);
      myDuplicates += records;
    }

    synchronized long duplicates() {
      return myDuplicates;
    }

    synchronized boolean isIdle() {
      return pending.isEmpty() && held.isEmpty() && waiting.isEmpty() && !toBeAcknowledged;
    }

    synchronized void announce() {
      again = true;
      acknowledgeMe();
    }

    synchronized CompletionStage<Void> offer(Headers.BatchHeader header, ByteBuffer payload) {
      turn = header.turn();
      if (failed) {
        return LATER; // until the store has said what became of the others
      }
      if (header.kept() > expected) {
        lost(header.kept());
      }
      if (fromStore && header.held() > expected && isGivenUp(header)) {
        lost(header.held());
      }
      if (header.last() < expected) {
        duplicate(header.gap() == null ? header.count() : 0);
        acknowledgeMe(); // the acknowledgement may have been lost
        return storedUpTo(header.last());
      }
      Batch batch = new Batch(id, header.first(), header.count(), payload, header.gap());
      if (header.first() > expected) {
        return hold(batch) ? storedUpTo(header.last()) : LATER;
      }
      CompletionStage<Void> stored = storedUpTo(header.last());
      append(trimmed(batch));
      release();
      return stored;
    }

    private CompletionStage<Void> storedUpTo(long last) {
      return !fromStore || last <= storedUpTo ? DONE : await(last);
    }

    /**
     * One stage for each number: whoever waited before is let go without an answer, so that what
     * comes again and again takes no more room each time. The peer gives that again as well, if
     * this one's answer does not answer for it.
     */
    private CompletionStage<Void> await(long last) {
      CompletableFuture<Void> mine = new CompletableFuture<>();
      waiting.put(last, mine);
      return mine;
    }

    /** Whether what goes before a batch has not come for so long that the peer has lost it. */
    private boolean isGivenUp(Headers.BatchHeader header) {
      long now = runner.nanoTime();
      boolean away = now - witnessAt >= LOST_AFTER; // the peer may have lost it as well
      if (witness == 0 || missing != expected || (witness != header.first() && away)) {
        missing = expected;
        witness = header.first();
        missingSince = now;
        repeats = 0;
      } else if (witness == header.first()) {
        repeats++;
      }
      witnessAt = witness == header.first() ? now : witnessAt;
      return witness == header.first()
          && repeats >= LOST_AFTER_REPEATS
          && now - missingSince >= LOST_AFTER;
    }

    /** Tells those who wait, once the lock is let go. */
    private void tell(Map<Long, CompletableFuture<Void>> some, @Nullable Throwable failure) {
      if (!some.isEmpty()) {
        List<CompletableFuture<Void>> told = List.copyOf(some.values());
        some.clear();
        runner.execute(
            () -> {
              for (CompletableFuture<Void> one : told) {
                if (failure == null) {
                  one.complete(null);
                } else {
                  one.completeExceptionally(failure);
                }
              }
            });
      }
    }

    /** The sender no longer has what we lack. */
    private void lost(long kept) {
      release();
      long before = 0;
      while (expected < kept && expected > before && !failed) {
        before = expected;
        long until = held.isEmpty() ? kept : Math.min(kept, held.firstKey());
        append(Batch.gap(id, expected, until - expected, NOT_KEPT));
        release();
      }
    }

    private Batch trimmed(Batch batch) {
      if (batch.first() == expected) {
        return batch;
      }
      duplicate(batch.isGap() ? 0 : expected - batch.first());
      return batch.from(expected);
    }

    /** Whether it waits here for what goes before it. */
    private boolean hold(Batch early) {
      outOfOrder.increment();
      Batch batch = unheld(early);
      int size = batch.payload().remaining();
      boolean fits =
          held.size() < MAX_HELD
              && heldBytes + size <= MAX_HELD_BYTES
              && heldInAll.get() + size <= MAX_HELD_BYTES_IN_ALL;
      if (held.containsKey(batch.first())) {
        duplicate(batch.isGap() ? 0 : batch.count());
      } else if (fits) {
        held.put(batch.first(), batch);
        heldBytes += size;
        heldInAll.addAndGet(size);
      } else {
        beyondWindow.increment();
      }
      boolean isHeld = fits || held.containsKey(batch.first());
      long firstHeld = held.isEmpty() ? batch.first() : held.firstKey();
      long now = runner.nanoTime();
      if (askedFor != expected || now - askedAt >= WANT_GAP) {
        askedFor = expected;
        askedAt = now;
        wantedFirst = expected;
        wantedLast = firstHeld - 1;
        acknowledgeMe();
      }
      return isHeld;
    }

    /** A sender that has begun anew may send longer batches: what is held of one is cut off. */
    private Batch unheld(Batch batch) {
      Batch rest = batch;
      Batch known = held.get(rest.first());
      while (known != null && known.last() < rest.last()) {
        rest = rest.from(known.last() + 1);
        known = held.get(rest.first());
      }
      return rest.first() == batch.first() ? batch : rest.copy();
    }

    /** Gives the store what has waited for its turn. */
    private void release() {
      while (!held.isEmpty() && held.firstKey() <= expected && !failed) {
        Batch batch = held.pollFirstEntry().getValue();
        heldBytes -= batch.payload().remaining();
        heldInAll.addAndGet(-batch.payload().remaining());
        if (batch.last() >= expected) {
          append(trimmed(batch));
        } else {
          duplicate(batch.isGap() ? 0 : batch.count());
        }
      }
    }

    private void append(Batch batch) {
      Pending mine = new Pending(batch);
      pending.add(mine);
      witness = 0; // what was missing has come, even if it is not stored in the end
      expected = batch.last() + 1;
      if (batch.isGap()) {
        listener.gap(batch);
      }
      give(batch)
          .whenComplete(
              (done, failure) -> {
                synchronized (this) {
                  mine.done = true;
                  mine.failure = failure;
                  if (failure != null && !failed) {
                    failed = true; // nothing more goes to the store until it has answered for all
                    listener.storeFailed(id, failure);
                  }
                  settle();
                }
              });
    }

    private CompletionStage<Void> give(Batch batch) {
      try {
        return store.append(batch);
      } catch (RuntimeException e) {
        // A store may be anybody's: what it throws is a failure like any other.
        return CompletableFuture.failedStage(e);
      }
    }

    /** Moves on as far as the store has come, without a hole. */
    private void settle() {
      Pending head = pending.peek();
      boolean moved = false;
      while (head != null && head.done && head.failure == null) {
        pending.remove();
        storedUpTo = head.batch.last();
        (head.batch.isGap() ? gaps : stored).add(head.batch.count());
        moved = true;
        head = pending.peek();
      }
      if (failed && pending.stream().allMatch(any -> any.done)) {
        begin();
      }
      if (moved) {
        acknowledgeMe();
        tell(waiting.headMap(storedUpTo, true), null);
      }
    }

    /** Begins anew behind what is stored; all else will be sent again. */
    private void begin() {
      storeFailures.add(pending.stream().filter(any -> any.failure != null).count());
      pending.clear();
      heldInAll.addAndGet(-heldBytes);
      heldBytes = 0;
      held.clear();
      storedUpTo = Math.max(storedUpTo, store.storedUpTo(id));
      expected = storedUpTo + 1;
      failed = false;
      tell(waiting.headMap(storedUpTo, true), null);
      tell(
          waiting,
          new DeliveryException(RETRY, "store-failed", "The batch was not stored: send it again."));
    }

    private void acknowledgeMe() {
      if (!toBeAcknowledged) {
        toBeAcknowledged = true;
        acknowledgeSoon(this);
      }
    }

    synchronized Message acknowledgement() {
      toBeAcknowledged = false;
      long first = 0;
      long last = 0;
      if (again) {
        first = storedUpTo + 1;
        last = Headers.MAX_NUMBER;
      } else if (wantedFirst >= expected) {
        first = wantedFirst;
        last = wantedLast;
      }
      again = false;
      wantedFirst = 0;
      return new Message(
          acks,
          Headers.ack(new Headers.AckHeader(id.epoch(), storedUpTo, first, last, turn)),
          ByteBuffer.allocate(0));
    }
  }

  /** A batch that the store has, and has not answered for. */
  private static final class Pending {

    private final Batch batch;
    private boolean done;
    private @Nullable Throwable failure;

    Pending(Batch batch) {
      this.batch = batch;
    }
  }
}
