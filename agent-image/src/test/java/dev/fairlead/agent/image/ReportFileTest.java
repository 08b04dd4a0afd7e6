// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.agent.image;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

final class ReportFileTest {

  @TempDir Path folder;

  @Test
  void aWholeImageIsReadAgain() throws IOException {
    ImageReport report = image();
    assertThat(ReportFile.read(folder))
        .contains(ReportFile.again(report, Duration.ZERO))
        .get()
        .satisfies(read -> assertThat(read.classDataIncluded()).isTrue());
  }

  @Test
  void theLeastMemoryHoldsTheUnpackedImageTwice() throws IOException {
    assertThat(image().leastMemoryMib()).isEqualTo(70);
  }

  @Test
  void aChangedImageIsNoImage() throws IOException {
    image();
    Files.writeString(folder.resolve("initramfs.cpio.lz4"), "other");
    assertThat(ReportFile.read(folder)).isEmpty();
  }

  @Test
  void aDamagedReportIsNoImage() throws IOException {
    image();
    Files.writeString(folder.resolve(ReportFile.NAME), "kernelBytes=many\n\0");
    assertThat(ReportFile.read(folder)).isEmpty();
    Files.delete(folder.resolve("vmlinuz"));
    assertThat(ReportFile.read(folder)).isEmpty();
  }

  private ImageReport image() throws IOException {
    Path kernel = Files.writeString(folder.resolve("vmlinuz"), "k");
    Path initramfs = Files.writeString(folder.resolve("initramfs.cpio.lz4"), "ii");
    ImageReport report =
        new ImageReport(
            "key",
            kernel,
            initramfs,
            "linux 1",
            "0".repeat(64),
            Digests.of(kernel),
            Digests.of(initramfs),
            1,
            2,
            Map.of("java", 3L * 1024 * 1024),
            ImageReport.INCLUDED,
            false,
            Duration.ofSeconds(1));
    ReportFile.write(folder, report);
    return report;
  }
}
