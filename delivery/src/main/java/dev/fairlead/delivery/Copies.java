// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.delivery;

import static java.lang.System.Logger.Level.WARNING;
import static java.util.Objects.requireNonNull;

import dev.fairlead.transport.api.Message;
import dev.fairlead.transport.api.Transport.Subscription;
import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.NavigableMap;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.LongAdder;
import java.util.function.Consumer;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * A link that can also send each batch over a second one, where whoever receives both compares
 * them. The second is never waited for: nothing is acknowledged and nothing sent again there, and
 * what does not fit its bounds is left out, and said to be. Only batches are copied, each once,
 * when it is sent for the first time.
 *
 * <p>A copy is the batch with one header more, {@code fl-copy}: the number of the first record that
 * was to be copied. What was left out is a gap with the reason {@code not-copied}. After a new
 * connection all is said to be left out that was sent shortly before: a part of it may be lost, and
 * nobody knows which.
 *
 * <p>Safe for use by several threads; no method blocks.
 */
public final class Copies implements Link {

  private static final System.Logger LOG = System.getLogger(Copies.class.getName());

  /** Bytes that may be under way on the second link. */
  private static final long MOST_BYTES = 8L << 20;

  /** What each batch counts beside its bytes. */
  private static final long WEIGHT = 512;

  /** What was sent so long before a new connection, in ns, may be lost with the old one. */
  private static final long IN_DOUBT = 30_000_000_000L;

  /** Between two marks of how far a stream was, in ns. */
  private static final long MARK_GAP = 250_000_000L;

  private static final String NOT_COPIED = "not-copied";

  /** What is left out while the link is connected is said to be after this, if nothing says it. */
  private static final Duration TOLD_AFTER = Duration.ofSeconds(1);

  private final Link original;
  private volatile @Nullable Line line;

  /**
   * What went over the second link.
   *
   * @param batches that were sent
   * @param skipped that were left out
   * @param failed that the link did not take
   */
  public record Counts(long batches, long skipped, long failed) {}

  /** Makes one that copies nothing yet. */
  public Copies(Link original) {
    this.original = requireNonNull(original, "original is null");
  }

  /**
   * Copies from the next batch on that is sent for the first time while the second link is
   * connected. Ends what was begun before.
   *
   * @param second stays the caller's to close
   * @param runner on which copies are made and sent: not the one that sends the originals
   */
  public void begin(Link second, Runner runner, Defects defects, Defects.Listener listener) {
    Line next = new Line(second, runner, defects, listener);
    end();
    line = next;
    next.connected = second.onConnected(() -> runner.execute(next::connectedAnew));
  }

  /** Copies no more. */
  public void end() {
    Line old = line;
    line = null;
    if (old != null) {
      old.end();
    }
  }

  /** What went over the second link since {@link #begin}; zeros where there is none. */
  public Counts counts() {
    Line now = line;
    return now == null
        ? new Counts(0, 0, 0)
        : new Counts(now.batches.sum(), now.skipped.sum(), now.failed.sum());
  }

  @Override
  public CompletionStage<Void> send(Message message) {
    CompletionStage<Void> sent = original.send(message);
    copy(message);
    return sent;
  }

  @Override
  public CompletionStage<Void> sendStored(Message message) {
    CompletionStage<Void> sent = original.sendStored(message);
    copy(message);
    return sent;
  }

  private void copy(Message message) {
    Line now = line;
    if (now != null && Headers.isBatch(message)) {
      now.offer(message);
    }
  }

  @Override
  public Subscription subscribe(String pattern, Consumer<Message> handler) {
    return original.subscribe(pattern, handler);
  }

  @Override
  public Subscription subscribeStored(
      String pattern, Function<Message, CompletionStage<Void>> handler) {
    return original.subscribeStored(pattern, handler);
  }

  @Override
  public boolean connected() {
    return original.connected();
  }

  @Override
  public Subscription onConnected(Runnable action) {
    return original.onConnected(action);
  }

  /** The second link, while it is used. */
  private static final class Line {

