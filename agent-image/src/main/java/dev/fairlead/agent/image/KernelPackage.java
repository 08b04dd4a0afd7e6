// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.agent.image;

import dev.fairlead.agent.image.ImageException.Category;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.time.Duration;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/**
 * Debian's package with the kernel, as this machine's package index knows it. Nothing is installed,
 * and no root is needed.
 *
 * @param name {@code linux-image-6.1.0-56-cloud-amd64}
 * @param version {@code 6.1.192-2}
 * @param sha256 of the package's file, from Debian's signed index
 */
record KernelPackage(String name, String version, String sha256) {

  private static final String META = "linux-image-cloud-amd64";
  private static final String UPDATE = "run 'apt-get update' as root, then try again.";
  private static final Pattern DEPENDS =
      Pattern.compile("^ *Depends: (linux-image-[a-z0-9.+-]+)$", Pattern.MULTILINE);
  private static final Pattern SAFE = Pattern.compile("[A-Za-z0-9.+~:_-]{1,100}");

  /** Asks the package index. It is local: this needs no network. */
  static KernelPackage find(Path folder) throws IOException {
    Command command = new Command(folder, Duration.ofSeconds(30));
    Command.Result depends =
        command.attempt("apt", List.of("apt-cache", "depends", "--important", META));
    Matcher matcher = DEPENDS.matcher(depends.output());
    if (depends.code() != 0 || !matcher.find()) {
      throw new ImageException(
          Category.RETRY,
          "kernel-unavailable",
          "The package index does not know %s: %s".formatted(META, UPDATE));
    }
    String name = matcher.group(1);
    String fields =
        command.run("apt", List.of("apt-cache", "show", "--no-all-versions", name)) + "\n";
    String version = field(fields, "Version");
    String sha256 = field(fields, "SHA256");
    if (!SAFE.matcher(version).matches() || !sha256.matches("[0-9a-f]{64}")) {
      throw new ImageException(
          Category.RETRY,
          "kernel-unavailable",
          "The index entry of " + name + " is cut: " + UPDATE);
    }
    return new KernelPackage(name, version, sha256);
  }

  private static String field(String fields, String name) {
    Matcher matcher = Pattern.compile("^" + name + ": (.+)$", Pattern.MULTILINE).matcher(fields);
    return matcher.find() ? matcher.group(1) : "";
  }

  /** The package's file in a folder of downloads; downloads it if it is not there yet. */
  Path fetch(Path downloads, Path work) throws IOException {
    Path kept = downloads.resolve(name + "_" + sha256 + ".deb");
    if (Files.isRegularFile(kept) && Digests.of(kept).equals(sha256)) {
      return kept;
    }
    Path folder = Files.createDirectories(work.resolve("download"));
    List<String> words = List.of("apt-get", "-q", "download", name + "=" + version);
    Command.Result result = new Command(folder, Duration.ofMinutes(10)).attempt("apt", words);
    List<Path> files;
    try (Stream<Path> list = Files.list(folder)) {
      files = list.filter(path -> path.toString().endsWith(".deb")).toList();
    }
    if (result.code() != 0 || files.size() != 1) {
      throw new ImageException(
          Category.RETRY,
          "kernel-unavailable",
          "%s %s cannot be downloaded (%s): %s"
              .formatted(name, version, result.lastLine(), UPDATE));
    }
    String found = Digests.of(files.get(0));
    if (!found.equals(sha256)) {
      throw new ImageException(
          Category.RETRY,
          "kernel-digest",
          "%s has SHA-256 %s, but the index says %s: %s".formatted(name, found, sha256, UPDATE));
    }
    Files.createDirectories(downloads);
    Path moved =
        Files.move(
            files.get(0), downloads.resolve(kept.getFileName() + ".new" + work.getFileName()));
    return Files.move(
        moved, kept, StandardCopyOption.REPLACE_EXISTING, StandardCopyOption.ATOMIC_MOVE);
  }

  /** Unpacks the package's file. */
  Unpacked unpack(Path deb, Path folder) throws IOException {
    Files.createDirectories(folder);
    new Command(folder, Duration.ofMinutes(3))
        .run("dpkg", List.of("dpkg-deb", "-x", deb.toAbsolutePath().toString(), "."));
    Path kernel = only(folder.resolve("boot"), "vmlinuz-");
    Path modules = only(folder.resolve("lib/modules"), "");
    return new Unpacked(kernel, modules);
  }

  /**
   * An unpacked package.
   *
   * @param kernel the file to boot
   * @param modules the folder of the modules
   */
  record Unpacked(Path kernel, Path modules) {}

  private Path only(Path folder, String prefix) throws IOException {
    try (Stream<Path> list = Files.list(folder)) {
      List<Path> found =
          list.filter(path -> String.valueOf(path.getFileName()).startsWith(prefix)).toList();
      if (found.size() == 1) {
        return found.get(0);
      }
    }
    throw new ImageException(
        Category.BROKEN, "kernel-package", "The package " + name + " holds no single kernel.");
  }
}
