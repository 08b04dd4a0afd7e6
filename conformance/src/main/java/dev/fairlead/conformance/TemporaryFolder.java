// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.conformance;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.stream.Stream;

/** Where a peer keeps its state for one run. */
record TemporaryFolder(Path path) implements AutoCloseable {

  /** Its name is short: a UNIX socket's path has little room. */
  static TemporaryFolder create() {
    try {
      return new TemporaryFolder(Files.createTempDirectory("fl-tck-"));
    } catch (IOException e) {
      throw new UncheckedIOException("There is no folder for the peer.", e);
    }
  }

  @Override
  public void close() {
    try (Stream<Path> files = Files.walk(path)) {
      for (Path file : files.sorted(Comparator.reverseOrder()).toList()) {
        Files.delete(file);
      }
    } catch (IOException e) {
      throw new UncheckedIOException("The peer's folder cannot be removed.", e);
    }
  }
}
