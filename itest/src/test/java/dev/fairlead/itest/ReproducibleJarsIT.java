// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.itest;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.DigestInputStream;
import java.security.MessageDigest;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledIfSystemProperty;
import org.junit.jupiter.api.io.TempDir;

/** The same sources give the same jars, wherever and whenever they are built. */
class ReproducibleJarsIT {

  private static final Set<String> NOT_SOURCES = Set.of("target", ".git", ".fairlead", ".idea");

  @Test
  @EnabledIfSystemProperty(
      named = "fairlead.full",
      matches = "true",
      disabledReason = "builds everything once more: part of fairlead test --full")
  void jarsOfAnotherFolderAreBitIdentical(@TempDir Path folder) throws Exception {
    Path copy = folder.resolve("some/where/quite/else");
    copySources(Reactor.root(), copy);
    ProcessBuilder maven =
        new ProcessBuilder(
            "sh",
            "-c",
            // As the command does: a jar without a module descriptor carries its files' modes.
            "umask 022; exec mvn -o -q -B package -DskipTests -Dmaven.test.skip=true"
                + " -Dspotless.check.skip=true -pl '!itest'");
    maven.directory(copy.toFile());
    maven.environment().put("TZ", "Pacific/Kiritimati");
    maven.environment().put("LC_ALL", "C");
    Path log = folder.resolve("maven.log");
    Process build = maven.redirectErrorStream(true).redirectOutput(log.toFile()).start();
    assertThat(build.waitFor()).as(() -> Reactor.read(log)).isZero();

    Map<String, String> differences = new TreeMap<>();
    for (Reactor.Module module : Reactor.modules()) {
      Path here = module.jar();
      Path there = copy.resolve(Reactor.root().relativize(here));
      if (!sha256(here).equals(sha256(there))) {
        differences.put(module.name(), here + " and its copy differ");
      }
    }
    assertThat(differences).isEmpty();
  }

  private static void copySources(Path from, Path to) throws IOException {
    List<Path> todo = new ArrayList<>(List.of(from));
    while (!todo.isEmpty()) {
      Path next = todo.remove(todo.size() - 1);
      Path copy = to.resolve(from.relativize(next).toString());
      if (Files.isDirectory(next)) {
        Files.createDirectories(copy);
        try (Stream<Path> children = Files.list(next)) {
          children
              .filter(child -> !NOT_SOURCES.contains(child.getFileName().toString()))
              .forEach(todo::add);
        }
      } else {
        Files.copy(next, copy);
      }
    }
  }

  private static String sha256(Path file) throws Exception {
    MessageDigest digest = MessageDigest.getInstance("SHA-256");
    try (InputStream in = new DigestInputStream(Files.newInputStream(file), digest)) {
      in.transferTo(OutputStream.nullOutputStream());
    }
    return HexFormat.of().formatHex(digest.digest());
  }
}
