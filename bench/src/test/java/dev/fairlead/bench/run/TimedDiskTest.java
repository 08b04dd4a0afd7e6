// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.bench.run;

import static org.assertj.core.api.Assertions.assertThat;

import dev.fairlead.delivery.Disk;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.InstantSource;
import org.HdrHistogram.Histogram;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What is written is timed, record by record, and written as it is. */
final class TimedDiskTest {

  @TempDir Path folder;

  @Test
  void recordsWithATimeAreTimed() throws IOException {
    Records records = new Records("c1", 200, InstantSource.system());
    ByteBuffer bytes = ByteBuffer.allocate(1000);
    long now = System.nanoTime();
    bytes.put(records.record(1, 0)).put((byte) '\n');
    bytes.put(records.record(2, now - 5_000_000_000L)).put((byte) '\n');
    bytes.put(records.record(3, now - 3_000_000_000L)).flip();
    Delays delays = new Delays();
    Disk disk = TimedDisk.of(Disk.of(folder.resolve("d")), delays);
    try (Disk.File file = disk.open("x")) {
      file.append(bytes.duplicate());
    }
    assertThat(Files.readAllBytes(folder.resolve("d/x")))
        .isEqualTo(java.util.Arrays.copyOf(bytes.array(), bytes.limit()));
    delays.write(folder.resolve("h"));
    Histogram read = Delays.read(folder.resolve("h"));
    assertThat(read.getTotalCount()).isEqualTo(2);
    assertThat(read.getMinValue()).isGreaterThanOrEqualTo(2_990_000_000L);
    assertThat(read.getMaxValue()).isGreaterThanOrEqualTo(4_990_000_000L);
  }
}
