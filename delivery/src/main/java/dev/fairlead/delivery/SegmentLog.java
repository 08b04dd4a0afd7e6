// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.delivery;

import static dev.fairlead.transport.api.TransportException.Category.BROKEN;
import static dev.fairlead.transport.api.TransportException.Category.REFUSED;
import static dev.fairlead.transport.api.TransportException.Category.RETRY;
import static java.util.Objects.requireNonNull;

import dev.fairlead.transport.api.TransportException.Category;
import java.io.IOException;
import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/**
 * An append-only log in a folder of files: what is appended is written at once, synced in groups,
 * and acknowledged when it is synced. Safe for use by several threads; one writer at a time in the
 * world, by a lock that names its holder.
 *
 * <p>The format, version 1; all numbers are big-endian. A position counts the bytes of all entries
 * ever written, headers of entries included and those of files not; it never goes back over what
 * was synced.
 *
 * <pre>
 * file   name: 16 hex digits, the position of its first entry, and ".seg"
 *        magic "FLSEGLOG" 8, version 4, position of the first entry 8, salt 8, CRC32C of these 28: 4
 * entry  marker 4, length of the payload 4, CRC32C of (salt, position, length, payload) 4, payload
 *        marker 8F4CE19D: all before it was synced when it was written, so that it begins a group;
 *        marker 8F4CE19E: it belongs to the group of the entry before it
 * </pre>
 *
 * The salt is random for each file: nobody whose bytes are stored can write an entry into them.
 *
 * <p>Damage. When the log is opened, the end of the last file is cut off: what follows its last
 * good entry, and whatever follows damage within the last group, since a power cut may leave a hole
 * behind what was acknowledged of it. Anything else that is damaged is stepped over, to the next
 * good entry, and counted; a file whose header is damaged is stepped over as a whole. Nothing
 * damaged that was acknowledged is deleted.
 *
 * <p>A write that fails, for want of room or otherwise, fails all that is not synced yet, and
 * leaves none of it visible; the next append tries anew.
 */
public final class SegmentLog implements AutoCloseable {

  private static final Logger LOG = System.getLogger(SegmentLog.class.getName());

  /** Bytes that are written while a sync is under way; more than that wait for its end. */
  private static final long MAX_AHEAD = 8L << 20;

  /** Syncs beside what is written, before one for which that waits. */
  private static final int MOST_BESIDE = 15;

  private final Config config;
  private final Runner runner;

  /** Where syncs run beside what is written; null to let writing wait for them. */
  private final @Nullable Runner syncer;

  private final boolean ownRunner;
  private final AutoCloseable claim;
  private final SegmentFiles files;
  private final long openedAt;
  private final List<Runnable> syncedActions = new CopyOnWriteArrayList<>();

  private final ReentrantLock lock = new ReentrantLock();

  // Guarded by the lock.
  private Deque<Request> queue = new ArrayDeque<>();
  private long queuedBytes;
  private boolean awake;

  /** What those are being told whose entries were lost; told to others who come meanwhile. */
  private @Nullable DeliveryException failing;

  private boolean closing;
  private long entries;
  private long syncs;
  private long failures;

  /** Held by whoever writes: a task of the runner, or the one who closes. Taken before the lock. */
  private final ReentrantLock writing = new ReentrantLock();

  // Guarded by the above.
  private final Deque<Request> unsynced = new ArrayDeque<>();
  private long lastSync;
  private boolean syncComes;
  private SegmentFiles.@Nullable Mark syncing;
  private int syncsBeside;
  private boolean over;

