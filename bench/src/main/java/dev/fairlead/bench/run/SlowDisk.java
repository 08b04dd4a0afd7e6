// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.bench.run;

import dev.fairlead.delivery.Disk;
import java.util.concurrent.locks.LockSupport;

/** A disk that takes no more than so much in a second: the consumer behind it is slow. */
final class SlowDisk {

  private SlowDisk() {}

  /**
   * Makes one.
   *
   * @param bytesPerSecond more than 0
   */
  static Disk of(Disk disk, long bytesPerSecond) {
    return new AppendingDisk(
        disk,
        (to, bytes) -> {
          long until = System.nanoTime() + (long) (bytes.remaining() * 1e9 / bytesPerSecond);
          to.append(bytes);
          for (long left = until - System.nanoTime(); left > 0; left = until - System.nanoTime()) {
            LockSupport.parkNanos(left);
          }
        });
  }
}
