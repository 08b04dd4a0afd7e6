// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.itest;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.File;
import java.lang.module.ModuleDescriptor;
import java.lang.module.ModuleFinder;
import java.lang.module.ModuleReference;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/** Transports are modules: found, opened and used on the plain module path, without a framework. */
class ModulePathIT {

  private static final String PROGRAM = "dev.fairlead.roundtrip/dev.fairlead.roundtrip.Main";

  @TempDir Path folder;

  /** A transport, a setting of its access side, and all that has to lie on the module path. */
  static Stream<Arguments> transports() {
    return Stream.of(
        Arguments.of("memory", "hub=itest", List.of(kit())),
        Arguments.of(
            "mqtt",
            "dir=",
            Stream.concat(
                    jars("transport-api", "transport-base", "protocol", "transport-mqtt").stream(),
                    Stream.of(Bundles.thirdParty("jackson-core")))
                .toList()),
        Arguments.of("nats", "dir=", jars("transport-api", "transport-base", "transport-nats")),
        Arguments.of("vsock", "dir=", jars("transport-api", "transport-base", "transport-vsock")));
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("transports")
  void sendsAndReceives(String transport, String setting, List<Path> path) throws Exception {
    List<Path> modules = Stream.concat(path.stream(), jars("roundtrip").stream()).toList();
    String given = setting.endsWith("=") ? setting + folder.resolve("state") : setting;
    Path said = folder.resolve("said");
    Process program =
        new ProcessBuilder(java(), "-p", joined(modules), "-m", PROGRAM, transport, given)
            .redirectErrorStream(true)
            .redirectOutput(said.toFile())
            .start();
    try {
      assertThat(program.waitFor(1, TimeUnit.MINUTES)).as("it ends").isTrue();
    } finally {
      program.destroyForcibly();
    }
    assertThat(Files.readString(said)).contains("Hello over " + transport + ".");
    assertThat(program.exitValue()).as(Files.readString(said)).isZero();
  }

  /**
   * What has no module-info is a module by courtesy, which reads everything and cannot be linked.
   */
  @Test
  void nothingOnTheKitsPathIsAnAutomaticModule() {
    List<Path> path = Stream.concat(Stream.of(kit()), jars("conformance").stream()).toList();
    assertThat(ModuleFinder.of(path.toArray(Path[]::new)).findAll())
        .extracting(ModuleReference::descriptor)
        .hasSizeGreaterThan(10)
        .noneMatch(ModuleDescriptor::isAutomatic);
  }

  private static Path kit() {
    return Reactor.root().resolve("conformance/target/modules");
  }

  private static List<Path> jars(String... names) {
    return Stream.of(names)
        .map(
            name ->
                Reactor.modules().stream()
                    .filter(module -> module.name().equals(name))
                    .findFirst()
                    .orElseThrow()
                    .jar())
        .toList();
  }

  private static String joined(List<Path> path) {
    return path.stream().map(Path::toString).collect(Collectors.joining(File.pathSeparator));
  }

  private static String java() {
    return Path.of(System.getProperty("java.home"), "bin", "java").toString();
  }
}
