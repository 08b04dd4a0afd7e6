// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.agent.image;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;

/**
 * What is known of a cached image: {@code image.txt}, UTF-8, one {@code name=value} a line; the
 * sizes of parts are {@code part.<name>=<bytes>}. The file is written last, so that an image with
 * one is whole.
 */
final class ReportFile {

  static final String NAME = "image.txt";

  private ReportFile() {}

  static void write(Path folder, ImageReport report) throws IOException {
    StringBuilder text = new StringBuilder();
    line(text, "key", report.key());
    line(text, "kernelPackage", report.kernelPackage());
    line(text, "kernelPackageSha256", report.kernelPackageSha256());
    line(text, "kernelSha256", report.kernelSha256());
    line(text, "initramfsSha256", report.initramfsSha256());
    line(text, "kernelBytes", Long.toString(report.kernelBytes()));
    line(text, "initramfsBytes", Long.toString(report.initramfsBytes()));
    line(text, "classData", report.classData());
    report.parts().forEach((name, bytes) -> line(text, "part." + name, bytes.toString()));
    Files.writeString(folder.resolve(NAME), text);
  }

  private static void line(StringBuilder text, String name, String value) {
    text.append(name).append('=').append(value).append('\n');
  }

  /** An image of the cache; empty when there is none, or it is not as it was when it was built. */
  static Optional<ImageReport> read(Path folder) throws IOException {
    Path file = folder.resolve(NAME);
    Path kernel = folder.resolve("vmlinuz");
    Path initramfs = folder.resolve("initramfs.cpio.lz4");
    if (!Files.isRegularFile(file)
        || !Files.isRegularFile(kernel)
        || !Files.isRegularFile(initramfs)) {
      return Optional.empty();
    }
    Map<String, String> values = new LinkedHashMap<>();
    Map<String, Long> parts = new LinkedHashMap<>();
    try {
      for (String line : Files.readAllLines(file, UTF_8)) {
        int equals = line.indexOf('=');
        if (equals > 0 && line.startsWith("part.")) {
          parts.put(line.substring(5, equals), Long.valueOf(line.substring(equals + 1)));
        } else if (equals > 0) {
          values.put(line.substring(0, equals), line.substring(equals + 1));
        }
      }
      ImageReport report =
          new ImageReport(
              values.getOrDefault("key", ""),
              kernel,
              initramfs,
              values.getOrDefault("kernelPackage", ""),
              values.getOrDefault("kernelPackageSha256", ""),
              values.getOrDefault("kernelSha256", ""),
              values.getOrDefault("initramfsSha256", ""),
              Long.parseLong(values.getOrDefault("kernelBytes", "")),
              Long.parseLong(values.getOrDefault("initramfsBytes", "")),
              parts,
              values.getOrDefault("classData", ""),
              true,
              Duration.ZERO);
      boolean same =
          Digests.of(kernel).equals(report.kernelSha256())
              && Digests.of(initramfs).equals(report.initramfsSha256());
      return same ? Optional.of(report) : Optional.empty();
    } catch (NumberFormatException e) {
      return Optional.empty();
    }
  }

  static ImageReport again(ImageReport report, Duration duration) {
    return new ImageReport(
        report.key(),
        report.kernel(),
        report.initramfs(),
        report.kernelPackage(),
        report.kernelPackageSha256(),
        report.kernelSha256(),
        report.initramfsSha256(),
        report.kernelBytes(),
        report.initramfsBytes(),
        report.parts(),
        report.classData(),
        true,
        duration);
  }
}
