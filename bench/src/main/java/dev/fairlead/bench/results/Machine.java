// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.bench.results;

import static java.nio.charset.StandardCharsets.UTF_8;
import static java.util.Objects.requireNonNull;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.stream.Stream;

/**
 * The machine that figures come from.
 *
 * @param cpu the processor's model
 * @param cores processors that a process may use
 * @param memoryBytes physical memory
 * @param system the distribution: {@code Debian GNU/Linux 12 (bookworm)}
 * @param kernel the kernel's version
 * @param jdk the virtual machine's vendor and version
 */
public record Machine(
    String cpu, int cores, long memoryBytes, String system, String kernel, String jdk) {

  private static final String UNKNOWN = "unknown";

  /** Checks for null. */
  public Machine {
    requireNonNull(cpu, "cpu is null");
    requireNonNull(system, "system is null");
    requireNonNull(kernel, "kernel is null");
    requireNonNull(jdk, "jdk is null");
  }

  /** This machine. */
  public static Machine here() {
    return read(Path.of("/"));
  }

  /** The machine's load of one minute; -1 where the system does not say. */
  public static double load() {
    try {
      return Double.parseDouble(Files.readString(Path.of("/proc/loadavg"), UTF_8).split(" ", 2)[0]);
    } catch (IOException | NumberFormatException e) {
      return -1;
    }
  }

  /** What the files under a root say; what they do not say is {@code unknown}. */
  static Machine read(Path root) {
    return new Machine(
        field(root.resolve("proc/cpuinfo"), "model name", ":"),
        Runtime.getRuntime().availableProcessors(),
        kibibytes(field(root.resolve("proc/meminfo"), "MemTotal", ":")),
        field(root.resolve("etc/os-release"), "PRETTY_NAME", "=").replace("\"", ""),
        System.getProperty("os.name") + " " + System.getProperty("os.version"),
        System.getProperty("java.vm.vendor") + " " + System.getProperty("java.vm.version"));
  }

  private static String field(Path file, String name, String between) {
    try (Stream<String> lines = Files.lines(file, UTF_8)) {
      return lines
          .map(line -> line.split(between, 2))
          .filter(parts -> parts.length == 2 && parts[0].strip().equals(name))
          .map(parts -> parts[1].strip())
          .filter(value -> !value.isEmpty())
          .findFirst()
          .orElse(UNKNOWN);
    } catch (IOException | UncheckedIOException e) {
      return UNKNOWN;
    }
  }

  private static long kibibytes(String text) {
    try {
      return Long.parseLong(text.replace("kB", "").strip()) * 1024;
    } catch (NumberFormatException e) {
      return 0;
    }
  }
}
