// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.delivery;

import static dev.fairlead.transport.api.TransportException.Category.REFUSED;
import static dev.fairlead.transport.api.TransportException.Category.RETRY;
import static java.util.Objects.requireNonNull;

import java.io.IOException;
import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CompletionStage;
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

  private final SegmentFiles files;
  private final SegmentWriter writer;

  /** Closed with the log. */
  private final List<Runner> runners;

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

  private SegmentLog(SegmentFiles files, SegmentWriter writer, List<Runner> runners) {
    this.files = files;
    this.writer = writer;
    this.runners = runners;
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
      if (runner != null) {
        return new SegmentLog(
            files, new SegmentWriter(files, config, claim, runner, syncer), List.of());
      }
      Runner log = Runner.start("fairlead-log-" + config.holder());
      Runner sync = Runner.start("fairlead-sync-" + config.holder());
      return new SegmentLog(
          files, new SegmentWriter(files, config, claim, log, sync), List.of(log, sync));
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
    return writer.append(parts);
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
    return writer.onSynced(action);
  }

  /** What happened so far. */
  public Facts facts() {
    return writer.facts();
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
    boolean interrupted = Thread.interrupted(); // what was promised is kept first
    writer.close();
    runners.forEach(Runner::close);
    if (interrupted) {
      Thread.currentThread().interrupt();
    }
  }

  /** Lets go of the claim to be the only one who writes; nothing happens where there is none. */
  static void letGo(@Nullable AutoCloseable claim) {
    if (claim != null) {
      try {
        claim.close();
      } catch (Exception e) {
        LOG.log(Level.WARNING, "The lock of the log could not be let go.", e);
      }
    }
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
