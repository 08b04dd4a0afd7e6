// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.agent.image;

import java.io.File;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

/**
 * A program that building an image needs.
 *
 * @param program its name
 * @param debianPackage what installs it
 * @param purpose why it is needed
 * @param optional whether an image can be built without it, if a slower one
 */
public record Requirement(String program, String debianPackage, String purpose, boolean optional) {

  private static final List<Requirement> ALL =
      List.of(
          new Requirement("apt-get", "apt", "downloads the kernel's package", false),
          new Requirement("apt-cache", "apt", "finds the kernel's package", false),
          new Requirement("dpkg-deb", "dpkg", "unpacks the kernel's package", false),
          new Requirement("lz4", "lz4", "compresses the initramfs", false),
          new Requirement("busybox", "busybox-static", "is the guest's userland", false),
          new Requirement("unshare", "util-linux", "isolates the class archive's dump", true),
          new Requirement("setarch", "util-linux", "makes the class archive reproducible", true),
          new Requirement("taskset", "util-linux", "makes the class archive reproducible", true),
          new Requirement("chrt", "util-linux", "makes the class archive reproducible", true));

  /** All of them. A JDK with jlink comes on top, and {@code openjdk-17-jdk-headless} has it. */
  public static List<Requirement> all() {
    return ALL;
  }

  /** Those that this machine lacks. */
  public static List<Requirement> missing() {
    return ALL.stream().filter(requirement -> !requirement.present()).toList();
  }

  /** Whether the program is on the search path, or in a usual place beside it. */
  public boolean present() {
    String path = System.getenv("PATH");
    String places =
        (path == null ? "" : path + File.pathSeparator) + "/usr/bin:/bin:/usr/sbin:/sbin";
    for (String folder : places.split(File.pathSeparator, -1)) {
      if (!folder.isEmpty() && Files.isExecutable(Path.of(folder, program))) {
        return true;
      }
    }
    return false;
  }
}