    private final Link link;
    private final Runner runner;
    private final Defects defects;
    private final Defects.Listener listener;
    private final Map<StreamId, Copied> streams = new ConcurrentHashMap<>();
    private final AtomicLong underWay = new AtomicLong();
    private final LongAdder batches = new LongAdder();
    private final LongAdder skipped = new LongAdder();
    private final LongAdder failed = new LongAdder();
    private volatile boolean ended;
    private volatile @Nullable Subscription connected;

    Line(Link link, Runner runner, Defects defects, Defects.Listener listener) {
      this.link = requireNonNull(link, "second link is null");
      this.runner = requireNonNull(runner, "runner is null");
      this.defects = requireNonNull(defects, "defects is null");
      this.listener = requireNonNull(listener, "listener is null");
    }

    void end() {
      ended = true;
      Subscription subscription = connected;
      if (subscription != null) {
        subscription.close();
      }
    }

    /** Called by whoever sends the original. */
    void offer(Message message) {
      Headers.Range range = Headers.range(message);
      StreamId id = new StreamId(message.address(), range.epoch());
      Copied stream = streams.get(id);
      if (stream == null) {
        if (!link.connected()) {
          return; // it begins with the first that can be sent
        }
        stream = new Copied(range.first(), defects.of(id, range.first()));
        streams.put(id, stream);
      }
      long first;
      synchronized (stream) {
        first = Math.max(range.first(), stream.upTo + 1);
        if (first > range.last()) {
          return; // it is sent again
        }
        stream.upTo = range.last();
      }
      long weight = message.payload().remaining() + WEIGHT;
      if (!link.connected() || underWay.get() + weight > MOST_BYTES) {
        skipped.increment();
        leaveOut(id, stream, first, range.last());
        return;
      }
      underWay.addAndGet(weight);
      Copied mine = stream;
      runner.execute(() -> ship(id, mine, message, range, first, weight));
    }

    private void ship(
        StreamId id, Copied stream, Message message, Headers.Range range, long first, long weight) {
      if (ended) {
        underWay.addAndGet(-weight);
        return;
      }
      List<Message> all;
      try {
        tellLeftOut(id, stream);
        stream.mark(first, runner.nanoTime());
        all = copies(id, stream, message, first, range);
      } catch (RuntimeException e) {
        LOG.log(WARNING, "A batch of " + id + " could not be copied, and is left out.", e);
        failed.increment();
        underWay.addAndGet(-weight);
        leaveOut(id, stream, first, range.last());
        return;
      }
      batches.increment();
      AtomicLong left = new AtomicLong(all.size());
      if (all.isEmpty()) {
        underWay.addAndGet(-weight);
      }
      for (Message one : all) {
        send(one)
            .whenComplete(
                (sent, failure) -> {
                  if (failure != null) {
                    failed.increment();
                    leaveOut(id, stream, first, range.last());
                  }
                  if (left.decrementAndGet() == 0) {
                    underWay.addAndGet(-weight);
                  }
                });
      }
    }

    /** A link may be anybody's: what it throws is a copy that did not go. */
    private CompletionStage<Void> send(Message copy) {
      try {
        return link.send(copy);
      } catch (RuntimeException e) {
        return CompletableFuture.failedStage(e);
      }
    }

    /** Said with the next batch, and soon where there is none. */
    private void leaveOut(StreamId id, Copied stream, long first, long last) {
      stream.leaveOut(first, last);
      if (!ended && stream.telling.compareAndSet(false, true)) {
        runner.after(
            TOLD_AFTER,
            () -> {
              stream.telling.set(false);
              if (!ended && link.connected()) { // else it is said when it is
                tellLeftOut(id, stream);
              }
            });
      }
    }

    private void tellLeftOut(StreamId id, Copied stream) {
      long first;
      long last;
      synchronized (stream) {
        first = stream.outFirst;
        last = stream.outLast;
        stream.outFirst = 0;
        stream.outLast = 0;
      }
      if (first > 0) {
        Map<String, String> headers =
            Headers.batch(id.epoch(), first, last - first + 1, 1, 0, 0, NOT_COPIED, 1);
        send(copy(id, headers, ByteBuffer.allocate(0), stream.start))
            .whenComplete(
                (sent, failure) -> {
                  if (failure != null) {
                    leaveOut(id, stream, first, last);
                  }
                });
      }
    }

