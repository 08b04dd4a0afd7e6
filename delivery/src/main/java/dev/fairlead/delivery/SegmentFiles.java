// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.delivery;

import static java.util.Objects.requireNonNull;

import java.io.IOException;
import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.nio.ByteBuffer;
import java.security.SecureRandom;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.NavigableMap;
import java.util.TreeMap;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * The files of a {@link SegmentLog}, at whose head their format stands: found and repaired,
 * written, synced, and deleted. One thread at a time writes; whoever reads may do so beside it.
 */
final class SegmentFiles {

  private static final Logger LOG = System.getLogger(SegmentFiles.class.getName());
  private static final Pattern NAME = Pattern.compile("([0-9a-f]{16})\\.seg");
  private static final int MAX_STAGING = 1 << 20;
  private static final SecureRandom SALTS = new SecureRandom();

  private final Disk disk;
  private final long segmentBytes;
  private final int maxEntryBytes;

  /** By the position of their first entry; guarded by itself, with what its values hold. */
  private final NavigableMap<Long, Segment> segments = new TreeMap<>();

  /** Guarded by the segments. */
  private long synced;

  // Only touched by whoever writes.
  private @Nullable ByteBuffer staging;
  private @Nullable Segment active;
  private Disk.@Nullable File file;
  private long written;
  private long tornBytes;
  private long damagedBytes;

  /** One file. */
  static final class Segment {

    final String name;
    final long base;

    /** Null where the header is damaged, so that nothing in it can be read. */
    final @Nullable Long salt;

    /** Bytes of entries that may be read. */
    private long length;

    private Segment(String name, long base, @Nullable Long salt, long length) {
      this.name = name;
      this.base = base;
      this.salt = salt;
      this.length = length;
    }

    private long end() {
      return base + length;
    }
  }

  SegmentFiles(Disk disk, long segmentBytes, int maxEntryBytes) {
    this.disk = disk;
    this.segmentBytes = segmentBytes;
    this.maxEntryBytes = maxEntryBytes;
  }

  // Finding and repairing.

