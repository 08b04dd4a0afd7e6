// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.agent.run;

import java.time.Duration;

/**
 * What one run may use.
 *
 * @param time from start to end, 1 s to 30 days
 * @param memoryBytes of all its processes together, at least 1 MiB; its disk counts too
 * @param processes at once, at least 2
 * @param diskBytes of its working directory, at least 1 MiB; includes algorithm and datasets
 * @param outputBytes that it may print on stdout and stderr together
 * @param resultBytes of the packed result
 */
public record RunLimits(
    Duration time,
    long memoryBytes,
    int processes,
    long diskBytes,
    long outputBytes,
    long resultBytes) {

  private static final long MIB = 1 << 20;

  /** Checks the ranges. */
  public RunLimits {
    if (time.compareTo(Duration.ofSeconds(1)) < 0
        || time.compareTo(Duration.ofDays(30)) > 0
        || memoryBytes < MIB
        || processes < 2
        || diskBytes < MIB
        || outputBytes < 1
        || resultBytes < 1) {
      throw new IllegalArgumentException("A limit of a run is out of its range.");
    }
  }

  /** The same limits but for the time. */
  public RunLimits withTime(Duration other) {
    return new RunLimits(other, memoryBytes, processes, diskBytes, outputBytes, resultBytes);
  }
}
