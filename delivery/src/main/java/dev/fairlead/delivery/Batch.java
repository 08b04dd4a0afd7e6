// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.delivery;

import static java.util.Objects.requireNonNull;

import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * A contiguous range of a stream, to be stored as one.
 *
 * @param stream whose records they are
 * @param first number of the first
 * @param count how many there are, from 1
 * @param payload the records, joined by newlines, between position and limit, which nobody moves;
 *     empty for a gap
 * @param gap null for records; for a gap the reason why they will never come: {@code drop-old},
 *     {@code not-kept}…
 */
public record Batch(
    StreamId stream, long first, long count, ByteBuffer payload, @Nullable String gap) {

  /** Checks the range. */
  public Batch {
    requireNonNull(stream, "stream is null");
    requireNonNull(payload, "payload is null");
    if (first < 1 || count < 1 || first + count - 1 > Headers.MAX_NUMBER) {
      throw new IllegalArgumentException("No such range: %d, %d records".formatted(first, count));
    }
  }

  /** A gap: numbers that were given and whose records will never come. */
  public static Batch gap(StreamId stream, long first, long count, String reason) {
    return new Batch(stream, first, count, ByteBuffer.allocate(0), reason);
  }

  /** Number of the last record. */
  public long last() {
    return first + count - 1;
  }

  /** Whether it stands for records that will never come. */
  public boolean isGap() {
    return gap != null;
  }

  /** Copies of the records; none for a gap. */
  public List<byte[]> records() {
    List<byte[]> records = new ArrayList<>();
    if (gap == null) {
      int from = payload.position();
      for (int i = from; i <= payload.limit(); i++) {
        if (i == payload.limit() || payload.get(i) == '\n') {
          byte[] record = new byte[i - from];
          payload.get(from, record);
          records.add(record);
          from = i + 1;
        }
      }
    }
    return records;
  }

  /** What is left when all before a number of this range is cut off. */
  Batch from(long number) {
    long cut = number - first;
    if (gap != null) {
      return new Batch(stream, number, count - cut, payload, gap);
    }
    ByteBuffer rest = payload.duplicate();
    rest.position(Lines.behind(payload, cut));
    return new Batch(stream, number, count - cut, rest, null);
  }

  /** The same, which holds on to its own bytes alone. */
  Batch copy() {
    byte[] bytes = new byte[payload.remaining()];
    payload.get(payload.position(), bytes);
    return new Batch(stream, first, count, ByteBuffer.wrap(bytes), gap);
  }
}
