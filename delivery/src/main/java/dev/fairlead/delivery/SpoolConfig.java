// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.delivery;

import static dev.fairlead.transport.api.TransportException.Category.REFUSED;
import static java.util.Objects.requireNonNull;

import java.nio.file.Path;
import java.time.Duration;

/**
 * Where a stream keeps its records until they are delivered, so that they outlive its process.
 *
 * @param disk a folder for this stream alone
 * @param maxBytes the most bytes of its files, 64 KiB to 1 TiB; at least two thirds of them are for
 *     records
 * @param syncInterval the least time between two syncs, 0 to 1 s: what is appended meanwhile is
 *     synced as one group
 */
public record SpoolConfig(Disk disk, long maxBytes, Duration syncInterval) {

  /** Checks the ranges. */
  public SpoolConfig {
    requireNonNull(disk, "disk is null");
    if (maxBytes < 64 * 1024
        || maxBytes > 1L << 40
        || syncInterval.isNegative()
        || syncInterval.compareTo(Duration.ofSeconds(1)) > 0) {
      throw new DeliveryException(
          REFUSED, "bad-setting", "A spool has 64 KiB to 1 TiB, and a sync every 0 to 1 s.");
    }
  }

  /** A folder, made where there is none; a sync every 5 ms. */
  public static SpoolConfig of(Path folder, long maxBytes) {
    return new SpoolConfig(Disk.of(folder), maxBytes, Duration.ofMillis(5));
  }

  /** The same with another interval. */
  public SpoolConfig withSyncInterval(Duration interval) {
    return new SpoolConfig(disk, maxBytes, interval);
  }

  /** The size of one file: small enough that space comes free in time. */
  long segmentBytes() {
    return Math.max(4 * 1024, Math.min(64L << 20, maxBytes / 16));
  }

  /** The bytes of records, and of what each costs beside, from which on the spool is full. */
  long fullAt() {
    return maxBytes - 4 * segmentBytes();
  }
}
