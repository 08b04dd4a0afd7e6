// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.bundles;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Random;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.osgi.framework.Version;

class ShelfTest {

  private static final byte[] OLD = FakeJar.of("1.0.0").bytes();
  private static final byte[] NEW = FakeJar.of("1.1.0").bytes();

  @TempDir private Path folder;

  private static Shelf.Item item(String version, byte[] jar) {
    return new Shelf.Item(new Version(version), Digests.of(jar));
  }

  private Shelf shelf() {
    return new Shelf(folder.resolve("shelf"));
  }

  private Path own() throws IOException {
    return Files.write(folder.resolve("own.jar"), OLD);
  }

  @Test
  void aChoiceIsFoundAgain() {
    Shelf.Choice choice = new Shelf.Choice(item("1.1.0", NEW), item("1.0.0", OLD));
    Shelf.Choice alone = new Shelf.Choice(item("2.0.0.beta-1", NEW), null);
    shelf().choose("a.b", choice);
    shelf().choose("c", alone);
    assertThat(shelf().choices()).hasSize(2).containsEntry("a.b", choice).containsEntry("c", alone);
  }

  /** A process dies at each step of a change: the next one finds the old jar whole, or the new. */
  @Test
  void aDeathOnTheWayLeavesTheOldOneOrTheNew() throws IOException {
    Path own = own();
    Path jars = folder.resolve("shelf/jars");
    Path half = jars.resolve(Digests.of(NEW) + ".jar.new");
    Files.createDirectories(jars);
    Files.write(half, new byte[] {1, 2});
    assertThat(shelf().over(own)).isEqualTo(own); // while the jar is written
    shelf().put(NEW, Digests.of(NEW));
    assertThat(shelf().over(own)).isEqualTo(own); // before it is chosen
    Files.writeString(folder.resolve("shelf/chosen.new"), "fairlead-bund");
    assertThat(shelf().over(own)).isEqualTo(own); // while that is written
    shelf().choose(FakeJar.NAME, new Shelf.Choice(item("1.1.0", NEW), null));
    assertThat(Files.readAllBytes(shelf().over(own))).isEqualTo(NEW);
  }

  @Test
  void whatNothingNamesIsDeleted() throws IOException {
    shelf().put(OLD, Digests.of(OLD));
    Path kept = shelf().put(NEW, Digests.of(NEW));
    shelf().choose(FakeJar.NAME, new Shelf.Choice(item("1.1.0", NEW), null));
    shelf().tidy();
    assertThat(folder.resolve("shelf/jars")).isDirectoryContaining(kept::equals);
    try (var files = Files.list(folder.resolve("shelf/jars"))) {
      assertThat(files).hasSize(1);
    }
  }

  @Test
  void whatWasChosenAndIsGoneIsNotUsed() throws IOException {
    shelf().choose(FakeJar.NAME, new Shelf.Choice(item("1.1.0", NEW), null));
    assertThat(shelf().over(own())).isEqualTo(own());
  }

  @Test
  void aDamagedFileMeansNothingWasChosen() throws IOException {
    long seed = new Random().nextLong();
    Random random = new Random(seed);
    shelf().choose("a.b", new Shelf.Choice(item("1.1.0", NEW), item("1.0.0", OLD)));
    Path file = folder.resolve("shelf/chosen");
    byte[] good = Files.readAllBytes(file);
    for (int i = 0; i < 500; i++) {
      byte[] bad = good.clone();
      bad[random.nextInt(bad.length)] = (byte) random.nextInt(256);
      Files.write(file, bad);
      // It throws nothing, and invents nothing.
      assertThat(shelf().choices().size()).as("seed %d", seed).isLessThanOrEqualTo(1);
    }
    Files.write(file, new byte[1 << 20]);
    assertThat(shelf().choices()).isEmpty();
  }

  @Test
  void onlyItsOwnerMayReadIt() throws IOException {
    shelf().put(NEW, Digests.of(NEW));
    assertThat(Files.getPosixFilePermissions(folder.resolve("shelf")))
        .isEqualTo(
            Set.of(
                java.nio.file.attribute.PosixFilePermission.OWNER_READ,
                java.nio.file.attribute.PosixFilePermission.OWNER_WRITE,
                java.nio.file.attribute.PosixFilePermission.OWNER_EXECUTE));
  }
}
