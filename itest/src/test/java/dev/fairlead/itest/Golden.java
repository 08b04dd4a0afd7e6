// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.itest;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

/** Files that say what is expected; {@code -Dgolden.update=true} writes them anew. */
final class Golden {

  private Golden() {}

  static void check(String name, List<String> lines) {
    Path file = Reactor.root().resolve("itest/src/test/golden").resolve(name);
    String text = String.join("\n", lines) + "\n";
    if (Boolean.getBoolean("golden.update")) {
      try {
        Files.createDirectories(file.resolveSibling("."));
        Files.writeString(file, text);
      } catch (IOException e) {
        throw new UncheckedIOException(e);
      }
    }
    assertThat(file)
        .as("expected in %s; if the change is meant, run with -Dgolden.update=true", file)
        .exists()
        .hasContent(text);
  }
}
