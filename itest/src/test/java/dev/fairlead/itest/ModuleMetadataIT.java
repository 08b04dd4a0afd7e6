// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.itest;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.jar.JarEntry;
import java.util.jar.JarFile;
import java.util.spi.ToolProvider;
import java.util.stream.Stream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Each jar of ours is the JPMS module and the bundle that it is meant to be. */
class ModuleMetadataIT {

  static Stream<Reactor.Module> ours() {
    return Reactor.modules().stream().filter(module -> !module.isLibrary());
  }

  @ParameterizedTest
  @MethodSource("ours")
  void moduleIsDescribedAsExpected(Reactor.Module module) {
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    PrintStream print = new PrintStream(out, true, StandardCharsets.UTF_8);
    int status =
        ToolProvider.findFirst("jar")
            .orElseThrow()
            .run(print, print, "--describe-module", "--file", module.jar().toString());
    String text = out.toString(StandardCharsets.UTF_8);
    assertThat(status).as(text).isZero();
    List<String> lines = new ArrayList<>();
    for (String line : text.strip().split("\n", -1)) {
      // The first line names the jar, whose place differs.
      lines.add(line.replaceFirst(" jar:file:.*", ""));
    }
    Golden.check(module.name() + ".module", lines);
  }

  @ParameterizedTest
  @MethodSource("ours")
  void bundleModuleAndRootPackageBearOneName(Reactor.Module module) throws IOException {
    assertThat(module.header("Bundle-SymbolicName")).isEqualTo(module.fullName());
    try (JarFile jar = new JarFile(module.jar().toFile())) {
      assertThat(jar.getEntry("module-info.class")).as("module-info of %s", module).isNotNull();
      // An SPI's module may hold further packages beside its first: access beside api.
      String root = module.fullName().replaceFirst("\\.api$", "").replace('.', '/') + "/";
      List<String> strays =
          jar.stream()
              .map(JarEntry::getName)
              .filter(name -> name.startsWith("dev/fairlead/") && name.endsWith(".class"))
              .filter(name -> !name.startsWith(root))
              .toList();
      assertThat(strays).as("classes outside the root package of %s", module).isEmpty();
    }
  }
}
