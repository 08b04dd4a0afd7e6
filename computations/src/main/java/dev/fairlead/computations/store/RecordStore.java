// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.computations.store;

import static dev.fairlead.transport.api.TransportException.Category.BROKEN;
import static dev.fairlead.transport.api.TransportException.Category.RETRY;
import static java.lang.System.Logger.Level.ERROR;
import static java.lang.System.Logger.Level.INFO;
import static java.lang.System.Logger.Level.WARNING;
import static java.nio.charset.StandardCharsets.US_ASCII;
import static java.util.Objects.requireNonNull;

import dev.fairlead.delivery.Batch;
import dev.fairlead.delivery.BatchStore;
import dev.fairlead.delivery.DeliveryException;
import dev.fairlead.delivery.StreamId;
import dev.fairlead.protocol.Addresses;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/**
 * Keeps what was said, in one journal for all streams, and finds it again by stream and line.
 *
 * <p>One thread writes: it takes whatever waits, appends it, syncs once, and only then is any of it
 * stored, counted, shown and acknowledged. What must be known of it (how far each stream is stored,
 * and where its lines lie) is held in memory, and made anew from the journal at each start.
 *
 * <p>A full disk fails what is being written with {@code RETRY}; nothing is acknowledged, and the
 * store goes on as soon as there is room.
 */
public final class RecordStore implements BatchStore, AutoCloseable {

  private static final System.Logger LOG = System.getLogger(RecordStore.class.getName());
  private static final int QUEUE = 4096;
  private static final int GROUP = 512;
  private static final long MAX_WAITING_BYTES = 64L << 20;
  private static final Job END = new Job(null, ByteBuffer.allocate(0), new CompletableFuture<>());
  private static final Duration CLOSE = Duration.ofSeconds(10);

  private final String fleet;
  private final InstantSource clock;
  private final Journal journal;
  private final BlockingQueue<Job> queue = new ArrayBlockingQueue<>(QUEUE);
  private final AtomicLong waitingBytes = new AtomicLong();
  private final Thread writer;

  private final ReentrantLock lock = new ReentrantLock();
  private final Condition grown = lock.newCondition();
  private final Map<String, Tape> tapes = new HashMap<>();
  private final Map<StreamId, Progress> progress = new LinkedHashMap<>();
  private long entries;
  private long unreadable;
  private long missing;
  private @Nullable Alarm alarm;
  private volatile boolean closed;
  private volatile boolean ended;

  /** Opens a journal, telling the visitor what it holds. */
  interface Opener {
    Journal open(Journal.Visitor visitor) throws IOException;
  }

  /** An entry on its way to the disk; without bytes, the word to end. */
  private record Job(@Nullable Entry entry, ByteBuffer bytes, CompletableFuture<Void> stored) {}

  private static final class Progress {
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
   * @param message one sentence for a person
   */
  public record Alarm(Instant since, String message) {}

  /**
   * The store at one moment.
   *
   * @param entries in the journal
   * @param bytes on disk
   * @param streams numberings of which there is something
   * @param waiting entries not yet on disk
   * @param damaged entries that were skipped at the start, since they could not be read
   * @param missing records of which the numbers show that they were in damaged entries
   * @param alarm why nothing can be stored; null when all is well
   */
  public record Status(
      long entries,
      long bytes,
      int streams,
      int waiting,
      long damaged,
      long missing,
      @Nullable Alarm alarm) {}

  RecordStore(String fleet, Opener opener, InstantSource clock) {
    this.fleet = requireNonNull(fleet, "fleet is null");
    this.clock = requireNonNull(clock, "clock is null");
    try {
      journal = opener.open(this::found);
    } catch (IOException e) {
      throw new DeliveryException(
          BROKEN,
          "store-unusable",
          "The store cannot be opened: %s See to its directory.".formatted(e.getMessage()),
          e);
    }
    LOG.log(
        INFO,
        "The store holds {0} entries of {1} streams, {2} bytes; {3} were damaged.",
        entries,
        progress.size(),
        journal.size(),
        journal.skipped() + unreadable);
    writer = new Thread(this::write, "fl-store");
    writer.setDaemon(true);
    writer.start();
  }

