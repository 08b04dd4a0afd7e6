// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.runtime.deployment;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.fairlead.launcher.Deployment;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

final class FeatureFileTest {

  @TempDir Path folder;
  private Path file = Path.of("unset");

  @BeforeEach
  void write() throws IOException {
    file = folder.resolve("sample.json");
    Files.writeString(folder.resolve("one-1.0.jar"), "");
    Files.writeString(folder.resolve("two-2.0.jar"), "");
    Files.writeString(
        file,
        """
        { "feature-resource-version": "1.0", "id": "g:sample:1.0", "name": "A sample",
          "variables": { "home": "/var/lib", "store.dir": "${home}/store", "port": "9020" },
          "bundles": [ { "id": "g:one:1.0" }, { "id": "g:two:2.0", "start": false } ],
          "configurations": { "some.pid": { "dir": "${store.dir}", "port": "${port}",
             "limit:Integer": 5, "list": [ "${port}", "b" ] } } }
        """);
  }

  private Deployment flatten(Map<String, String> values, Map<String, String> environment)
      throws IOException {
    return FeatureFile.read(file).flatten(values, environment::get, List.of(folder));
  }

  @Test
  void bundlesKeepTheirOrderAndWhetherTheyStart() throws IOException {
    assertThat(flatten(Map.of(), Map.of()).bundles())
        .containsExactly(
            new Deployment.Entry(folder.resolve("one-1.0.jar"), true),
            new Deployment.Entry(folder.resolve("two-2.0.jar"), false));
  }

  @Test
  void variablesComeFromTheCallerThenTheEnvironmentThenTheFile() throws IOException {
    Map<String, Object> values =
        flatten(Map.of("port", "1"), Map.of("FAIRLEAD_HOME", "/h", "FAIRLEAD_PORT", "2"))
            .configurations()
            .get("some.pid");
    assertThat(values)
        .containsEntry("dir", "/h/store")
        .containsEntry("port", "1")
        .containsEntry("limit", 5);
    assertThat(values).isNotNull();
    assertThat((String[]) values.get("list")).containsExactly("1", "b");
    Map<String, Object> lines =
        flatten(Map.of("port", "x\ny"), Map.of()).configurations().get("some.pid");
    assertThat(lines).isNotNull();
    assertThat((String[]) lines.get("list")).containsExactly("x", "y", "b");
  }

  @Test
  void aBundleWithAConditionIsLeftOutWhereItDoesNotHold() throws IOException {
    Files.writeString(
        file,
        Files.readString(file)
            .replace("\"start\": false", "\"start\": false, \"when\": \"port=7\""));
    assertThat(flatten(Map.of(), Map.of()).bundles()).hasSize(1);
    assertThat(flatten(Map.of("port", "7"), Map.of()).bundles()).hasSize(2);
  }

  @Test
  void anUnknownVariableIsRefusedWithTheKnownOnes() {
    assertThatThrownBy(() -> flatten(Map.of("prot", "1"), Map.of()))
        .hasMessageContaining("'prot'")
        .hasMessageContaining("home, port, store.dir");
  }

  @Test
  void aMissingJarIsNamed() throws IOException {
    Files.delete(folder.resolve("two-2.0.jar"));
    assertThatThrownBy(() -> flatten(Map.of(), Map.of())).hasMessageContaining("two-2.0.jar");
  }

  @Test
  void whatIsNoFeatureIsRefusedWithItsName() throws IOException {
    Files.writeString(file, "{ \"id\": ");
    assertThatThrownBy(() -> FeatureFile.read(file))
        .isInstanceOf(IOException.class)
        .hasMessageContaining("sample.json");
  }
}
