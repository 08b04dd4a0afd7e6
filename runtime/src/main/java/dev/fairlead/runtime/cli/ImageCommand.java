// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.runtime.cli;

import dev.fairlead.agent.image.ImageReport;
import dev.fairlead.protocol.json.JsonObject;
import java.io.IOException;
import java.util.Map;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** Builds the guest's image and prints what it measures. */
@Command(
    name = "image",
    description = "Builds the guest's kernel and initramfs, and prints what they measure.",
    mixinStandardHelpOptions = true)
final class ImageCommand implements Callable<Integer> {

  @Option(
      names = "--deployment",
      paramLabel = "NAME",
      defaultValue = "nats",
      description = "The deployment whose agent goes into the image (default: ${DEFAULT-VALUE}).")
  private String deployment = "nats";

  @Option(names = "--no-cache", description = "Build anew even when nothing has changed.")
  private boolean noCache;

  @Mixin private Out out = new Out();

  /** Made by picocli. */
  ImageCommand() {}

  @Override
  public Integer call() throws IOException {
    ImageReport report = GuestImage.of(Installation.current(), deployment, noCache, out::progress);
    out.line("kernel     %s".formatted(report.kernel()));
    out.line("           %s  %,d bytes".formatted(report.kernelSha256(), report.kernelBytes()));
    out.line("           %s".formatted(report.kernelPackage()));
    out.line("initramfs  %s".formatted(report.initramfs()));
    out.line(
        "           %s  %,d bytes".formatted(report.initramfsSha256(), report.initramfsBytes()));
    for (Map.Entry<String, Long> part : report.parts().entrySet()) {
      out.line("  %-12s %,12d bytes unpacked".formatted(part.getKey(), part.getValue()));
    }
    out.line("class data %s".formatted(report.classData()));
    out.json(json(report));
    return ExitCode.DONE;
  }

  /** The report as the command prints it. */
  static JsonObject json(ImageReport report) {
    JsonObject.Builder parts = JsonObject.builder();
    report.parts().forEach(parts::put);
    return JsonObject.builder()
        .put("kernel", report.kernel().toString())
        .put("kernelSha256", report.kernelSha256())
        .put("kernelBytes", report.kernelBytes())
        .put("kernelPackage", report.kernelPackage())
        .put("kernelPackageSha256", report.kernelPackageSha256())
        .put("initramfs", report.initramfs().toString())
        .put("initramfsSha256", report.initramfsSha256())
        .put("initramfsBytes", report.initramfsBytes())
        .put("parts", parts.build())
        .put("classData", report.classData())
        .put("fromCache", report.fromCache())
        .put("buildMs", report.duration().toMillis())
        .build();
  }
}
