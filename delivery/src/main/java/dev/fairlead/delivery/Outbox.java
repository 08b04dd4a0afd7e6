// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.delivery;

import static dev.fairlead.transport.api.TransportException.Category.BROKEN;
import static dev.fairlead.transport.api.TransportException.Category.REFUSED;
import static java.util.Objects.requireNonNull;

import dev.fairlead.transport.api.Message;
import dev.fairlead.transport.api.Transport.Subscription;
import dev.fairlead.transport.api.TransportException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/**
 * Numbers records, keeps them, and sends them until the sink has stored them. Streams of a lower
 * priority number go first; those of the same take turns, batch by batch.
 *
 * <p>Safe for use by several threads. One at a time sends: whoever appends a record that can go at
 * once, so that no other thread must wake up for it; else the runner.
 */
public final class Outbox implements AutoCloseable {

  /** Batches sent in one go, before other tasks of the runner get their turn. */
  private static final int TURN = 64;

  private static final int MAX_STREAMS = 64;

  private final Link link;
  private final Runner runner;
  private final List<OutStream> streams = new CopyOnWriteArrayList<>();
  private final AtomicBoolean pumping = new AtomicBoolean();
  private final Subscription connected;
  private final Object changes = new Object();

  /** By priority; the list is replaced, never changed. */
  private volatile List<Group> groups = List.of();

  /** Held by whoever sends. */
  private final ReentrantLock sending = new ReentrantLock();

  /** When the next timer is due; guarded by who sends. */
  private long wakeAt = Long.MAX_VALUE;

  private volatile boolean closed;

  /** Writes and reads the spools; made when the first is opened, unless it was given. */
  private @Nullable Runner disks;

  private boolean ownDisks;

  /** Makes one that sends over a link, which stays the caller's to close. */
  public Outbox(Link link, Runner runner) {
    this(link, runner, null);
  }

  /** Makes one whose spools are written on a runner of the caller's. */
  Outbox(Link link, Runner runner, @Nullable Runner disks) {
    this.link = requireNonNull(link, "link is null");
    this.runner = requireNonNull(runner, "runner is null");
    this.disks = disks;
    this.connected = link.onConnected(() -> runner.execute(this::connected));
  }

  /**
   * Opens a stream. One with a spool goes on where that ends: with its epoch and its numbers, and
   * what was not delivered is sent. That reads the whole spool.
   *
   * @throws DeliveryException {@code REFUSED} when there is one of that address already, there are
   *     too many, or the spool is in use or another stream's; {@code RETRY} when its disk fails;
   *     {@code BROKEN} after {@link #close()}
   */
  public OutStream open(StreamConfig config) {
    synchronized (changes) {
      if (closed) {
        throw new DeliveryException(BROKEN, "closed", "The outbox has been closed.");
      }
      if (streams.size() >= MAX_STREAMS
          || streams.stream().anyMatch(s -> s.config().address().equals(config.address()))) {
        throw new DeliveryException(
            REFUSED,
            "stream-exists",
            "There is a stream to %s already, or there are %d: use that."
                .formatted(config.address(), MAX_STREAMS));
      }
      OutStream stream = make(config);
      stream.listen(link.subscribe(config.ackAddress(), stream::acknowledged));
      streams.add(stream);
      groups = group(streams);
      wake();
      return stream;
    }
  }

  private OutStream make(StreamConfig config) {
    SpoolConfig spool = config.spool();
    if (spool == null) {
      return new OutStream(config, this, null, runner);
    }
    Runner writer = disks;
    if (writer == null) {
      writer = Runner.start("fairlead-spool");
      disks = writer;
      ownDisks = true;
    }
    return new OutStream(config, this, Spool.open(spool, config, writer), writer);
  }

  private static List<Group> group(List<OutStream> streams) {
    SortedMap<Integer, List<OutStream>> byPriority = new TreeMap<>();
    for (OutStream stream : streams) {
      byPriority.computeIfAbsent(stream.config().priority(), any -> new ArrayList<>()).add(stream);
    }
    return byPriority.values().stream().map(Group::new).toList();
  }

  /** The streams, in the order they were opened. */
  public List<OutStream> streams() {
    return List.copyOf(streams);
  }

