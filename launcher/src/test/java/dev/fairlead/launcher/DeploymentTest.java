// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.launcher;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

final class DeploymentTest {

  @TempDir Path folder;

  @Test
  void whatIsWrittenIsReadAgain() throws IOException {
    Deployment written =
        new Deployment(
            "sample",
            Map.of("a", "1\n\\n2"),
            List.of(
                new Deployment.Entry(folder.resolve("bundles/b.jar"), true),
                new Deployment.Entry(Path.of("/elsewhere/c.jar"), false),
                new Deployment.Entry(folder.resolve("d.jar"), true, "some.Service")),
            Map.of("pid", Map.of("text", "x=y", "number", 5, "many", 6L, "yes", true)));
    Path file = folder.resolve("sample.deployment");
    Files.writeString(file, written.format(folder));
    assertThat(Deployment.read(file)).isEqualTo(written);
    assertThat(Files.readString(file))
        .contains("bundle bundles/b.jar\ninstall /elsewhere/c.jar\nafter some.Service d.jar");
  }

  @Test
  void listsAreReadAgain() throws IOException {
    String[] list = {"one", "two words", ""};
    Path file = folder.resolve("sample.deployment");
    Files.writeString(
        file,
        new Deployment("n", Map.of(), List.of(), Map.of("pid", Map.of("list", list)))
            .format(folder));
    Map<String, Object> values = Deployment.read(file).configurations().get("pid");
    assertThat(values).isNotNull();
    assertThat((String[]) values.get("list")).containsExactly(list);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "fairlead-deployment 2\n",
        "",
        "fairlead-deployment 1\nnonsense\n",
        "fairlead-deployment 1\nset a=b\n",
        "fairlead-deployment 1\nconfig p\nset a:Integer=b\n",
        "fairlead-deployment 1\nproperty x\n"
      })
  void whatIsNoDeploymentIsRefused(String text) throws IOException {
    Path file = folder.resolve("bad.deployment");
    Files.writeString(file, text);
    assertThatThrownBy(() -> Deployment.read(file))
        .isInstanceOf(IOException.class)
        .hasMessageContaining("bad.deployment");
  }
}
