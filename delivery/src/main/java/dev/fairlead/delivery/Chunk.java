// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.delivery;

import java.nio.ByteBuffer;
import org.jspecify.annotations.Nullable;

/**
 * A batch as the outbox holds it: sealed, and never cut differently once it was sent. What changes
 * is guarded by its stream's lock.
 */
final class Chunk {

  final long first;
  final byte[] bytes;
  final int length;
  final @Nullable String gap;

  /** Grows while it is a gap that was not sent yet, else fixed. */
  long count;

  long sentAt;
  int sends;
  boolean resend;
  boolean taken;

  private Chunk(long first, long count, byte[] bytes, int length, @Nullable String gap) {
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
    return new Chunk(first, count, new byte[0], 0, reason);
  }

  long last() {
    return first + count - 1;
  }

  /** The memory that its records take: each with the newline that joins it to the next. */
  long weight() {
    return gap == null ? length + 1L : 0;
  }

  /** How many records it holds; a gap holds none. */
  long records() {
    return gap == null ? count : 0;
  }

  ByteBuffer payload() {
    return ByteBuffer.wrap(bytes, 0, length);
  }
}
