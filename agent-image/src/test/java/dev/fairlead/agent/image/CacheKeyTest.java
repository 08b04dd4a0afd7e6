// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.agent.image;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

final class CacheKeyTest {

  @TempDir Path folder;

  @Test
  void partsDoNotRunTogether() {
    assertThat(new CacheKey().text("ab").text("c").value())
        .hasSize(64)
        .isNotEqualTo(new CacheKey().text("a").text("bc").value())
        .isNotEqualTo(new CacheKey().text("abc").value())
        .isEqualTo(new CacheKey().text("ab").text("c").value());
  }

  @Test
  void aFileCountsByNameAndContentAndNotByPlace() throws IOException {
    Path one = Files.writeString(Files.createDirectory(folder.resolve("1")).resolve("x"), "same");
    Path two = Files.writeString(Files.createDirectory(folder.resolve("2")).resolve("x"), "same");
    Path other = Files.writeString(folder.resolve("y"), "same");
    String key = new CacheKey().file(one).value();
    assertThat(key).isEqualTo(new CacheKey().file(two).value());
    assertThat(key).isNotEqualTo(new CacheKey().file(other).value());
    Files.writeString(two, "another");
    assertThat(key).isNotEqualTo(new CacheKey().file(two).value());
  }
}
