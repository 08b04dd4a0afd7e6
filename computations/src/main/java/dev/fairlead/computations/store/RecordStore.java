// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.computations.store;

import static dev.fairlead.transport.api.TransportException.Category.RETRY;
import static java.lang.System.Logger.Level.INFO;
import static java.lang.System.Logger.Level.WARNING;
import static java.nio.charset.StandardCharsets.US_ASCII;
import static java.util.Objects.requireNonNull;

import dev.fairlead.delivery.Batch;
import dev.fairlead.delivery.BatchStore;
import dev.fairlead.delivery.DeliveryException;
import dev.fairlead.delivery.Disk;
import dev.fairlead.delivery.SegmentLog;
import dev.fairlead.delivery.StreamId;
import dev.fairlead.protocol.Addresses;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/**
 * Keeps what was said, in one log for all streams, and finds it again by stream and line.
 *
 * <p>Only what is synced is counted, shown and acknowledged. What must be known of it (how far each
 * stream is stored, and where its lines lie) is held in memory, and made anew from the log at each
 * start.
 *
 * <p>A full disk fails what is being written with {@code RETRY}; nothing of it is acknowledged, and
 * the store goes on as soon as there is room.
 *
 * <p>Safe for use by several threads.
 */
public final class RecordStore implements BatchStore, AutoCloseable {

  private static final System.Logger LOG = System.getLogger(RecordStore.class.getName());

  private final String fleet;
  private final InstantSource clock;
  private final SegmentLog log;
  private final long damagedBytes;

  private final ReentrantLock lock = new ReentrantLock();
  private final Condition grown = lock.newCondition();
  private final Map<String, Tape> tapes = new HashMap<>();
  private final Map<StreamId, Progress> progress = new LinkedHashMap<>();
  private long entries;
  private long unreadable;
  private long missing;
  private @Nullable Alarm alarm;
  private boolean closed;

  /** How far a stream is, guarded by the lock. */
  private static final class Progress {
    /** Given to the log; what fails there falls back to what is stored. */
    long appendedUpTo;

    long storedUpTo;
    long stored;
    long lost;
    long gaps;
    @Nullable Instant since;
    @Nullable Instant until;
  }

  /**
   * Why nothing can be stored.
   *
   * @param since when it began
   * @param code stable, lower-case words joined by hyphens
   * @param message one sentence for a person
   */
  public record Alarm(Instant since, String code, String message) {}

  /**
   * The store at one moment.
   *
   * @param entries in the log
   * @param bytes on disk, without files' heads
   * @param streams numberings of which there is something
   * @param pendingBytes not yet on disk
   * @param damagedBytes stepped over at the start, since they could not be read
   * @param unreadable whole entries that were skipped at the start, since they made no sense
   * @param missing records of which the numbers show that they were in what is damaged
   * @param alarm why nothing can be stored; null when all is well
   */
  public record Status(
      long entries,
      long bytes,
      int streams,
      long pendingBytes,
      long damagedBytes,
      long unreadable,
      long missing,
      @Nullable Alarm alarm) {}

  /**
   * Opens the store, and makes it where there is none. Reads all of it once.
   *
   * @param fleet the first segment of every address
   * @param disk where its files lie, and nothing else
   * @throws DeliveryException {@code REFUSED}, when another process has it, which the message
   *     names; {@code RETRY} when the disk fails
   */
  public RecordStore(String fleet, Disk disk, SegmentLog.Config config, InstantSource clock) {
    this.fleet = requireNonNull(fleet, "fleet is null");
    this.clock = requireNonNull(clock, "clock is null");
    log = SegmentLog.open(disk, config);
    try (SegmentLog.Reader reader = log.reader(0)) {
      for (var found = reader.next(); found != null; found = reader.next()) {
        find(found.position(), found.payload());
      }
      damagedBytes = reader.damagedBytes();
    } catch (RuntimeException e) {
      log.close();
      throw e;
    }
    LOG.log(
        INFO,
        "The store holds {0} entries of {1} streams, {2} bytes; {3} bytes are damaged.",
        entries,
        progress.size(),
        log.synced() - log.begin(),
        damagedBytes);
  }