  /** Finds what is there, and repairs its end. */
  void recover() throws IOException {
    for (String name : disk.list()) {
      Matcher matcher = NAME.matcher(name);
      if (matcher.matches()) {
        recover(name, Long.parseUnsignedLong(matcher.group(1), 16));
      }
    }
    synchronized (segments) {
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
        Long salt = good ? requireNonNull(header).salt() : null;
        synchronized (segments) {
          segments.put(base, new Segment(name, base, salt, length));
        }
        if (!good) {
          LOG.log(Level.ERROR, "The header of {0} is damaged: its entries are lost.", name);
        }
        return;
      }
    }
    disk.delete(name); // begun, and never written to
  }

  /** Cuts off what follows the last entry of which it is certain that all before it is there. */
  private void repair(Segment segment) throws IOException {
    Disk.File found = disk.open(segment.name);
    boolean kept = false;
    try {
      SegmentScanner scanner =
          new SegmentScanner(found, segment.base, requireNonNull(segment.salt), maxEntryBytes);
      long end = segment.base;
      long at = end;
      boolean certain = true;
      for (SegmentLog.Entry entry = scanner.next(at, segment.end());
          entry != null;
          entry = scanner.next(at, segment.end())) {
        // Damage before an entry that began a group was synced once. Any other may be a hole that a
        // power cut left in what nobody was promised, and what lies behind it is not wanted.
        certain = scanner.beginsGroup() || (certain && entry.position() == at);
        at = entry.next();
        if (certain) {
          end = at;
          damagedBytes = scanner.damagedBytes();
        }
      }
      tornBytes = segment.end() - end;
      if (damagedBytes > 0) {
        LOG.log(
            Level.ERROR, "{0} bytes of {1} are damaged and skipped.", damagedBytes, segment.name);
      }
      if (tornBytes > 0) {
        LOG.log(
            Level.WARNING,
            "The last {0} bytes of {1} were never finished and are cut off.",
            tornBytes,
            segment.name);
        found.truncate(SegmentScanner.FILE_HEADER + end - segment.base);
        segment.length = end - segment.base;
      }
      // What a killed process had written is here, and yet it may never have been synced.
      found.sync();
      disk.sync();
      active = segment;
      file = found;
      kept = true;
    } finally {
      if (!kept) {
        found.close();
      }
    }
  }

  /** Bytes cut off at the end when the files were found. */
  long tornBytes() {
    return tornBytes;
  }

  /** Bytes stepped over in the last file when the files were found. */
  long damagedBytes() {
    return damagedBytes;
  }

  // Writing.

  /**
   * Writes an entry, which is on its way then, and not yet there.
   *
   * @return its position
   */
  long write(int length, List<ByteBuffer> parts) throws IOException {
    int size = SegmentScanner.ENTRY_HEADER + length;
    Segment segment = active;
    if (segment == null || written - segment.base + size > segmentBytes) {
      segment = roll();
    }
    long position = written;
    int marker = position == synced() ? SegmentScanner.MARKER_GROUP : SegmentScanner.MARKER_FOLLOWS;
    int crc = SegmentScanner.checksum(requireNonNull(segment.salt), position, length, parts);
    ByteBuffer out = staging();
    if (out.remaining() < SegmentScanner.ENTRY_HEADER) {
      flush();
    }
    out.putInt(marker).putInt(length).putInt(crc);
    for (ByteBuffer part : parts) {
      ByteBuffer rest = part.duplicate();
      while (rest.hasRemaining()) {
        if (!out.hasRemaining()) {
          flush();
        }
        int chunk = Math.min(rest.remaining(), out.remaining());
        int limit = rest.limit();
        out.put(rest.limit(rest.position() + chunk));
        rest.limit(limit);
      }
    }
    written += size;
    return position;
  }

  private ByteBuffer staging() {
    ByteBuffer out = staging;
    if (out == null) {
      int size = (int) Math.min(MAX_STAGING, segmentBytes);
      out = size < MAX_STAGING ? ByteBuffer.allocate(size) : ByteBuffer.allocateDirect(size);
      staging = out;
    }
    return out;
  }

  /** Hands what is on its way to the system. */
  void flush() throws IOException {
    ByteBuffer out = staging();
    out.flip();
    try {
      if (out.hasRemaining()) {
        requireNonNull(file, "no file").append(out);
      }
    } finally {
      out.clear();
    }
  }

  /** Brings all that was written to the disk; what comes before {@link #synced()} may be read. */
  void sync() throws IOException {
    Mark mark = mark();
    if (mark != null) {
      mark.file.sync();
      synced(mark);
    }
  }

  /**
   * What a sync that begins now will bring to the disk.
   *
   * @param file that is to be synced
   * @param written position behind the last entry in it
   */
  record Mark(Disk.File file, long written) {}

  /** Hands what is on its way to the system; null where all of it was synced before. */
  @Nullable Mark mark() throws IOException {
    flush();
    return written == synced() ? null : new Mark(requireNonNull(file, "no file"), written);
  }

  /** Whether the file is still the one that is written: else it was synced, or given up. */
  boolean isCurrent(Mark mark) {
    return file == mark.file;
  }

  /** A file that is current has been synced since the mark was made. */
  void synced(Mark mark) {
    synchronized (segments) {
      requireNonNull(active, "no segment").length = mark.written - active.base;
      synced = mark.written;
    }
  }

  /** Bytes of entries that are not synced. */
  long unsynced() {
    return written - synced();
  }

  /** Ends the current file and begins another. */
  private Segment roll() throws IOException {
    if (active != null) {
      sync();
      close();
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
    synchronized (segments) {
      segments.put(base, segment);
    }
    return segment;
  }

  /**
   * After a failure: cuts the current file back to what is synced, and leaves it. The next entry
   * begins another.
   */
  void fallBack() {
    Segment segment = active;
    Disk.File current = file;
    long whole = synced();
    written = whole;
    active = null;
    if (staging != null) {
      staging.clear();
    }
    if (current == null) {
      return;
    }
    try {
      if (segment == null) {
        current.truncate(0); // it was just begun
      } else {
        current.truncate(SegmentScanner.FILE_HEADER + whole - segment.base);
        if (whole == segment.base) {
          synchronized (segments) {
            segments.remove(segment.base); // the next file takes its name
          }
        }
      }
    } catch (IOException e) {
      LOG.log(Level.WARNING, "What was not finished could not be cut off; readers skip it.", e);
    }
    close();
  }

  /** Lets go of the file that is written. */
  void close() {
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

  // For everybody.

  /** Position of the oldest entry. */
  long begin() {
    synchronized (segments) {
      return segments.isEmpty() ? synced : segments.firstKey();
    }
  }

  /** Position behind the last entry that is synced. */
  long synced() {
    synchronized (segments) {
      return synced;
    }
  }

  /** Bytes of all files. */
  long size() {
    synchronized (segments) {
      long size = 0;
      for (Segment segment : segments.values()) {
        size += SegmentScanner.FILE_HEADER + segment.length;
      }
      return size;
    }
  }

  /** Where what may be read of a segment ends. */
  long end(Segment segment) {
    synchronized (segments) {
      return segment.end();
    }
  }

  /** Whether there is no newer segment. */
  boolean isLast(Segment segment) {
    synchronized (segments) {
      return segments.higherKey(segment.base) == null;
    }
  }

  /** The segment that holds a position, else the first behind it, else the last; null for none. */
  @Nullable Segment find(long position) {
    synchronized (segments) {
      Map.Entry<Long, Segment> at = segments.floorEntry(position);
      if (at == null || at.getValue().end() <= position) {
        Map.Entry<Long, Segment> behind = segments.higherEntry(position);
        at = behind != null ? behind : at;
      }
      return at == null ? null : at.getValue();
    }
  }

  /** Opens a segment whose header is good for reading. */
  SegmentScanner scan(Segment segment, Disk.File opened) {
    return new SegmentScanner(
        opened, segment.base, requireNonNull(segment.salt, "damaged"), maxEntryBytes);
  }

  Disk.File open(Segment segment) throws IOException {
    return disk.read(segment.name);
  }

  /** Whether the oldest file has no entry behind a position, and is not the newest. */
  boolean canDelete(long to) {
    synchronized (segments) {
      return segments.size() > 1 && segments.firstEntry().getValue().end() <= to;
    }
  }

  /** Deletes the files all of whose entries lie in a range, except the newest. */
  void delete(long from, long to) throws IOException {
    List<Segment> old = new ArrayList<>();
    synchronized (segments) {
      for (Segment segment : segments.tailMap(from, true).values()) {
        if (segment.end() > to || segment == segments.lastEntry().getValue()) {
          break;
        }
        old.add(segment);
      }
      old.forEach(segment -> segments.remove(segment.base));
    }
    for (Segment segment : old) {
      disk.delete(segment.name);
    }
  }
}
