// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.agent.image;

import static java.nio.charset.StandardCharsets.ISO_8859_1;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.jar.Attributes;
import java.util.jar.JarEntry;
import java.util.jar.JarOutputStream;
import java.util.jar.Manifest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class SystemPackagesTest {

  @TempDir private Path folder;

  @Test
  void offersWhatIsAskedForOfJavaAndTheFrameworksOwn() throws IOException {
    Path framework = jar("felix.jar", "", "osgi-exports= \\\n org.osgi.framework;version=\"1.10\"");
    Path one = jar("one.jar", "java.util,javax.net.ssl,org.osgi.framework;version=\"[1.9,2)\"", "");
    Path other =
        jar("other.jar", "java.util;resolution:=optional,java.awt,sun.nio.ch,org.example", "");
    assertThat(SystemPackages.of(framework, List.of(one, other)))
        .isEqualTo("org.osgi.framework;version=\"1.10\",java.util,javax.net.ssl");
  }

  @Test
  void readsTheNamesOfAHeader() {
    assertThat(
            SystemPackages.names(
                "a.b;version=\"[1,2)\",c.d ; e.f;resolution:=optional;x=\"y,z.z\", g"))
        .containsExactly("a.b", "c.d", "e.f", "g");
  }

  @Test
  void refusesWhatIsNoFramework() throws IOException {
    Path framework = jar("felix.jar", "", "");
    assertThatExceptionOfType(ImageException.class)
        .isThrownBy(() -> SystemPackages.of(framework, List.of()))
        .satisfies(e -> assertThat(e.code()).isEqualTo("bad-framework"));
  }

  private Path jar(String name, String imports, String defaults) throws IOException {
    Manifest manifest = new Manifest();
    manifest.getMainAttributes().put(Attributes.Name.MANIFEST_VERSION, "1.0");
    if (!imports.isEmpty()) {
      manifest.getMainAttributes().putValue("Import-Package", imports);
    }
    Path file = folder.resolve(name);
    try (JarOutputStream out = new JarOutputStream(Files.newOutputStream(file), manifest)) {
      if (!defaults.isEmpty()) {
        out.putNextEntry(new JarEntry("default.properties"));
        out.write(defaults.getBytes(ISO_8859_1));
        out.closeEntry();
      }
    }
    return file;
  }
}
