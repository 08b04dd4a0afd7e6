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

  /** All third-party bundles that the build has copied. */
  static List<Path> thirdParty() throws IOException {
    try (Stream<Path> files = Files.list(folder())) {
      return files.filter(file -> file.toString().endsWith(".jar")).sorted().toList();
    }
  }

  /** One of them, by its artifactId. */
  static Path thirdParty(String artifactId) {
    Path jar = folder().resolve(artifactId + ".jar");
    if (!Files.exists(jar)) {
      throw new AssertionError(
          "%s is missing: add %s to the bundles in itest/pom.xml.".formatted(jar, artifactId));
    }
    return jar;
  }

  /** One of this build, by its artifactId. */
  static Path ours(String name) {
    return Reactor.modules().stream()
        .filter(module -> module.name().equals(name))
        .findFirst()
        .orElseThrow(() -> new AssertionError("There is no module named " + name + "."))
        .jar();
  }

  private static Path folder() {
    return Reactor.root().resolve("itest/target/bundles");
  }
}
