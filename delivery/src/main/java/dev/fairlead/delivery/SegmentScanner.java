// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.delivery;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.List;
import java.util.zip.CRC32C;
import org.jspecify.annotations.Nullable;

/**
 * Reads the entries of one segment, in order, and steps over what is damaged. The format stands at
 * the head of {@link SegmentLog}. Not safe for use by several threads.
 */
final class SegmentScanner {

  static final int FILE_HEADER = 32;
  static final int ENTRY_HEADER = 12;
  static final long MAGIC = 0x464c_5345_474c_4f47L; // FLSEGLOG
  static final int VERSION = 1;

  /** Before an entry when all before it was synced; the other before one of the same group. */
  static final int MARKER_GROUP = 0x8f4c_e19d;

  static final int MARKER_FOLLOWS = 0x8f4c_e19e;

  private static final int WINDOW = 256 * 1024;

  private final Disk.File file;
  private final long base;
  private final long salt;
  private final int maxEntry;

  private ByteBuffer window;
  private long windowAt;
  private long damagedBytes;
  private boolean beginsGroup;

  /**
   * Makes one.
   *
   * @param base position of the segment's first entry
   * @param salt of the segment
   */
  SegmentScanner(Disk.File file, long base, long salt, int maxEntry) {
    this.file = file;
    this.base = base;
    this.salt = salt;
    this.maxEntry = maxEntry;
    this.window = ByteBuffer.allocate(0);
  }

  /** What a segment's header says. */
  record FileHeader(long base, long salt) {}

  static ByteBuffer fileHeader(long base, long salt) {
    ByteBuffer header = ByteBuffer.allocate(FILE_HEADER);
    header.putLong(MAGIC).putInt(VERSION).putLong(base).putLong(salt);
    return header.putInt(Headers.crc(header.array(), header.position())).flip();
  }

  /** The header, or null where it is damaged, cut off, or of another version. */
  static @Nullable FileHeader readFileHeader(Disk.File file) throws IOException {
    ByteBuffer header = ByteBuffer.allocate(FILE_HEADER);
    int read = 0;
    while (header.hasRemaining() && read >= 0) {
      read = file.read(header, header.position());
    }
    if (header.hasRemaining()) {
      return null;
    }
    header.flip();
    boolean known = header.getLong() == MAGIC && header.getInt() == VERSION;
    FileHeader found = new FileHeader(header.getLong(), header.getLong());
    int crc = Headers.crc(header.array(), header.position());
    return known && header.getInt() == crc && found.base >= 0 ? found : null;
  }

  /**
   * The checksum of an entry. The salt and the position go in, so that bytes which a sender chose,
   * or which an earlier file left behind, cannot pass for an entry.
   */
  static int checksum(long salt, long position, int length, List<ByteBuffer> parts) {
    ByteBuffer prefix = ByteBuffer.allocate(20);
    prefix.putLong(salt).putLong(position).putInt(length).flip();
    CRC32C crc = new CRC32C();
    crc.update(prefix);
    for (ByteBuffer part : parts) {
      crc.update(part.duplicate());
    }
    return (int) crc.getValue();
  }

  /**
   * The first entry at or behind a position that ends before another; null where there is none.
   * Damage before it is counted.
   */
  SegmentLog.@Nullable Entry next(long from, long end) throws IOException {
    SegmentLog.Entry entry = entryAt(from, end);
    if (entry != null || from >= end) {
      return entry;
    }
    long at = from;
    while (at < end) {
      at = nextMarker(at + 1, end);
      if (at < end) {
        entry = entryAt(at, end);
        if (entry != null) {
          break;
        }
      }
    }
    damagedBytes += Math.min(at, end) - from;
    return entry;
  }

  /** Bytes that were stepped over. */
  long damagedBytes() {
    return damagedBytes;
  }

  /** Whether all before the last entry that was found had been synced when that was written. */
  boolean beginsGroup() {
    return beginsGroup;
  }

  private SegmentLog.@Nullable Entry entryAt(long at, long end) throws IOException {
    if (end - at < ENTRY_HEADER || !load(at, ENTRY_HEADER, end)) {
      return null;
    }
    int offset = (int) (at - windowAt);
    int marker = window.getInt(offset);
    if (!isMarker(marker)) {
      return null;
    }
    int length = window.getInt(offset + 4);
    int crc = window.getInt(offset + 8);
    if (length < 0 || length > maxEntry || end - at < ENTRY_HEADER + (long) length) {
      return null;
    }
    if (!load(at, ENTRY_HEADER + length, end)) {
      return null;
    }
    ByteBuffer payload = ByteBuffer.allocate(length);
    window.get((int) (at - windowAt) + ENTRY_HEADER, payload.array());
    if (checksum(salt, at, length, List.of(payload)) != crc) {
      return null;
    }
    beginsGroup = marker == MARKER_GROUP;
    return new SegmentLog.Entry(at, at + ENTRY_HEADER + length, payload);
  }

  private long nextMarker(long from, long end) throws IOException {
    for (long at = from; at + ENTRY_HEADER <= end; at++) {
      if (!load(at, ENTRY_HEADER, end)) {
        return end;
      }
      if (isMarker(window.getInt((int) (at - windowAt)))) {
        return at;
      }
    }
    return end;
  }

  private static boolean isMarker(int found) {
    return found == MARKER_GROUP || found == MARKER_FOLLOWS;
  }

  /**
   * Makes sure that so many bytes from a position are in the window; false at the file's end. What
   * lies behind the end that was asked for may still change, and is never kept.
   */
  private boolean load(long at, int length, long end) throws IOException {
    if (at >= windowAt && at + length <= windowAt + window.limit()) {
      return true;
    }
    if (window.capacity() < length || window.capacity() < Math.min(WINDOW, end - at)) {
      long useful = Math.max(end - at, 2L * window.capacity());
      window = ByteBuffer.allocate(Math.max(length, (int) Math.min(WINDOW, useful)));
    }
    window.clear().limit((int) Math.min(window.capacity(), end - at));
    windowAt = at;
    int read = 0;
    while (window.position() < length && read >= 0) {
      read = file.read(window, FILE_HEADER + at - base + window.position());
    }
    window.flip();
    return window.limit() >= length;
  }
}