  /**
   * How a log works. Made by {@link #of}.
   *
   * @param segmentBytes the size from which on another file is begun, 4 KiB to 1 GiB
   * @param syncInterval the least time between two syncs, 0 to 10 s: a group
   * @param maxPendingBytes the most bytes that wait to be written
   * @param maxEntryBytes the largest entry, up to 16 MiB
   * @param holder who writes, in words for a person
   */
  public record Config(
      long segmentBytes,
      Duration syncInterval,
      long maxPendingBytes,
      int maxEntryBytes,
      String holder) {

    /** Checks all ranges. */
    public Config {
      requireNonNull(holder, "holder is null");
      if (segmentBytes < 4 * 1024
          || segmentBytes > 1L << 30
          || syncInterval.isNegative()
          || syncInterval.compareTo(Duration.ofSeconds(10)) > 0
          || maxEntryBytes < 1
          || maxEntryBytes > 16 << 20
          || maxPendingBytes < maxEntryBytes) {
        throw new DeliveryException(
            REFUSED, "bad-setting", "A setting of the log is out of range.");
      }
    }

    /** Files of 64 MiB, a sync every 5 ms, 64 MiB waiting, entries of 2 MiB. */
    public static Config of(String holder) {
      return new Config(64L << 20, Duration.ofMillis(5), 64L << 20, 2 << 20, holder);
    }

    /** The same with another interval. */
    public Config withSyncInterval(Duration interval) {
      return new Config(segmentBytes, interval, maxPendingBytes, maxEntryBytes, holder);
    }

    /** The same with other files. */
    public Config withSegmentBytes(long size) {
      return new Config(size, syncInterval, maxPendingBytes, maxEntryBytes, holder);
    }
  }

  /**
   * What was appended, read again.
   *
   * @param position where it begins
   * @param next where the one behind it begins, if nothing is damaged
   * @param payload its own copy, between position and limit
   */
  public record Entry(long position, long next, ByteBuffer payload) {}

  /**
   * What happened since the log was opened.
   *
   * @param entries synced
   * @param bytes synced, headers included
   * @param syncs how often
   * @param failures entries that could not be stored
   * @param pendingBytes that wait to be written now
   * @param tornBytes cut off at the end when the log was opened
   * @param damagedBytes stepped over in the last file when the log was opened
   */
  public record Facts(
      long entries,
      long bytes,
      long syncs,
      long failures,
      long pendingBytes,
      long tornBytes,
      long damagedBytes) {}

  /** An entry that was appended and not synced; its position is guarded by whoever writes. */
  private static final class Request {

    private final List<ByteBuffer> parts;
    private final int length;
    private final CompletableFuture<Long> future = new CompletableFuture<>();
    private long position;

    Request(List<ByteBuffer> parts, int length) {
      this.parts = parts;
      this.length = length;
    }
  }

  private SegmentLog(
      SegmentFiles files,
      Config config,
      AutoCloseable claim,
      Runner runner,
      @Nullable Runner syncer,
      boolean ownRunner) {
    this.files = files;
    this.config = config;
    this.claim = claim;
    this.runner = runner;
    this.syncer = syncer;
    this.ownRunner = ownRunner;
    this.openedAt = files.synced();
    this.lastSync = runner.nanoTime() - config.syncInterval().toNanos();
  }

  /**
   * Opens a log on a thread of its own, made where there is none; repairs its end.
   *
   * @throws DeliveryException {@code REFUSED}, code {@code held}, when somebody else writes there;
   *     {@code RETRY} when the disk fails
   */
  public static SegmentLog open(Disk disk, Config config) {
    return open(disk, config, null, null);
  }

  /**
   * Opens a log, as above, that writes, syncs and answers on a runner, which stays the caller's and
   * should be closed after the log.
   *
   * @param runner null for one of its own
   * @param syncer where syncs run, so that what comes meanwhile is written beside; null where
   *     writing waits for them, or the runner is the log's own
   */
  static SegmentLog open(
      Disk disk, Config config, @Nullable Runner runner, @Nullable Runner syncer) {
    AutoCloseable claim = null;
    try {
      claim = disk.lock(config.holder());
      SegmentFiles files = new SegmentFiles(disk, config.segmentBytes(), config.maxEntryBytes());
      files.recover();
      return runner == null
          ? new SegmentLog(
              files,
              config,
              claim,
              Runner.start("fairlead-log-" + config.holder()),
              Runner.start("fairlead-sync-" + config.holder()),
              true)
          : new SegmentLog(files, config, claim, runner, syncer, false);
    } catch (IOException e) {
      letGo(claim);
      throw new DeliveryException(
          RETRY, "disk-failed", "The log could not be opened: " + e.getMessage(), e);
    } catch (RuntimeException e) {
      letGo(claim);
      throw e;
    }
  }

