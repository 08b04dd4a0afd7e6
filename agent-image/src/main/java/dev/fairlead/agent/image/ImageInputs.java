// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.agent.image;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashSet;
import java.util.List;
import java.util.Set;

/**
 * What goes into an image besides Debian's parts. Jars keep their file names, which therefore are
 * unique within each list.
 *
 * @param javaHome of the JDK (17 or newer) whose modules the guest's Java is linked from
 * @param classPath jars for {@code /app/lib}: framework and launcher, in this order
 * @param mainClass what Java runs
 * @param arguments of the main class
 * @param bundles jars for {@code /app/bundles}
 * @param deployment text of {@code /app/deployment}; names its bundles {@code bundles/…}
 */
public record ImageInputs(
    Path javaHome,
    List<Path> classPath,
    String mainClass,
    List<String> arguments,
    List<Path> bundles,
    String deployment) {

  /**
   * Checks that all is there.
   *
   * @throws ImageException {@code REFUSED}, code {@code bad-inputs}
   */
  public ImageInputs {
    classPath = List.copyOf(classPath);
    arguments = List.copyOf(arguments);
    bundles = List.copyOf(bundles);
    if (!Files.isRegularFile(javaHome.resolve("bin/jlink"))) {
      throw refused(javaHome + " is no JDK with jlink: install openjdk-17-jdk-headless.");
    }
    if (!Files.isRegularFile(javaHome.resolve("jmods/java.base.jmod"))) {
      throw refused(javaHome + " has no jmods to link a Java from: use a JDK 17.");
    }
    check(classPath);
    check(bundles);
    if (classPath.isEmpty()) {
      throw refused("The class path is empty: name the framework's and the launcher's jar.");
    }
    for (String argument : arguments) {
      if (argument.indexOf('\n') >= 0) {
        throw refused("An argument of the main class holds a line break.");
      }
    }
  }

  private static void check(List<Path> jars) {
    Set<String> names = new HashSet<>();
    for (Path jar : jars) {
      if (!Files.isRegularFile(jar)) {
        throw refused(jar + " is not there: build the project first.");
      }
      String name = String.valueOf(jar.getFileName());
      if (!name.matches("[A-Za-z0-9._+-]{1,200}") || !names.add(name)) {
        throw refused(name + " is twice in the image, or no name for a file in it.");
      }
    }
  }

  private static ImageException refused(String sentence) {
    return new ImageException(ImageException.Category.REFUSED, "bad-inputs", sentence);
  }
}
