// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.delivery;

import java.util.Map;

/**
 * The books of one stream at one instant. They balance: {@code appended = delivered + queued +
 * dropped}, over all reasons. With a spool they go on where an earlier process ended; what was
 * dropped and gone before that has the reason {@code earlier}.
 *
 * @param appended records that got a number
 * @param delivered records that reached the level at which the stream forgets them
 * @param queued records that the stream still holds
 * @param unacked those of them that were sent
 * @param dropped records given up, by reason; one that an earlier process had sent may be stored
 * @param queuedBytes memory that the queued ones take, without the outbox's own overhead
 * @param spooledBytes bytes of the spool's files; 0 without one
 * @param resent batches sent again
 * @param refused batches that the peer refused to take
 * @param badAcks acknowledgements that made no sense, and were ignored
 */
public record Books(
    long appended,
    long delivered,
    long queued,
    long unacked,
    Map<String, Long> dropped,
    long queuedBytes,
    long spooledBytes,
    long resent,
    long refused,
    long badAcks) {

  /** Keeps its own copy. */
  public Books {
    dropped = Map.copyOf(dropped);
  }

  /** Records given up, for whatever reason. */
  public long droppedTotal() {
    return dropped.values().stream().mapToLong(Long::longValue).sum();
  }

  /** Whether nothing is missing and nothing is there twice. */
  public boolean balanced() {
    return appended == delivered + queued + droppedTotal();
  }
}
