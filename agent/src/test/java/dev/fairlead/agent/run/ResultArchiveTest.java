// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.agent.run;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.List;
import java.util.TimeZone;
import java.util.zip.ZipEntry;
import java.util.zip.ZipFile;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ResultArchiveTest {

  private static final long MIB = 1 << 20;

  @TempDir Path directory;

  private Path tree(String name, List<String> files) throws IOException {
    Path root = Files.createDirectory(directory.resolve(name));
    for (String file : files) {
      Path path = root.resolve(file);
      Files.createDirectories(path.getParent());
      Files.writeString(path, "content of " + file);
    }
    return root;
  }

  @Test
  void dependsOnNamesAndContentsOnly() throws Exception {
    Path one = tree("one", List.of("b", "a/z", "a/b/c", "A", "a.txt"));
    Path two = tree("two", List.of("a.txt", "A", "a/b/c", "a/z", "b"));
    Files.setLastModifiedTime(two.resolve("b"), FileTime.fromMillis(0));
    Files.setPosixFilePermissions(two.resolve("b"), PosixFilePermissions.fromString("rwx------"));
    TimeZone before = TimeZone.getDefault();
    ResultArchive.Packed first = ResultArchive.pack(one, directory.resolve("1.zip"), MIB);
    ResultArchive.Packed second;
    try {
      TimeZone.setDefault(TimeZone.getTimeZone("Asia/Tokyo"));
      second = ResultArchive.pack(two, directory.resolve("2.zip"), MIB);
    } finally {
      TimeZone.setDefault(before);
    }
    assertThat(second.file()).hasSameBinaryContentAs(first.file());
    assertThat(second.sha3()).isEqualTo(first.sha3()).hasSize(64);
    assertThat(first.size()).isEqualTo(Files.size(first.file()));
    List<String> names = new ArrayList<>();
    try (ZipFile zip = new ZipFile(first.file().toFile())) {
      zip.stream().map(ZipEntry::getName).forEach(names::add);
      assertThat(zip.getInputStream(zip.getEntry("a/b/c"))).hasContent("content of a/b/c");
    }
    assertThat(names).containsExactly("A", "a.txt", "a/b/c", "a/z", "b");
  }

  @Test
  void keepsEmptyDirectoriesAndPacksNothingToo() throws Exception {
    Path root = tree("empty", List.of("x/y"));
    Files.createDirectories(root.resolve("void/inner"));
    ResultArchive.Packed packed = ResultArchive.pack(root, directory.resolve("e.zip"), MIB);
    try (ZipFile zip = new ZipFile(packed.file().toFile())) {
      assertThat(zip.stream().map(ZipEntry::getName).toList())
          .containsExactly("void/inner/", "x/y");
    }
    Path none = Files.createDirectory(directory.resolve("none"));
    assertThat(ResultArchive.pack(none, directory.resolve("n.zip"), MIB).size()).isEqualTo(22);
  }

  @Test
  void refusesLinksAndNamesThatAreNotPlain() throws Exception {
    Path link = tree("link", List.of("a"));
    Files.createSymbolicLink(link.resolve("secret"), Path.of("/etc/passwd"));
    assertThatThrownBy(() -> ResultArchive.pack(link, directory.resolve("l.zip"), MIB))
        .isInstanceOf(ResultArchive.RefusedException.class)
        .hasMessageContaining("secret");
    Path name = tree("name", List.of("new\nline"));
    assertThatThrownBy(() -> ResultArchive.pack(name, directory.resolve("m.zip"), MIB))
        .isInstanceOf(ResultArchive.RefusedException.class);
  }

  @Test
  void refusesMoreThanTheLimitAndLeavesNoFile() throws Exception {
    Path root = tree("big", List.of("a", "b"));
    Files.write(root.resolve("b"), new byte[2000]);
    Path file = directory.resolve("big.zip");
    assertThatThrownBy(() -> ResultArchive.pack(root, file, 2100))
        .isInstanceOf(ResultArchive.RefusedException.class)
        .hasMessageContaining("2100");
    assertThat(file).doesNotExist();
  }
}
