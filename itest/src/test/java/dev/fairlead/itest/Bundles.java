// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.itest;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;

/** Where the bundles are that a test installs: nothing is resolved while a test runs. */
final class Bundles {

  private Bundles() {}

  /** All third-party bundles that deployments use. */
  static List<Path> thirdParty() throws IOException {
    return jars("bundles");
  }

  /** The bundles that only tests use. */
  static List<Path> testLibraries() throws IOException {
    return jars("test-bundles");
  }

  /** A third-party bundle, by its artifactId. */
  static Path thirdParty(String artifactId) {
    Path jar = target().resolve("bundles").resolve(artifactId + ".jar");
    if (!Files.exists(jar)) {
      throw new AssertionError(
          "%s is missing: add %s to the bundles in itest/pom.xml.".formatted(jar, artifactId));
    }
    return jar;
  }

  /** A bundle by its artifactId: one of this build, else a third party's. */
  static Path named(String artifactId) {
    return Reactor.modules().stream()
        .filter(module -> module.name().equals(artifactId))
        .findFirst()
        .map(Reactor.Module::jar)
        .orElseGet(() -> thirdParty(artifactId));
  }

  private static List<Path> jars(String folder) throws IOException {
    try (Stream<Path> files = Files.list(target().resolve(folder))) {
      return files.filter(file -> file.toString().endsWith(".jar")).sorted().toList();
    }
  }

  private static Path target() {
    return Reactor.root().resolve("itest/target");
  }
}