  /**
   * Appends an entry, the parts one behind the other.
   *
   * @param parts not to be changed until the stage is complete
   * @return its position, when it is synced; completed by the log's thread, which must not be
   *     blocked. Fails with a {@link DeliveryException}: {@code RETRY} with code {@code disk-full},
   *     {@code disk-failed} or {@code log-busy}; {@code REFUSED} when it is too large; {@code
   *     BROKEN} after {@link #close()}. When the disk fails, all that were appended and not synced
   *     fail together, before the next is taken; {@code log-busy} and {@code REFUSED} fail one
   *     alone, at once
   */
  public CompletionStage<Long> append(ByteBuffer... parts) {
    long length = 0;
    for (ByteBuffer part : parts) {
      length += part.remaining();
    }
    if (length > config.maxEntryBytes()) {
      return failed(
          REFUSED,
          "entry-too-large",
          "The entry has %d bytes; %d is the most.".formatted(length, config.maxEntryBytes()));
    }
    Request request = new Request(List.of(parts), (int) length);
    boolean wake;
    lock.lock();
    try {
      if (closing) {
        return failed(BROKEN, "closed", "The log has been closed.");
      }
      if (failing != null) {
        return CompletableFuture.failedStage(failing);
      }
      if (queuedBytes + length > config.maxPendingBytes()) {
        return failed(RETRY, "log-busy", "The disk is slower than what comes; try again.");
      }
      queue.add(request);
      queuedBytes += length;
      wake = !awake;
      awake = true;
    } finally {
      lock.unlock();
    }
    if (wake) {
      runner.execute(this::work);
    }
    return request.future;
  }

  /** Position of the oldest entry. */
  public long begin() {
    return files.begin();
  }

  /** Position behind the last entry that is synced: readers come up to here. */
  public long synced() {
    return files.synced();
  }

  /** Bytes of all files, as far as they are synced. */
  long size() {
    return files.size();
  }

  /**
   * Asks to be told each time more is synced.
   *
   * @param action called by the log's thread; must not block
   * @return closes to end it
   */
  public AutoCloseable onSynced(Runnable action) {
    syncedActions.add(action);
    return () -> syncedActions.remove(action);
  }

  /** What happened so far. */
  public Facts facts() {
    long bytes = files.synced() - openedAt;
    lock.lock();
    try {
      return new Facts(
          entries, bytes, syncs, failures, queuedBytes, files.tornBytes(), files.damagedBytes());
    } finally {
      lock.unlock();
    }
  }

  /** Reads from a position on; one below the oldest entry stands for that. */
  public Reader reader(long from) {
    return new Reader(from);
  }

  /**
   * Deletes the files all of whose entries lie before a position. The newest file stays. Readers
   * that are there go on behind them.
   *
   * @throws DeliveryException {@code RETRY} when the disk fails
   */
  public void deleteBefore(long position) {
    delete(0, position);
  }

  /** Whether {@link #deleteBefore} would delete a file. */
  boolean canDeleteBefore(long position) {
    return files.canDelete(position);
  }

  /** Deletes the files all of whose entries lie in a range; otherwise as {@link #deleteBefore}. */
  void delete(long from, long to) {
    try {
      files.delete(from, to);
    } catch (IOException e) {
      throw new DeliveryException(
          RETRY, "disk-failed", "An old file could not be deleted: " + e.getMessage(), e);
    }
  }

