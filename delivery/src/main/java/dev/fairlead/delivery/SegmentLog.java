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
import java.security.SecureRandom;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.NavigableMap;
import java.util.TreeMap;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
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
 * entry  marker 8F4CE19D 4, length of the payload 4, CRC32C of (salt, position, length, payload) 4,
 *        payload
 * </pre>
 *
 * The salt is random for each file: nobody whose bytes are stored can write an entry into them.
 *
 * <p>Damage. What follows the last good entry of the last file was never acknowledged, and is cut
 * off when the log is opened. Anything else that is damaged is stepped over, to the next good
 * entry, and counted; a file whose header is damaged is stepped over as a whole. Nothing damaged is
 * deleted.
 *
 * <p>A write that fails, for want of room or otherwise, fails all that is not synced yet, and
 * leaves none of it visible; the next append tries anew.
 */
public final class SegmentLog implements AutoCloseable {

  private static final Logger LOG = System.getLogger(SegmentLog.class.getName());
  private static final Pattern NAME = Pattern.compile("([0-9a-f]{16})\\.seg");
  private static final int STAGING = 1 << 20;
  private static final SecureRandom SALTS = new SecureRandom();

  private final Disk disk;
  private final Config config;
  private final AutoCloseable claim;
  private final Thread thread;
  private final List<Runnable> syncedActions = new CopyOnWriteArrayList<>();

  private final ReentrantLock lock = new ReentrantLock();
  private final Condition work = lock.newCondition();

  // Guarded by the lock.
  private final NavigableMap<Long, Segment> segments = new TreeMap<>();
  private Deque<Request> queue = new ArrayDeque<>();
  private long queuedBytes;
  private boolean failing;
  private boolean closing;
  private long synced;
  private long entries;
  private long bytes;
  private long syncs;
  private long failures;
  private long tornBytes;
  private long damagedBytes;

  // Only touched by the log's thread once that runs.
  private final ByteBuffer staging = ByteBuffer.allocateDirect(STAGING);
  private final List<Request> unsynced = new ArrayList<>();
  private @Nullable Segment active;
  private Disk.@Nullable File file;
  private long written;
  private long lastSync;

  /**
   * How a log works. Made by {@link #of}.
   *
   * @param segmentBytes the size from which on another file is begun, 64 KiB to 1 GiB
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
      if (segmentBytes < 64 * 1024
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

  private record Request(List<ByteBuffer> parts, int length, CompletableFuture<Long> future) {}

  /** One file; the length of its entries is guarded by the lock. */
  private static final class Segment {

    private final String name;
    private final long base;

    /** Null where the header is damaged, so that nothing in it can be read. */
    private final @Nullable Long salt;

    /** Bytes of entries that may be read. */
    private long length;

    Segment(String name, long base, @Nullable Long salt, long length) {
      this.name = name;
      this.base = base;
      this.salt = salt;
      this.length = length;
    }

    long end() {
      return base + length;
    }
  }

  private SegmentLog(Disk disk, Config config, AutoCloseable claim) {
    this.disk = disk;
    this.config = config;
    this.claim = claim;
    this.thread = new Thread(this::run, "fairlead-log-" + config.holder());
    this.thread.setDaemon(true);
  }

