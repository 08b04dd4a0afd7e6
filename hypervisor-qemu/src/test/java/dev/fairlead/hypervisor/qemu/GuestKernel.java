// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.hypervisor.qemu;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/**
 * Debian's cloud kernel and its modules, unpacked and not installed. The package is fetched once,
 * into the cache that the image's builder uses too; {@code -Dfairlead.kernel=DIR} names one that is
 * unpacked already.
 */
record GuestKernel(Path kernel, Path modules) {

  private static final Pattern DEPENDS = Pattern.compile("Depends: (linux-image-\\S+)");

  static GuestKernel get() {
    try {
      String given = System.getProperty("fairlead.kernel");
      if (given != null) {
        return unpacked(Path.of(given));
      }
      Path folder = Path.of("target/kernel").toAbsolutePath();
      if (!Files.isDirectory(folder.resolve("boot"))) {
        run(Path.of("."), "dpkg-deb", "-x", fetch().toString(), folder.toString());
      }
      return unpacked(folder);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** The file of a module. */
  Path module(String name) throws IOException {
    try (Stream<Path> files = Files.walk(modules)) {
      return files
          .filter(file -> file.getFileName().toString().equals(name + ".ko"))
          .findFirst()
          .orElseThrow();
    }
  }

  private static GuestKernel unpacked(Path folder) throws IOException {
    try (Stream<Path> files = Files.list(folder.resolve("boot"))) {
      Path kernel =
          files
              .filter(file -> file.getFileName().toString().startsWith("vmlinuz-"))
              .findFirst()
              .orElseThrow();
      return new GuestKernel(kernel, folder.resolve("lib/modules"));
    }
  }

  private static Path fetch() throws IOException {
    Path cache =
        Files.createDirectories(
            Path.of(System.getProperty("reactor.dir", ".."), ".fairlead/cache/image/downloads")
                .toAbsolutePath());
    Matcher depends =
        DEPENDS.matcher(run(cache, "apt-cache", "depends", "linux-image-cloud-amd64"));
    if (!depends.find()) {
      throw new IOException("No linux-image-cloud-amd64; run: apt-get update");
    }
    String name = depends.group(1);
    if (find(cache, name).isEmpty()) {
      run(cache, "apt-get", "-q", "download", name);
    }
    return find(cache, name).get(0);
  }

  private static List<Path> find(Path cache, String name) throws IOException {
    try (Stream<Path> files = Files.list(cache)) {
      return files
          .filter(file -> file.getFileName().toString().startsWith(name + "_"))
          .filter(file -> file.getFileName().toString().endsWith(".deb"))
          .toList();
    }
  }

  static String run(Path folder, String... command) throws IOException {
    Process process =
        new ProcessBuilder(command).directory(folder.toFile()).redirectErrorStream(true).start();
    String output = new String(process.getInputStream().readAllBytes(), UTF_8);
    try {
      if (process.waitFor() != 0) {
        throw new IOException(String.join(" ", command) + ": " + output);
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IOException(e);
    }
    return output;
  }
}