  /**
   * Opens the store, and makes it where there is none. Reads all of it once.
   *
   * @param fleet the first segment of every address
   * @param directory of its files
   * @param segmentBytes size at which it begins another file
   * @throws DeliveryException {@code BROKEN}, when another process has it, named in the message, or
   *     the directory cannot be used
   */
  public static RecordStore open(
      String fleet, Path directory, long segmentBytes, InstantSource clock) {
    return new RecordStore(
        fleet, visitor -> SegmentJournal.open(directory, segmentBytes, visitor), clock);
  }

  @Override
  public CompletionStage<Void> append(Batch batch) {
    String gap = batch.gap();
    return offer(
        new Entry(
            gap == null ? Entry.Kind.BATCH : Entry.Kind.GAP,
            batch.stream().address(),
            batch.stream().epoch(),
            batch.first(),
            batch.count(),
            clock.instant(),
            gap == null ? batch.payload() : ByteBuffer.wrap(gap.getBytes(US_ASCII))));
  }

  /**
   * Stores a line of this service's own among those of a computation.
   *
   * @param line without line feeds
   */
  public CompletionStage<Void> note(String id, String stream, byte[] line) {
    return offer(
        new Entry(
            Entry.Kind.NOTE,
            address(id, stream),
            "",
            0,
            1,
            clock.instant(),
            ByteBuffer.wrap(line)));
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
    try {
      Entry entry = Entry.decode(journal.read(position));
      List<byte[]> lines =
          entry.address().equals(address)
              ? entry.shown()
              : CrossReferences.of(entry).getOrDefault(address, List.of());
      return lines.subList(skip, lines.size());
    } catch (IOException e) {
      throw new DeliveryException(
          RETRY,
          "store-unreadable",
          "Line %d of %s cannot be read: %s".formatted(line, address, e.getMessage()),
          e);
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

  /** The books of all numberings of a computation's streams, in the order they began. */
  public List<Book> books(String party) {
    String prefix = fleet + "/" + party + "/up/";
    List<Book> books = new ArrayList<>();
    lock.lock();
    try {
      progress.forEach(
          (stream, made) -> {
            if (stream.address().startsWith(prefix)) {
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

  /** The store at this moment. */
  public Status status() {
    lock.lock();
    try {
      return new Status(
          entries,
          journal.size(),
          progress.size(),
          queue.size(),
          journal.skipped() + unreadable,
          missing,
          alarm);
    } finally {
      lock.unlock();
    }
  }

  /** Stores what waits, then lets go of thread and files. Idempotent. */
  @Override
  public void close() {
    if (closed) {
      return;
    }
    closed = true;
    try {
      queue.put(END);
      writer.join(CLOSE.toMillis());
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
    lock.lock();
    try {
      grown.signalAll();
    } finally {
      lock.unlock();
    }
    try {
      journal.close();
    } catch (IOException e) {
      throw new DeliveryException(
          BROKEN, "store-unusable", "The store did not close well: " + e.getMessage(), e);
    }
  }

  private CompletionStage<Void> offer(Entry entry) {
    ByteBuffer bytes = entry.encode();
    Job job = new Job(entry, bytes, new CompletableFuture<>());
    int size = bytes.remaining();
    if (closed) {
      return CompletableFuture.failedFuture(closing());
    }
    if (waitingBytes.addAndGet(size) > MAX_WAITING_BYTES || !queue.offer(job)) {
      waitingBytes.addAndGet(-size);
      return CompletableFuture.failedFuture(
          new DeliveryException(
              RETRY, "store-busy", "More waits for the disk than may: send it again."));
    }
    if (ended && queue.remove(job)) {
      job.stored().completeExceptionally(closing());
    }
    return job.stored();
  }

  // What follows is done by the writer alone.

  private void write() {
    List<Job> group = new ArrayList<>(GROUP);
    boolean last = false;
    while (!last) {
      try {
        group.add(queue.take());
      } catch (InterruptedException e) {
        LOG.log(WARNING, "The store's thread was interrupted, which nobody may do; it goes on.");
        continue;
      }
      queue.drainTo(group, GROUP - 1);
      last = group.remove(END);
      try {
        store(group);
      } catch (RuntimeException e) {
        LOG.log(ERROR, "The store failed unexpectedly; it goes on with what comes next.", e);
        fail(group, new IOException(e));
      }
      group.forEach(job -> waitingBytes.addAndGet(-job.bytes().remaining()));
      group.clear();
    }
    ended = true;
    for (Job job = queue.poll(); job != null; job = queue.poll()) {
      job.stored().completeExceptionally(closing());
    }
  }

  private void store(List<Job> group) {
    List<Job> written = new ArrayList<>(group.size());
    List<Long> positions = new ArrayList<>(group.size());
    Map<StreamId, Long> reached = new HashMap<>();
    try {
      for (Job job : group) {
        Entry entry = requireNonNull(job.entry());
        if (entry.kind() != Entry.Kind.NOTE) {
          StreamId stream = new StreamId(entry.address(), entry.epoch());
          long upTo = reached.computeIfAbsent(stream, this::storedUpTo);
          if (entry.first() != upTo + 1) {
            job.stored().completeExceptionally(outOfOrder(entry, upTo));
            continue;
          }
          reached.put(stream, entry.last());
        }
        positions.add(journal.append(job.bytes().duplicate()));
        written.add(job);
      }
      if (!written.isEmpty()) {
        journal.sync();
      }
    } catch (IOException e) {
      fail(group, e);
      return;
    }
    lock.lock();
    try {
      for (int i = 0; i < written.size(); i++) {
        index(positions.get(i), requireNonNull(written.get(i).entry()));
      }
      if (alarm != null && !written.isEmpty()) {
        LOG.log(INFO, "The store can write again.");
        alarm = null;
      }
      grown.signalAll();
    } finally {
      lock.unlock();
    }
    written.forEach(job -> job.stored().complete(null));
  }

  private void fail(List<Job> group, IOException cause) {
    DeliveryException failure = noRoom(cause);
    try {
      journal.forget();
    } catch (IOException e) {
      failure.addSuppressed(e);
    }
    lock.lock();
    try {
      if (alarm == null) {
        alarm = new Alarm(clock.instant(), String.valueOf(failure.getMessage()));
        LOG.log(WARNING, "Nothing can be stored: {0}", failure.getMessage());
      }
    } finally {
      lock.unlock();
    }
    group.forEach(job -> job.stored().completeExceptionally(failure));
  }

  // The index.

  private void found(long position, ByteBuffer bytes) {
    try {
      index(position, Entry.decode(bytes));
    } catch (IllegalArgumentException e) {
      unreadable++;
      LOG.log(WARNING, "The entry at {0} is skipped: {1}", position, e.getMessage());
    }
  }

  private void index(long position, Entry entry) {
    if (entry.kind() != Entry.Kind.NOTE) {
      Progress before = progress.get(new StreamId(entry.address(), entry.epoch()));
      if (before != null && entry.first() <= before.storedUpTo) {
        throw new IllegalArgumentException("Its records are in an earlier entry.");
      }
    }
    entries++;
    tape(entry.address()).add(position, entry.lines());
    CrossReferences.of(entry)
        .forEach((address, lines) -> tape(address).add(position, lines.size()));
    if (entry.kind() == Entry.Kind.NOTE) {
      return;
    }
    Progress made =
        progress.computeIfAbsent(
            new StreamId(entry.address(), entry.epoch()), absent -> new Progress());
    long skipped = entry.first() - made.storedUpTo - 1;
    if (skipped > 0) { // only while opening: the entries between were damaged
      missing += skipped;
      made.lost += skipped;
      made.gaps++;
    }
    made.storedUpTo = entry.last();
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

  private Tape tape(String address) {
    return tapes.computeIfAbsent(address, absent -> new Tape());
  }

  private String address(String id, String stream) {
    return Addresses.ofComputation(fleet, id).stream(stream);
  }

  private static DeliveryException closing() {
    return new DeliveryException(
        RETRY, "store-closed", "The store is closing: send it again to the next one.");
  }

  private static DeliveryException outOfOrder(Entry entry, long upTo) {
    return new DeliveryException(
        RETRY,
        "out-of-order",
        "The stream is stored up to %d; a batch from %d on cannot follow."
            .formatted(upTo, entry.first()));
  }

  private static DeliveryException noRoom(Exception cause) {
    return new DeliveryException(
        RETRY,
        "store-cannot-write",
        "The store cannot write (%s): make room on its disk; nothing is lost, it is sent again."
            .formatted(cause.getMessage()),
        cause);
  }
}
