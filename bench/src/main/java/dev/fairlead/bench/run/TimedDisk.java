// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.bench.run;

import dev.fairlead.delivery.Disk;

/**
 * A disk that takes down, for each record that has a time, how long after it was meant to be sent
 * it had been written: handed to the system, not yet synced. A record that is written in two pieces
 * in the middle of its number or time is left out.
 */
final class TimedDisk {

  private TimedDisk() {}

  /** Makes one. */
  static Disk of(Disk disk, Delays delays) {
    return new AppendingDisk(
        disk,
        (to, bytes) -> {
          byte[] written = new byte[bytes.remaining()];
          bytes.get(bytes.position(), written);
          to.append(bytes);
          long now = System.nanoTime();
          for (int at = Records.find(written, 0, written.length);
              at >= 0;
              at = Records.find(written, at + Records.markLength(), written.length)) {
            long meant = Records.nanosAt(written, at);
            if (meant > 0) {
              delays.add(now - meant);
            }
          }
        });
  }
}