  @Override
  public CompletionStage<Void> append(Batch batch) {
    String gap = batch.gap();
    Entry entry =
        new Entry(
            gap == null ? Entry.Kind.BATCH : Entry.Kind.GAP,
            batch.stream().address(),
            batch.stream().epoch(),
            batch.first(),
            batch.count(),
            clock.instant(),
            gap == null ? batch.payload() : ByteBuffer.wrap(gap.getBytes(US_ASCII)));
    CompletableFuture<Void> stored = new CompletableFuture<>();
    lock.lock();
    try {
      Progress made = progress(batch.stream());
      if (batch.first() != made.appendedUpTo + 1) {
        return CompletableFuture.failedFuture(outOfOrder(batch, made.appendedUpTo));
      }
      made.appendedUpTo = batch.last();
      // Under the lock, so that the log has a stream's batches in the order of their numbers.
      log.append(entry.head(), entry.payload())
          .whenComplete((position, failure) -> done(entry, position, failure, stored));
    } finally {
      lock.unlock();
    }
    return stored;
  }

  /**
   * Stores a line of this service's own among those of a computation.
   *
   * @param line without line feeds, not to be changed any more
   */
  public CompletionStage<Void> note(String id, String stream, byte[] line) {
    Entry entry =
        new Entry(
            Entry.Kind.NOTE, address(id, stream), "", 0, 1, clock.instant(), ByteBuffer.wrap(line));
    CompletableFuture<Void> stored = new CompletableFuture<>();
    log.append(entry.head(), entry.payload())
        .whenComplete((position, failure) -> done(entry, position, failure, stored));
    return stored;
  }

  @Override
  public long storedUpTo(StreamId stream) {
    lock.lock();
    try {
      Progress found = progress.get(stream);
      return found == null ? 0 : found.storedUpTo;
    } finally {
      lock.unlock();
    }
  }

  /** How many lines of a stream can be read now. */
  public long lines(String id, String stream) {
    lock.lock();
    try {
      Tape tape = tapes.get(address(id, stream));
      return tape == null ? 0 : tape.lines();
    } finally {
      lock.unlock();
    }
  }

  /**
   * Reads lines of a stream, from a number on to the end of the entry that holds it. Lines count
   * from 1 over all numberings, gap records among them, and never change.
   *
   * @return none when there is no such line yet
   * @throws DeliveryException {@code RETRY}, code {@code store-unreadable}, when the disk fails
   */
  public List<byte[]> read(String id, String stream, long line) {
    String address = address(id, stream);
    long position;
    int skip;
    lock.lock();
    try {
      Tape tape = tapes.get(address);
      int index = tape == null ? -1 : tape.entryOf(line);
      if (tape == null || index < 0) {
        return List.of();
      }
      position = tape.position(index);
      skip = Math.toIntExact(line - tape.firstLine(index));
    } finally {
      lock.unlock();
    }
    try (SegmentLog.Reader reader = log.reader(position)) {
      SegmentLog.Entry found = reader.next();
      if (found == null || found.position() != position) {
        throw new DeliveryException(
            RETRY,
            "store-unreadable",
            "Line %d of %s cannot be read any more: see to the store's disk."
                .formatted(line, address));
      }
      Entry entry = Entry.decode(found.payload());
      List<byte[]> lines =
          entry.address().equals(address)
              ? entry.shown()
              : CrossReferences.of(entry).getOrDefault(address, List.of());
      return lines.subList(skip, lines.size());
    }
  }

  /**
   * Waits until a line of a stream can be read.
   *
   * @return false when the time is over, or the store closed, and there is none
   */
  public boolean await(String id, String stream, long line, Duration atMost)
      throws InterruptedException {
    String address = address(id, stream);
    long left = atMost.toNanos();
    lock.lockInterruptibly();
    try {
      while (true) {
        Tape tape = tapes.get(address);
        if (tape != null && tape.lines() >= line) {
          return true;
        }
        if (left <= 0 || closed) {
          return false;
        }
        left = grown.awaitNanos(left);
      }
    } finally {
      lock.unlock();
    }
  }

  /** The books of all numberings of a party's streams, by stream, in the order they began. */
  public List<Book> books(String party) {
    String prefix = fleet + "/" + party + "/up/";
    List<Book> books = new ArrayList<>();
    lock.lock();
    try {
      progress.forEach(
          (stream, made) -> {
            if (stream.address().startsWith(prefix) && made.storedUpTo > 0) {
              books.add(
                  new Book(
                      stream.address().substring(prefix.length()),
                      stream.epoch(),
                      made.storedUpTo,
                      made.stored,
                      made.lost,
                      made.gaps,
                      made.since,
                      made.until));
            }
          });
    } finally {
      lock.unlock();
    }
    books.sort(Comparator.comparing(Book::stream));
    return List.copyOf(books);
  }

