// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.hypervisor.host;

import dev.fairlead.hypervisor.api.HypervisorException;
import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.FileAttribute;
import java.nio.file.attribute.PosixFilePermission;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.EnumSet;
import java.util.Set;

/** A VM's own directory: {@code 0700}, every file in it {@code 0600}. */
public final class RunDirectory {

  private static final FileAttribute<Set<PosixFilePermission>> OWNER_ONLY =
      PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rw-------"));
  private static final Set<PosixFilePermission> OTHERS =
      EnumSet.complementOf(
          EnumSet.of(
              PosixFilePermission.OWNER_READ,
              PosixFilePermission.OWNER_WRITE,
              PosixFilePermission.OWNER_EXECUTE));

  private final Path path;

  private RunDirectory(Path path) {
    this.path = path;
  }

  /**
   * A directory that is there already.
   *
   * @throws HypervisorException {@code REFUSED}, code {@code run-directory}, when it is none, or is
   *     open to others
   */
  public static RunDirectory of(Path path) {
    try {
      if (!Files.isDirectory(path, LinkOption.NOFOLLOW_LINKS)) {
        throw refuse(path + " is no directory; make it, with mode 0700.");
      }
      Set<PosixFilePermission> open = EnumSet.copyOf(OTHERS);
      open.retainAll(Files.getPosixFilePermissions(path));
      if (!open.isEmpty()) {
        throw refuse(path + " is open to others; give it mode 0700.");
      }
      return new RunDirectory(path.toAbsolutePath().normalize());
    } catch (IOException e) {
      throw new HypervisorException(
          HypervisorException.Category.BROKEN,
          "run-directory",
          path + " cannot be read: " + e.getMessage(),
          e);
    }
  }

  /** Where it lies: absolute. */
  public Path path() {
    return path;
  }

  /** A file in it. */
  public Path file(String name) {
    return path.resolve(name);
  }

  /**
   * Makes an empty file of this name, in place of any that is there.
   *
   * @return where it lies
   */
  public Path create(String name) throws IOException {
    Path file = file(name);
    Files.deleteIfExists(file);
    return Files.createFile(file, OWNER_ONLY);
  }

  /**
   * Writes a file whole, or not at all; it is on the disk when this returns.
   *
   * @return where it lies
   */
  public Path write(String name, byte[] content) throws IOException {
    Path draft = create(name + ".new");
    Files.write(draft, content);
    try (FileChannel channel = FileChannel.open(draft, StandardOpenOption.WRITE)) {
      channel.force(true);
    }
    return Files.move(draft, file(name), StandardCopyOption.ATOMIC_MOVE);
  }

  /** Removes files of these names, where they are there. */
  public void remove(String... names) throws IOException {
    for (String name : names) {
      Files.deleteIfExists(file(name));
    }
  }

  private static HypervisorException refuse(String sentence) {
    return new HypervisorException(HypervisorException.Category.REFUSED, "run-directory", sentence);
  }
}
