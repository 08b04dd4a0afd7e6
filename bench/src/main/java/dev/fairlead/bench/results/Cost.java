// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.bench.results;

import static java.util.Objects.requireNonNull;

import org.jspecify.annotations.Nullable;

/**
 * What it took, warm-up aside.
 *
 * @param cpuSecondsPerMillion CPU seconds (user and system) for each million records stored
 * @param peakMemoryBytes the most physical memory that each process had, warm-up included
 * @param allocatedBytesPerRecord bytes of the heap that were allocated for each record
 */
public record Cost(
    Split cpuSecondsPerMillion, Split peakMemoryBytes, Split allocatedBytesPerRecord) {

  /** Nothing was measured. */
  public static final Cost NONE = new Cost(Split.NONE, Split.NONE, Split.NONE);

  /** Checks for null. */
  public Cost {
    requireNonNull(cpuSecondsPerMillion, "cpuSecondsPerMillion is null");
    requireNonNull(peakMemoryBytes, "peakMemoryBytes is null");
    requireNonNull(allocatedBytesPerRecord, "allocatedBytesPerRecord is null");
  }

  /**
   * A figure by process; null where there is no such process, or it was not measured. Where a
   * baseline sends and receives in one process, that is its {@code agent}.
   *
   * @param agent who sends
   * @param broker the broker or hub
   * @param collector who receives and stores
   */
  public record Split(@Nullable Double agent, @Nullable Double broker, @Nullable Double collector) {

    /** Nothing was measured. */
    public static final Split NONE = new Split(null, null, null);

    /** The sum of what was measured, null where nothing was. */
    public @Nullable Double total() {
      if (agent == null && broker == null && collector == null) {
        return null;
      }
      return orZero(agent) + orZero(broker) + orZero(collector);
    }

    private static double orZero(@Nullable Double value) {
      return value == null ? 0 : value;
    }
  }
}