  /** The numberings of which there is something. */
  public List<StreamId> streams() {
    lock.lock();
    try {
      return progress.entrySet().stream()
          .filter(entry -> entry.getValue().storedUpTo > 0)
          .map(Map.Entry::getKey)
          .toList();
    } finally {
      lock.unlock();
    }
  }

  /** The store at this moment. */
  public Status status() {
    long bytes = log.synced() - log.begin();
    long pending = log.facts().pendingBytes();
    lock.lock();
    try {
      return new Status(
          entries, bytes, progress.size(), pending, damagedBytes, unreadable, missing, alarm);
    } finally {
      lock.unlock();
    }
  }

  /** Stores what waits, then lets go of thread and files. Idempotent. */
  @Override
  public void close() {
    log.close();
    lock.lock();
    try {
      closed = true;
      grown.signalAll();
    } finally {
      lock.unlock();
    }
  }

  /** Called by the log, in the order of the entries. */
  private void done(
      Entry entry,
      @Nullable Long position,
      @Nullable Throwable failure,
      CompletableFuture<Void> stored) {
    lock.lock();
    try {
      if (position != null) {
        index(position, entry);
        if (alarm != null) {
          LOG.log(INFO, "The store can write again.");
          alarm = null;
        }
        grown.signalAll();
      } else {
        // All that was appended and not synced fails before anything else is taken.
        if (entry.kind() != Entry.Kind.NOTE) {
          Progress made = progress(new StreamId(entry.address(), entry.epoch()));
          made.appendedUpTo = made.storedUpTo;
        }
        raise(failure);
      }
    } finally {
      lock.unlock();
    }
    if (failure == null) {
      stored.complete(null);
    } else {
      stored.completeExceptionally(failure);
    }
  }

  private void raise(@Nullable Throwable failure) {
    if (alarm == null && !closed) {
      String code = failure instanceof DeliveryException e ? e.code() : "store-failed";
      String message = failure == null ? "It failed." : String.valueOf(failure.getMessage());
      alarm = new Alarm(clock.instant(), code, message);
      LOG.log(WARNING, "Nothing can be stored: {0}", message);
    }
  }

  // The index; under the lock, or while opening.

  private void find(long position, ByteBuffer bytes) {
    try {
      Entry entry = Entry.decode(bytes);
      if (entry.kind() != Entry.Kind.NOTE) {
        Progress made = progress(new StreamId(entry.address(), entry.epoch()));
        if (entry.first() <= made.storedUpTo) {
          throw new IllegalArgumentException("Its records are in an earlier entry.");
        }
        long skipped = entry.first() - made.storedUpTo - 1;
        if (skipped > 0) { // they were in what is damaged
          missing += skipped;
          made.lost += skipped;
          made.gaps++;
        }
        made.appendedUpTo = entry.last();
      }
      index(position, entry);
    } catch (IllegalArgumentException e) {
      unreadable++;
      LOG.log(WARNING, "The entry at {0} is skipped: {1}", position, e.getMessage());
    }
  }

  private void index(long position, Entry entry) {
    entries++;
    tape(entry.address()).add(position, entry.lines());
    CrossReferences.of(entry)
        .forEach((address, lines) -> tape(address).add(position, lines.size()));
    if (entry.kind() == Entry.Kind.NOTE) {
      return;
    }
    Progress made = progress(new StreamId(entry.address(), entry.epoch()));
    made.storedUpTo = entry.last();
    made.appendedUpTo = Math.max(made.appendedUpTo, made.storedUpTo);
    if (entry.kind() == Entry.Kind.GAP) {
      made.lost += entry.count();
      made.gaps++;
    } else {
      made.stored += entry.count();
    }
    if (made.since == null) {
      made.since = entry.received();
    }
    made.until = entry.received();
  }

  private Progress progress(StreamId stream) {
    return progress.computeIfAbsent(stream, absent -> new Progress());
  }

  private Tape tape(String address) {
    return tapes.computeIfAbsent(address, absent -> new Tape());
  }

  private String address(String id, String stream) {
    return Addresses.ofComputation(fleet, id).stream(stream);
  }

  private static DeliveryException outOfOrder(Batch batch, long upTo) {
    return new DeliveryException(
        RETRY,
        "out-of-order",
        "The stream is stored up to %d; a batch from %d on cannot follow."
            .formatted(upTo, batch.first()));
  }
}
