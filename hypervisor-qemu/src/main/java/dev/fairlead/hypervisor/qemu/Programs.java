// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.hypervisor.qemu;

import dev.fairlead.hypervisor.api.HypervisorException;
import java.io.File;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.HashMap;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;

/** Finds programs, and says what they may see of our environment. */
final class Programs {

  private static final String DEFAULT_PATH =
      "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

  private Programs() {}

  /**
   * The absolute path of a program.
   *
   * @param name absolute, or to be found on the PATH
   * @param hint the command that installs it
   * @throws HypervisorException {@code BROKEN}, code {@code program-missing}
   */
  static Path find(String name, String hint) {
    return find(name)
        .orElseThrow(
            () ->
                new HypervisorException(
                    HypervisorException.Category.BROKEN,
                    "program-missing",
                    "There is no program %s; install it: %s".formatted(name, hint)));
  }

  /** Whether a program is on the PATH. */
  static boolean isPresent(String name) {
    return find(name).isPresent();
  }

  private static Optional<Path> find(String name) {
    return Arrays.stream(path().split(File.pathSeparator))
        .filter(folder -> !folder.isEmpty())
        .map(folder -> Path.of(folder).resolve(name))
        .filter(program -> Files.isRegularFile(program) && Files.isExecutable(program))
        .findFirst()
        .map(Path::toAbsolutePath);
  }

  /** All that QEMU inherits: our own environment may hold secrets that are none of its business. */
  static Map<String, String> environment() {
    Map<String, String> environment = new HashMap<>();
    environment.put("PATH", path());
    // Its messages are read by programs.
    environment.put("LC_ALL", "C");
    String modules = System.getenv("QEMU_MODULE_DIR");
    if (modules != null) {
      environment.put("QEMU_MODULE_DIR", modules);
    }
    return environment;
  }

  private static String path() {
    return Objects.requireNonNullElse(System.getenv("PATH"), DEFAULT_PATH);
  }
}
