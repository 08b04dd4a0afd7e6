// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.computations.parity;

import java.time.Duration;

/**
 * How much is kept and how long is waited.
 *
 * @param windowRecords numbers in a window, 1 to 65 536
 * @param openWindows windows of one stream, and of one computation, that may be open, from 2;
 *     beyond them the oldest is judged as it is
 * @param allWindows windows of all streams that may be open, at least as many; each takes 16 bytes
 *     for each of its numbers
 * @param streams numberings that are compared at a time, from 1
 * @param ofOne numberings of one computation that are compared, from 1: one that begins more is not
 *     decided upon, and takes no room from the others
 * @param deadline after which what came over one transport alone is missing on the other
 * @param named findings that are told one by one, from 1; more are counted
 */
public record ParityLimits(
    int windowRecords,
    int openWindows,
    int allWindows,
    int streams,
    int ofOne,
    Duration deadline,
    int named) {

  /**
   * 1024 numbers, 256 windows a computation, 2048 in all (32 MiB), 16 of 4096 numberings, 10 s,
   * 1000 findings.
   */
  public static final ParityLimits DEFAULT =
      new ParityLimits(1024, 256, 2048, 4096, 16, Duration.ofSeconds(10), 1000);

  /** Checks the ranges. */
  public ParityLimits {
    if (windowRecords < 1
        || windowRecords > 65_536
        || openWindows < 2
        || allWindows < openWindows
        || streams < 1
        || ofOne < 1
        || named < 1
        || deadline.isNegative()
        || deadline.isZero()) {
      throw new IllegalArgumentException("Windows, streams, findings and deadline are positive.");
    }
  }

  /** The same with another deadline. */
  public ParityLimits withDeadline(Duration other) {
    return new ParityLimits(windowRecords, openWindows, allWindows, streams, ofOne, other, named);
  }
}
