// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.agent.image;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

final class TreeTest {

  @TempDir Path folder;

  @Test
  void theOrderOfAddingDoesNotMatter() throws IOException {
    Path file = Files.writeString(folder.resolve("x"), "content");
    Tree one = new Tree();
    one.file("b/c", 0644, file);
    one.file("a", 0755, "text");
    Tree two = new Tree();
    two.file("a", 0755, "text");
    two.file("b/c", 0644, file);
    assertThat(packed(one)).isEqualTo(packed(two));
  }

  @Test
  void modesAndTimesOfTheDiskDoNotMatter() throws IOException {
    Path file = Files.writeString(folder.resolve("x"), "content");
    Tree tree = new Tree();
    tree.file("f", 0640, file);
    byte[] before = packed(tree);
    assertThat(file.toFile().setLastModified(1_000_000)).isTrue();
    assertThat(file.toFile().setWritable(false)).isTrue();
    assertThat(packed(tree)).isEqualTo(before);
  }

  @Test
  void busyboxUnpacksWhatWasPacked() throws IOException {
    Tree tree = new Tree();
    tree.folder("empty", 01777);
    tree.file("deep/er/file", 0750, "12345");
    tree.link("deep/link", "er/file");
    Path archive = folder.resolve("a.cpio");
    Files.write(archive, packed(tree));
    Command command = new Command(folder, Duration.ofSeconds(20));
    String list =
        command.run("busybox-static", List.of("busybox", "cpio", "-tv", "-F", archive.toString()));
    assertThat(list.lines().map(line -> line.replaceAll(" +", " ")).toList())
        .satisfiesExactly(
            line -> assertThat(line).startsWith("drwxr-xr-x").endsWith(" deep"),
            line -> assertThat(line).startsWith("drwxr-xr-x").endsWith(" deep/er"),
            line -> assertThat(line).startsWith("-rwxr-x--- 0/0 5 2026-").endsWith(" deep/er/file"),
            line -> assertThat(line).startsWith("lrwxrwxrwx").endsWith(" deep/link -> er/file"),
            line -> assertThat(line).startsWith("drwxrwxrwt").endsWith(" empty"),
            line -> assertThat(line).contains("blocks"));
  }

  @Test
  void laidOutFilesHaveTheGuestsTimesAndModes() throws IOException {
    Tree tree = new Tree();
    tree.file("a/b", 0751, "x");
    tree.device("dev/console", 0600, 5, 1);
    Path root = Files.createDirectory(folder.resolve("root"));
    tree.layOut(root);
    Path file = root.resolve("a/b");
    assertThat(Files.getLastModifiedTime(file).toMillis()).isEqualTo(Tree.SECONDS * 1000);
    assertThat(Files.getPosixFilePermissions(file))
        .isEqualTo(java.nio.file.attribute.PosixFilePermissions.fromString("rwxr-x--x"));
    assertThat(root.resolve("dev/console")).doesNotExist();
  }

  private static byte[] packed(Tree tree) throws IOException {
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    tree.pack(out);
    return out.toByteArray();
  }
}