  /**
   * Completes when every record appended before this call has been delivered or dropped.
   *
   * @return never fails but by {@link #close()}
   */
  public CompletionStage<Void> drained() {
    List<CompletableFuture<Void>> all = new ArrayList<>();
    for (OutStream stream : streams) {
      all.add(stream.settled().toCompletableFuture());
    }
    return CompletableFuture.allOf(all.toArray(CompletableFuture<?>[]::new));
  }

  /**
   * Ends all streams: waiting appends and futures fail, nothing more is sent. What was not
   * delivered stays counted as queued; what is to be spooled is, which is waited for. Idempotent.
   */
  @Override
  public void close() {
    synchronized (changes) {
      closed = true;
    }
    connected.close();
    streams.forEach(OutStream::end);
    Runner writer = disks;
    if (ownDisks && writer != null) {
      writer.close();
    }
  }

  long now() {
    return runner.nanoTime();
  }

  /** There is something new: sends what can go now, unless somebody else is at it. */
  void feed() {
    if (sending.isHeldByCurrentThread() || !sending.tryLock()) {
      wake();
      return;
    }
    boolean more;
    try {
      more = sendAll();
    } finally {
      sending.unlock();
    }
    if (more) {
      wake();
    }
  }

  /** Has the pump run soon. */
  void wake() {
    if (sending.isHeldByCurrentThread()) {
      return; // it looks again when it has sent what it is about to send
    }
    if (!pumping.get() && pumping.compareAndSet(false, true)) {
      runner.execute(this::pump);
    }
  }

  /** What was sent over an earlier connection may be lost. */
  private void connected() {
    streams.forEach(OutStream::resendAll);
    wake();
  }

  private void pump() {
    pumping.set(false);
    boolean more;
    sending.lock();
    try {
      more = sendAll();
    } finally {
      sending.unlock();
    }
    if (more) {
      wake();
    }
  }

  /** Whether there may be more to send. */
  private boolean sendAll() {
    if (closed || !link.connected()) {
      return false;
    }
    for (int sent = 0; sent < TURN; sent++) {
      if (!sendOne()) {
        return false;
      }
    }
    return true;
  }

  /** Sends the batch whose turn it is; false, and a timer set, where there is none. */
  private boolean sendOne() {
    long now = now();
    long next = Long.MAX_VALUE;
    for (Group group : groups) {
      int size = group.streams.size();
      for (int i = 0; i < size; i++) {
        int at = (group.turn + i) % size;
        OutStream stream = group.streams.get(at);
        Chunk chunk = stream.take(now);
        if (chunk != null) {
          group.turn = at + 1;
          send(stream, chunk);
          return true;
        }
        next = Math.min(next, stream.wakeAt());
      }
    }
    if (next != Long.MAX_VALUE) {
      wakeAt(next, now);
    }
    return false;
  }

  private void wakeAt(long at, long now) {
    // A timer that is due earlier, and not yet over, will look again by itself.
    if (wakeAt <= at && wakeAt > now) {
      return;
    }
    wakeAt = at;
    runner.after(
        Duration.ofNanos(Math.max(1, at - now)),
        () -> {
          sending.lock();
          try {
            if (wakeAt == at) {
              wakeAt = Long.MAX_VALUE;
            }
          } finally {
            sending.unlock();
          }
          wake();
        });
  }

  private void send(OutStream stream, Chunk chunk) {
    Message message = stream.message(chunk);
    boolean stored = stream.config().forgetAt() == AckLevel.STORED;
    handOver(message, stored)
        .whenComplete(
            (done, failure) -> {
              if (failure == null) {
                stream.taken(chunk);
              } else {
                stream.failed(chunk, category(failure));
              }
            });
  }

  private CompletionStage<Void> handOver(Message message, boolean stored) {
    try {
      return stored ? link.sendStored(message) : link.send(message);
    } catch (RuntimeException e) {
      // A transport may be anybody's, and who appends has nothing to do with its failures.
      return CompletableFuture.failedStage(e);
    }
  }

  private static TransportException.Category category(Throwable failure) {
    Throwable cause =
        failure instanceof CompletionException && failure.getCause() != null
            ? failure.getCause()
            : failure;
    return cause instanceof TransportException transport
        ? transport.category()
        : TransportException.Category.RETRY;
  }

  /** Streams of one priority, and whose turn it is; the turn is guarded by who sends. */
  private static final class Group {

    private final List<OutStream> streams;
    private int turn;

    Group(List<OutStream> streams) {
      this.streams = List.copyOf(streams);
    }
  }
}
