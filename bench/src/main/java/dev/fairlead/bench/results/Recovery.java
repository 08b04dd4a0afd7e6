// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.bench.results;

import org.jspecify.annotations.Nullable;

/**
 * How long it took after a fault, in milliseconds; null where the scenario does not have it.
 *
 * @param detectMs from the fault until the agent's side noticed it
 * @param reconnectMs from the end of the fault (the broker is back) until it was connected
 * @param firstRecordMs from the end of the fault until the next record was stored
 * @param drainedMs from the end of the fault until the backlog was stored
 */
public record Recovery(
    @Nullable Double detectMs,
    @Nullable Double reconnectMs,
    @Nullable Double firstRecordMs,
    @Nullable Double drainedMs) {

  /** Nothing was measured. */
  public static final Recovery NONE = new Recovery(null, null, null, null);
}