  /** Writes and syncs what was appended, then lets go of files and lock. Idempotent. */
  @Override
  public void close() {
    lock.lock();
    try {
      closing = true;
    } finally {
      lock.unlock();
    }
    boolean interrupted = Thread.interrupted(); // what was promised is kept first
    writing.lock();
    try {
      if (!over) {
        step();
        over = true;
        files.close();
        letGo(claim);
      }
    } finally {
      writing.unlock();
    }
    if (ownRunner) {
      runner.close();
      if (syncer != null) {
        syncer.close();
      }
    }
    if (interrupted) {
      Thread.currentThread().interrupt();
    }
  }

  // Writing.

  private void work() {
    writing.lock();
    try {
      if (!over) {
        step();
      }
    } finally {
      writing.unlock();
    }
  }

  private void syncIsDue() {
    writing.lock();
    try {
      syncComes = false;
      work();
    } finally {
      writing.unlock();
    }
  }

  /** Writes what has come, and syncs when it is time. */
  private void step() {
    if (syncing != null && files.unsynced() > MAX_AHEAD && !isClosing()) {
      return; // what comes waits in the queue, which is bounded, until the sync is over
    }
    Deque<Request> batch;
    boolean last;
    lock.lock();
    try {
      batch = queue;
      queue = new ArrayDeque<>();
      queuedBytes = 0;
      awake = false;
      last = closing;
    } finally {
      lock.unlock();
    }
    try {
      while (!batch.isEmpty()) {
        Request request = batch.element();
        request.position = files.write(request.length, request.parts);
        unsynced.add(batch.remove());
      }
      if (unsynced.isEmpty()) {
        return;
      }
      long left = lastSync + config.syncInterval().toNanos() - runner.nanoTime();
      if (left <= 0 || last) {
        sync(last);
        return;
      }
      files.flush();
      if (!syncComes && syncing == null) {
        syncComes = true;
        runner.after(Duration.ofNanos(left), this::syncIsDue);
      }
    } catch (IOException e) {
      fail(batch, e);
    }
  }

  /**
   * Syncs what is written, beside what is written next where that can be. Now and then that waits,
   * so that an entry is written of which it is certain that all before it is synced.
   */
  private void sync(boolean last) throws IOException {
    Runner beside = syncer;
    if (beside == null || last || (syncing == null && syncsBeside == MOST_BESIDE)) {
      syncing = null; // one that is under way has nothing left to do
      syncsBeside = 0;
      lastSync = runner.nanoTime();
      files.sync();
      answer();
      return;
    }
    SegmentFiles.Mark mark = files.mark();
    if (mark == null) {
      answer(); // the end of a file was synced with it
    } else if (syncing == null) {
      syncing = mark;
      syncsBeside++;
      lastSync = runner.nanoTime();
      beside.execute(() -> syncBeside(mark));
    }
  }

  private void syncBeside(SegmentFiles.Mark mark) {
    IOException failure = null;
    try {
      mark.file().sync();
    } catch (IOException e) {
      failure = e;
    }
    writing.lock();
    try {
      if (over || !mark.equals(syncing)) {
        return;
      }
      syncing = null;
      if (files.isCurrent(mark)) {
        if (failure == null) {
          files.synced(mark);
          answer();
        } else {
          fail(new ArrayDeque<>(), failure);
        }
      }
      step();
    } finally {
      writing.unlock();
    }
  }

  private boolean isClosing() {
    lock.lock();
    try {
      return closing;
    } finally {
      lock.unlock();
    }
  }

  /** Tells whose entries are synced. */
  private void answer() {
    long synced = files.synced();
    List<Request> done = new ArrayList<>();
    while (!unsynced.isEmpty() && unsynced.element().position < synced) {
      done.add(unsynced.remove());
    }
    if (done.isEmpty()) {
      return;
    }
    lock.lock();
    try {
      entries += done.size();
      syncs++;
    } finally {
      lock.unlock();
    }
    done.forEach(request -> request.future.complete(request.position));
    syncedActions.forEach(Runnable::run);
  }

