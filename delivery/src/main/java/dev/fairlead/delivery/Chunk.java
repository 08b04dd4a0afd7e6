// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.delivery;

import static java.util.Objects.requireNonNull;

import java.nio.ByteBuffer;
import org.jspecify.annotations.Nullable;

/**
 * A batch as the outbox holds it: sealed, and never cut differently once it was sent. What changes
 * is guarded by its stream's lock.
 */
final class Chunk {

  /** Where it is with regard to the spool, where there is one. */
  enum Disk {
    /** It is not there, or not as it is now. */
    NEW,
    /** It is being written. */
    WRITING,
    /** It is there, and synced. */
    KEPT
  }

  private static final byte[] NOTHING = new byte[0];

  final long first;

  /** Null for records; for a gap its reason. */
  private @Nullable String gap;

  /** Null while it lies in the spool alone. */
  private byte @Nullable [] bytes;

  private int length;

  /** Grows while it was not sent yet. */
  private long count;

  // Sending.
  long sentAt;

  /** Which of all the stream's sendings its last one was. */
  long turn;

  int sends;
  boolean resend;
  boolean taken;

  // Spooling.
  Disk disk = Disk.NEW;

  boolean loading;

  /** It is part of another, or was forgotten before it was sent. */
  boolean gone;

  /** Where its entries lie in the spool: from the first one on, up to the last one's end. */
  long from = Long.MAX_VALUE;

  long to;
  int entries;

  /** Of a gap: how many of its numbers are written. */
  long keptCount;

  /** Of a gap: where the records lie that it has dropped. */
  long freeFrom = Long.MAX_VALUE;

  long freeTo;

  private Chunk(long first, long count, byte @Nullable [] bytes, int length, @Nullable String gap) {
    this.first = first;
    this.count = count;
    this.bytes = bytes;
    this.length = length;
    this.gap = gap;
  }

  static Chunk of(long first, long count, byte[] bytes, int length) {
    return new Chunk(first, count, bytes, length, null);
  }

  static Chunk gap(long first, long count, String reason) {
    return new Chunk(first, count, NOTHING, 0, reason);
  }

  /** Records that lie in the spool. */
  static Chunk spooled(long first, long count, int length, long from, long to) {
    Chunk chunk = new Chunk(first, count, null, length, null);
    chunk.lies(from, to);
    return chunk;
  }

  /** Its entry is there. */
  void lies(long at, long end) {
    disk = Disk.KEPT;
    from = at;
    to = end;
    entries = 1;
    keptCount = count;
  }

  long count() {
    return count;
  }

  long last() {
    return first + count - 1;
  }

  @Nullable String gap() {
    return gap;
  }

  boolean isGap() {
    return gap != null;
  }

  int length() {
    return length;
  }

  /** The bytes of its records: each with the newline that joins it to the next. */
  long weight() {
    return gap == null ? length + 1L : 0;
  }

  /** The memory that its records take. */
  long memory() {
    return bytes == null ? 0 : weight();
  }

  /** The bytes that it takes, or will take, in the spool. */
  long space() {
    return length + (long) Math.max(1, entries) * Spool.OVERHEAD;
  }

  /** How many records it holds; a gap holds none. */
  long records() {
    return gap == null ? count : 0;
  }

  boolean inMemory() {
    return bytes != null;
  }

  ByteBuffer payload() {
    return ByteBuffer.wrap(requireNonNull(bytes, "not in memory"), 0, length);
  }

  int crc() {
    return gap == null ? Headers.crc(requireNonNull(bytes, "not in memory"), length) : 0;
  }

  /** A gap takes in the numbers behind it. */
  void grow(long more) {
    count += more;
  }

  /** Forgets the bytes, which the spool has. */
  void evict() {
    bytes = null;
  }

  /** The bytes are here again. */
  void load(byte[] found) {
    bytes = found;
  }

  /** Takes in the one behind it; both lie in the spool alone. */
  void merge(Chunk next) {
    count += next.count;
    length += 1 + next.length;
    to = next.to;
    entries += next.entries;
    next.gone = true;
  }

  /** Its records are lost, and it has yet to be written so. */
  void drop(String reason) {
    gap = reason;
    bytes = NOTHING;
    length = 0;
    entries = 1;
    disk = Disk.NEW;
  }

  /** Once this gap is in the spool, so many of its bytes are free. */
  void makesFree(long start, long end) {
    if (start < end) {
      freeFrom = Math.min(freeFrom, start);
      freeTo = Math.max(freeTo, end);
    }
  }
}