    /** The batch as it is sent here: in one piece, or in more where something is done to it. */
    private List<Message> copies(
        StreamId id, Copied stream, Message message, long first, Headers.Range range) {
      NavigableMap<Long, Defects.Kind> plan = stream.plan;
      boolean whole = first == range.first();
      if (range.gap() || (whole && plan.subMap(first, true, range.last(), true).isEmpty())) {
        return List.of(copy(id, new HashMap<>(message.headers()), message.payload(), stream.start));
      }
      List<byte[]> records =
          new Batch(id, range.first(), range.count(), message.payload(), null).records();
      List<Message> made = new ArrayList<>();
      List<Message> again = new ArrayList<>();
      List<byte[]> piece = new ArrayList<>();
      long begin = first;
      for (long n = first; n <= range.last(); n++) {
        byte[] record = records.get((int) (n - range.first()));
        Defects.Kind kind = plan.remove(n);
        if (kind != null) {
          listener.made(id, kind, n);
        }
        if (kind == Defects.Kind.DROP) {
          addPiece(made, id, stream, begin, piece, range.turn());
          begin = n + 1;
          continue;
        }
        piece.add(kind == Defects.Kind.ALTER ? Defects.altered(record) : record);
        if (kind == Defects.Kind.DUPLICATE) {
          addPiece(again, id, stream, n, new ArrayList<>(List.of(record)), range.turn());
        }
      }
      addPiece(made, id, stream, begin, piece, range.turn());
      made.addAll(again);
      return made;
    }

    private static void addPiece(
        List<Message> to, StreamId id, Copied stream, long first, List<byte[]> records, long turn) {
      if (!records.isEmpty()) {
        ByteArrayOutputStream joined = new ByteArrayOutputStream();
        for (byte[] record : records) {
          if (record != records.get(0)) {
            joined.write('\n');
          }
          joined.writeBytes(record);
        }
        byte[] payload = joined.toByteArray();
        int crc = Headers.crc(payload, payload.length);
        Map<String, String> headers =
            Headers.batch(id.epoch(), first, records.size(), 1, 0, crc, null, turn);
        to.add(copy(id, headers, ByteBuffer.wrap(payload), stream.start));
        records.clear();
      }
    }

    private static Message copy(
        StreamId id, Map<String, String> headers, ByteBuffer payload, long start) {
      headers.put(Headers.COPY, Long.toString(start));
      return new Message(id.address(), headers, payload);
    }

    /** What was sent shortly before may be lost with the old connection. */
    private void connectedAnew() {
      if (!ended) {
        long now = runner.nanoTime();
        streams.forEach(
            (id, stream) -> {
              stream.doubt(now);
              tellLeftOut(id, stream);
            });
      }
    }
  }

  /** How far one stream is copied; its lock is itself. */
  private static final class Copied {

    private final long start;

    /** Only touched on the runner. */
    private final NavigableMap<Long, Defects.Kind> plan;

    /** When which number was sent; only touched on the runner. */
    private final Deque<long[]> marks = new ArrayDeque<>();

    /** Whether it is on its way to be told what was left out. */
    private final AtomicBoolean telling = new AtomicBoolean();

    private long upTo;

    /** The range that was left out, and not told yet; first is 0 where there is none. */
    private long outFirst;

    private long outLast;

    Copied(long start, NavigableMap<Long, Defects.Kind> plan) {
      this.start = start;
      this.plan = plan;
      this.upTo = start - 1;
    }

    /**
     * Two ranges become one with all between them: of what came nevertheless it says nothing wrong.
     */
    synchronized void leaveOut(long first, long last) {
      outFirst = outFirst == 0 ? first : Math.min(outFirst, first);
      outLast = Math.max(outLast, last);
    }

    void mark(long first, long now) {
      if (marks.isEmpty() || now - marks.getLast()[0] >= MARK_GAP) {
        marks.add(new long[] {now, first});
      }
      forget(now);
    }

    private void forget(long now) {
      while (!marks.isEmpty() && now - marks.getFirst()[0] > IN_DOUBT + MARK_GAP) {
        marks.remove();
      }
    }

    void doubt(long now) {
      forget(now);
      long[] oldest = marks.peek();
      if (oldest != null) {
        synchronized (this) {
          leaveOut(oldest[1], upTo);
        }
        marks.clear();
      }
    }
  }
}