  /**
   * Nothing that is not synced may stay: neither on disk, where the next entry takes its place, nor
   * in the memory of those who wait. They are told before anything new is taken, so that order
   * holds.
   */
  private void fail(Deque<Request> batch, IOException reason) {
    answer(); // a file before the one that failed may have been synced
    List<Request> lost = new ArrayList<>(unsynced);
    lost.addAll(batch);
    unsynced.clear();
    boolean full = String.valueOf(reason.getMessage()).contains("No space left");
    DeliveryException failure =
        new DeliveryException(
            RETRY,
            full ? "disk-full" : "disk-failed",
            full
                ? "The disk is full: make room; what was not stored will come again."
                : "The disk failed: " + reason.getMessage(),
            reason);
    lock.lock();
    try {
      failing = failure;
      lost.addAll(queue);
      queue.clear();
      queuedBytes = 0;
      failures += lost.size();
    } finally {
      lock.unlock();
    }
    files.fallBack();
    lost.forEach(request -> request.future.completeExceptionally(failure));
    lock.lock();
    try {
      failing = null;
    } finally {
      lock.unlock();
    }
  }

  private static void letGo(@Nullable AutoCloseable claim) {
    if (claim != null) {
      try {
        claim.close();
      } catch (Exception e) {
        LOG.log(Level.WARNING, "The lock of the log could not be let go.", e);
      }
    }
  }

  private static CompletionStage<Long> failed(Category category, String code, String sentence) {
    return CompletableFuture.failedStage(new DeliveryException(category, code, sentence));
  }

  /** Reads entries in order, up to what is synced. Not safe for use by several threads. */
  public final class Reader implements AutoCloseable {

    private long position;
    private SegmentFiles.@Nullable Segment segment;
    private Disk.@Nullable File reading;
    private @Nullable SegmentScanner scanner;
    private long damagedBefore;

    private Reader(long from) {
      this.position = Math.max(0, from);
    }

    /** Where the next entry is looked for. */
    public long position() {
      return position;
    }

    /** Bytes that were damaged and stepped over. */
    public long damagedBytes() {
      return damagedBefore + (scanner == null ? 0 : scanner.damagedBytes());
    }

    /**
     * The next entry; null where there is none yet. May be asked again later.
     *
     * @throws DeliveryException {@code RETRY} when the disk fails
     */
    public @Nullable Entry next() {
      try {
        while (true) {
          SegmentFiles.Segment here = segment;
          if (here == null) {
            here = enter();
            if (here == null) {
              return null;
            }
          }
          // In this order: once there is a newer one, the end of this one is final.
          boolean last = files.isLast(here);
          long end = files.end(here);
          SegmentScanner reader = scanner;
          Entry entry = reader == null ? null : reader.next(position, end);
          if (entry != null) {
            position = entry.next();
            return entry;
          }
          if (reader == null) {
            damagedBefore += end - position;
          }
          position = Math.max(position, end);
          if (last) {
            return null;
          }
          leave();
        }
      } catch (IOException e) {
        throw new DeliveryException(
            RETRY, "disk-failed", "The log could not be read: " + e.getMessage(), e);
      }
    }

    /** Opens the file that holds the position, or the first behind it. */
    private SegmentFiles.@Nullable Segment enter() throws IOException {
      SegmentFiles.Segment found = files.find(position);
      if (found == null) {
        return null;
      }
      position = Math.max(position, found.base);
      if (found.salt != null) {
        Disk.File opened = files.open(found);
        reading = opened;
        scanner = files.scan(found, opened);
      }
      segment = found;
      return found;
    }

    private void leave() throws IOException {
      damagedBefore = damagedBytes();
      scanner = null;
      segment = null;
      Disk.File open = reading;
      reading = null;
      if (open != null) {
        open.close();
      }
    }

    /** Lets go of the file. */
    @Override
    public void close() {
      try {
        leave();
      } catch (IOException e) {
        LOG.log(Level.DEBUG, "A file that was read could not be closed.", e);
      }
    }
  }
}