  /**
   * Opens a log, made where there is none; repairs its end.
   *
   * @throws DeliveryException {@code REFUSED}, code {@code held}, when somebody else writes there;
   *     {@code RETRY} when the disk fails
   */
  public static SegmentLog open(Disk disk, Config config) {
    AutoCloseable claim = null;
    try {
      claim = disk.lock(config.holder());
      SegmentLog log = new SegmentLog(disk, config, claim);
      log.recover();
      log.lastSync = System.nanoTime() - config.syncInterval().toNanos();
      log.thread.start();
      return log;
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
    Request request = new Request(List.of(parts), (int) length, new CompletableFuture<>());
    lock.lock();
    try {
      if (closing) {
        return failed(BROKEN, "closed", "The log has been closed.");
      }
      if (failing) {
        return failed(RETRY, "disk-failed", "An entry before this one could not be written.");
      }
      if (queuedBytes + length > config.maxPendingBytes()) {
        return failed(RETRY, "log-busy", "The disk is slower than what comes; try again.");
      }
      queue.add(request);
      queuedBytes += length;
      work.signal();
    } finally {
      lock.unlock();
    }
    return request.future;
  }

  /** Position of the oldest entry. */
  public long begin() {
    lock.lock();
    try {
      return segments.isEmpty() ? synced : segments.firstKey();
    } finally {
      lock.unlock();
    }
  }

  /** Position behind the last entry that is synced: readers come up to here. */
  public long synced() {
    lock.lock();
    try {
      return synced;
    } finally {
      lock.unlock();
    }
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
    lock.lock();
    try {
      return new Facts(entries, bytes, syncs, failures, queuedBytes, tornBytes, damagedBytes);
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
    List<Segment> old = new ArrayList<>();
    lock.lock();
    try {
      for (Segment segment : segments.values()) {
        if (segment.end() <= position && segment != segments.lastEntry().getValue()) {
          old.add(segment);
        }
      }
      old.forEach(segment -> segments.remove(segment.base));
    } finally {
      lock.unlock();
    }
    try {
      for (Segment segment : old) {
        disk.delete(segment.name);
      }
    } catch (IOException e) {
      throw new DeliveryException(
          RETRY, "disk-failed", "An old file could not be deleted: " + e.getMessage(), e);
    }
  }

  /** Writes and syncs what was appended, then lets go of files, lock and thread. Idempotent. */
  @Override
  public void close() {
    lock.lock();
    try {
      closing = true;
      work.signal();
    } finally {
      lock.unlock();
    }
    boolean interrupted = false;
    while (thread.isAlive()) {
      try {
        thread.join();
      } catch (InterruptedException e) {
        interrupted = true; // what was promised is kept first
      }
    }
    if (interrupted) {
      Thread.currentThread().interrupt();
    }
  }

  // Opening.

  private void recover() throws IOException {
    for (String name : disk.list()) {
      Matcher matcher = NAME.matcher(name);
      if (matcher.matches()) {
        recover(name, Long.parseUnsignedLong(matcher.group(1), 16));
      }
    }
    for (Segment segment : segments.values()) {
      Long next = segments.higherKey(segment.base);
      if (next != null) {
        // What a failed write left behind, and could not be cut off, is not part of the log.
        segment.length = Math.min(segment.length, next - segment.base);
      }
    }
    Map.Entry<Long, Segment> last = segments.lastEntry();
    if (last != null && last.getValue().salt != null) {
      repair(last.getValue());
    }
    synced = segments.isEmpty() ? 0 : segments.lastEntry().getValue().end();
    written = synced;
  }

  private void recover(String name, long base) throws IOException {
    if (base < 0) {
      return; // none of ours
    }
    Disk.File found = disk.open(name);
    try (found) {
      long size = found.size();
      SegmentScanner.FileHeader header = SegmentScanner.readFileHeader(found);
      boolean good = header != null && header.base() == base;
      long length = Math.max(0, size - SegmentScanner.FILE_HEADER);
      if (good || length > 0) {
        segments.put(
            base, new Segment(name, base, good ? requireNonNull(header).salt() : null, length));
        if (!good) {
          LOG.log(Level.ERROR, "The header of {0} is damaged: its entries are lost.", name);
        }
        return;
      }
    }
    disk.delete(name); // begun, and never written to
  }

  /** Cuts off what follows the last good entry, which nobody was promised. */
  private void repair(Segment segment) throws IOException {
    Disk.File found = disk.open(segment.name);
    boolean kept = false;
    try {
      SegmentScanner scanner =
          new SegmentScanner(
              found, segment.base, requireNonNull(segment.salt), config.maxEntryBytes());
      long end = segment.base;
      long damaged = 0;
      Entry entry = scanner.next(end, segment.end());
      while (entry != null) {
        end = entry.next();
        damaged = scanner.damagedBytes();
        entry = scanner.next(end, segment.end());
      }
      damagedBytes = damaged;
      tornBytes = segment.end() - end;
      if (damaged > 0) {
        LOG.log(Level.ERROR, "{0} bytes of {1} are damaged and skipped.", damaged, segment.name);
      }
      if (tornBytes > 0) {
        LOG.log(
            Level.WARNING,
            "The last {0} bytes of {1} were never finished and are cut off.",
            tornBytes,
            segment.name);
        found.truncate(SegmentScanner.FILE_HEADER + end - segment.base);
        found.sync();
        segment.length = end - segment.base;
      }
      active = segment;
      file = found;
      kept = true;
    } finally {
      if (!kept) {
        found.close();
      }
    }
  }

  // The log's thread.

  private void run() {
    try {
      while (true) {
        Deque<Request> batch = await();
        if (batch == null) {
          break;
        }
        step(batch);
      }
    } finally {
      closeFile();
      letGo(claim);
    }
  }

  /** What is to be written; nothing when it is time for a sync; null at the end. */
  private @Nullable Deque<Request> await() {
    lock.lock();
    try {
      while (queue.isEmpty()) {
        if (unsynced.isEmpty()) {
          if (closing) {
            return null;
          }
          work.awaitUninterruptibly();
        } else {
          long left = syncAt() - System.nanoTime();
          if (left <= 0 || closing) {
            return new ArrayDeque<>();
          }
          awaitNanos(left);
        }
      }
      Deque<Request> batch = queue;
      queue = new ArrayDeque<>();
      queuedBytes = 0;
      return batch;
    } finally {
      lock.unlock();
    }
  }

  @SuppressWarnings("WaitNotInLoop") // the caller loops, and looks at the clock itself
  private void awaitNanos(long nanos) {
    try {
      long left = work.awaitNanos(nanos);
      LOG.log(Level.TRACE, "Woken {0} ns before the sync is due.", left);
    } catch (InterruptedException e) {
      LOG.log(Level.DEBUG, "Nobody interrupts the log's thread; it goes on.", e);
    }
  }

  private long syncAt() {
    return lastSync + config.syncInterval().toNanos();
  }

  private void step(Deque<Request> batch) {
    try {
      while (!batch.isEmpty()) {
        write(batch.element());
        unsynced.add(batch.remove());
      }
      flush();
      if (!unsynced.isEmpty() && (System.nanoTime() - syncAt() >= 0 || isClosing())) {
        sync();
      }
    } catch (IOException e) {
      fail(batch, e);
    }
  }

  private void write(Request request) throws IOException {
    int size = SegmentScanner.ENTRY_HEADER + request.length;
    Segment segment = active;
    if (segment == null || written - segment.base + size > config.segmentBytes()) {
      segment = roll();
    }
    int crc =
        SegmentScanner.checksum(
            requireNonNull(segment.salt), written, request.length, request.parts);
    if (staging.remaining() < SegmentScanner.ENTRY_HEADER) {
      flush();
    }
    staging.putInt(SegmentScanner.MARKER).putInt(request.length).putInt(crc);
    for (ByteBuffer part : request.parts) {
      ByteBuffer rest = part.duplicate();
      while (rest.hasRemaining()) {
        if (!staging.hasRemaining()) {
          flush();
        }
        int chunk = Math.min(rest.remaining(), staging.remaining());
        int limit = rest.limit();
        staging.put(rest.limit(rest.position() + chunk));
        rest.limit(limit);
      }
    }
    written += size;
  }

  private void flush() throws IOException {
    staging.flip();
    if (staging.hasRemaining()) {
      requireNonNull(file, "no file").append(staging);
    }
    staging.clear();
  }

  /** Ends the current file and begins another. */
  private Segment roll() throws IOException {
    if (active != null) {
      flush();
      sync();
      closeFile();
      active = null;
    }
    long base = written;
    long salt = SALTS.nextLong();
    String name = String.format(Locale.ROOT, "%016x.seg", base);
    Disk.File fresh = disk.open(name);
    file = fresh;
    // A file of that name can only be one that failed before its first entry.
    fresh.truncate(0);
    fresh.append(SegmentScanner.fileHeader(base, salt));
    fresh.sync();
    disk.sync();
    Segment segment = new Segment(name, base, salt, 0);
    active = segment;
    lock.lock();
    try {
      segments.put(base, segment);
    } finally {
      lock.unlock();
    }
    return segment;
  }

  private void sync() throws IOException {
    if (unsynced.isEmpty()) {
      return;
    }
    lastSync = System.nanoTime();
    requireNonNull(file, "no file").sync();
    lock.lock();
    try {
      requireNonNull(active, "no segment").length = written - active.base;
      bytes += written - synced;
      entries += unsynced.size();
      syncs++;
      synced = written;
    } finally {
      lock.unlock();
    }
    long position = written;
    for (Request request : unsynced) {
      position -= SegmentScanner.ENTRY_HEADER + request.length;
    }
    for (Request request : unsynced) {
      request.future.complete(position);
      position += SegmentScanner.ENTRY_HEADER + request.length;
    }
    unsynced.clear();
    syncedActions.forEach(Runnable::run);
  }

  /**
   * Nothing that is not synced may stay: neither on disk, where the next entry takes its place, nor
   * in the memory of those who wait. They are told before anything new is taken, so that order
   * holds.
   */
  private void fail(Deque<Request> batch, IOException reason) {
    List<Request> lost = new ArrayList<>(unsynced);
    lost.addAll(batch);
    unsynced.clear();
    staging.clear();
    lock.lock();
    try {
      failing = true;
      lost.addAll(queue);
      queue.clear();
      queuedBytes = 0;
      failures += lost.size();
      written = synced;
    } finally {
      lock.unlock();
    }
    abandon();
    boolean full = String.valueOf(reason.getMessage()).contains("No space left");
    DeliveryException failure =
        new DeliveryException(
            RETRY,
            full ? "disk-full" : "disk-failed",
            full
                ? "The disk is full: make room; what was not stored will come again."
                : "The disk failed: " + reason.getMessage(),
            reason);
    lost.forEach(request -> request.future.completeExceptionally(failure));
    lock.lock();
    try {
      failing = false;
    } finally {
      lock.unlock();
    }
  }

  /** Cuts the current file back to what is synced, and leaves it: the next entry begins another. */
  private void abandon() {
    Segment segment = active;
    Disk.File current = file;
    active = null;
    if (current == null) {
      return;
    }
    try {
      if (segment == null) {
        current.truncate(0); // it was just begun
      } else {
        current.truncate(SegmentScanner.FILE_HEADER + synced - segment.base);
        if (synced == segment.base) {
          lock.lock();
          try {
            segments.remove(segment.base); // the next file takes its name
          } finally {
            lock.unlock();
          }
        }
      }
    } catch (IOException e) {
      LOG.log(Level.WARNING, "What was not finished could not be cut off; readers skip it.", e);
    }
    closeFile();
  }

  private boolean isClosing() {
    lock.lock();
    try {
      return closing;
    } finally {
      lock.unlock();
    }
  }

  private void closeFile() {
    Disk.File current = file;
    file = null;
    if (current != null) {
      try {
        current.close();
      } catch (IOException e) {
        LOG.log(Level.WARNING, "A file of the log could not be closed.", e);
      }
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
    private @Nullable Segment segment;
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
          Segment here = segment;
          if (here == null) {
            here = enter();
            if (here == null) {
              return null;
            }
          }
          long end;
          boolean last;
          lock.lock();
          try {
            end = here.end();
            last = segments.higherKey(here.base) == null;
          } finally {
            lock.unlock();
          }
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
    private @Nullable Segment enter() throws IOException {
      Segment found;
      lock.lock();
      try {
        Map.Entry<Long, Segment> at = segments.floorEntry(position);
        if (at == null || at.getValue().end() <= position) {
          Map.Entry<Long, Segment> behind = segments.higherEntry(position);
          at = behind != null ? behind : at;
        }
        found = at == null ? null : at.getValue();
      } finally {
        lock.unlock();
      }
      if (found == null) {
        return null;
      }
      position = Math.max(position, found.base);
      Long salt = found.salt;
      if (salt != null) {
        Disk.File opened = disk.read(found.name);
        reading = opened;
        scanner = new SegmentScanner(opened, found.base, salt, config.maxEntryBytes());
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
