// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.bench.results;

import org.jspecify.annotations.Nullable;

/**
 * A change of the transport while records flow; null where the scenario has none.
 *
 * @param switchedMs from the order until it is carried out, milliseconds: the new one is connected
 *     and used
 * @param pauseP99Micros of all records handed over from the order until the old one has drained, 99
 *     of 100 took the producer at most this, microseconds
 * @param pauseMaxMicros the one that took longest
 * @param backlog the most records that were handed over and not yet stored at a time
 */
public record Change(
    @Nullable Double switchedMs,
    @Nullable Double pauseP99Micros,
    @Nullable Double pauseMaxMicros,
    @Nullable Double backlog) {

  /** Nothing was changed. */
  public static final Change NONE = new Change(null, null, null, null);
}
