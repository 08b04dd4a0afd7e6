// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.delivery;

import dev.fairlead.transport.api.Message;
import java.nio.ByteBuffer;
import java.util.Optional;

/**
 * A batch as it came, for those who only look: its checksum was not checked, and it may have come
 * before.
 *
 * @param stream whose records they are
 * @param first number of the first
 * @param count how many there are, from 1
 * @param payload the records, joined by newlines, between position and limit, which nobody moves;
 *     empty for a gap
 * @param gap whether it stands for records that will never come this way
 * @param turn tells each sending from every other, a repeated one too; 0 where it is not told
 * @param copiedFrom 0 where it is the original; else this came beside it, to be compared, and this
 *     is the number of the first record that was to be copied
 */
public record ArrivedBatch(
    StreamId stream,
    long first,
    long count,
    ByteBuffer payload,
    boolean gap,
    long turn,
    long copiedFrom) {

  /** Whether a message is a batch that came beside the original. */
  public static boolean isCopy(Message message) {
    return Headers.isCopy(message);
  }

  /** Reads one; empty where it is none, or its numbers contradict one another. */
  public static Optional<ArrivedBatch> read(Message message) {
    try {
      Headers.Range range = Headers.range(message);
      ByteBuffer payload = message.payload();
      boolean fits =
          range.last() <= Headers.MAX_NUMBER
              && (range.gap()
                  ? !payload.hasRemaining()
                  : Lines.count(payload) + 1L == range.count());
      return fits
          ? Optional.of(
              new ArrivedBatch(
                  new StreamId(message.address(), range.epoch()),
                  range.first(),
                  range.count(),
                  payload,
                  range.gap(),
                  range.turn(),
                  Headers.copiedFrom(message)))
          : Optional.empty();
    } catch (DeliveryException e) {
      return Optional.empty(); // the inbox refuses it, and counts that
    }
  }
}
