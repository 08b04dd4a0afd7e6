// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.computations.parity;

import static java.util.Objects.requireNonNull;

import java.nio.ByteBuffer;

/**
 * A batch as it came, before anybody asks whether it came before.
 *
 * @param stream whose records they are
 * @param transport over which it came
 * @param line which of the connections that were opened over it, as {@link
 *     dev.fairlead.delivery.Arrivals} tells them: two that follow one another may both bring it
 * @param first number of the first record, from 1
 * @param count how many there are, from 1
 * @param payload the records, joined by newlines, between position and limit, which nobody moves
 * @param gap whether it stands for records that will never come this way; the payload is empty
 * @param turn tells each sending of the sender's from every other, a repeated one too; 0 where it
 *     is not told
 * @param copiedFrom 0 for the original; for a copy the number of the first record that was to be
 *     copied
 */
public record Arrival(
    StreamKey stream,
    String transport,
    long line,
    long first,
    long count,
    ByteBuffer payload,
    boolean gap,
    long turn,
    long copiedFrom) {

  /** Checks the range. */
  public Arrival {
    requireNonNull(stream, "stream is null");
    requireNonNull(transport, "transport is null");
    requireNonNull(payload, "payload is null");
    if (first < 1 || count < 1 || first > Long.MAX_VALUE - count || turn < 0 || copiedFrom < 0) {
      throw new IllegalArgumentException("No such range: %d, %d records".formatted(first, count));
    }
  }

  /** Whether it came beside the original, to be compared and no more. */
  public boolean isCopy() {
    return copiedFrom > 0;
  }

  /** Number of the last record. */
  public long last() {
    return first + count - 1;
  }
}
