// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.manager;

import static dev.fairlead.manager.ManagerException.Category.BROKEN;
import static dev.fairlead.manager.ManagerException.Category.REFUSED;
import static java.lang.System.Logger.Level.ERROR;
import static java.lang.System.Logger.Level.WARNING;
import static java.nio.charset.StandardCharsets.UTF_8;

import dev.fairlead.protocol.Addresses;
import dev.fairlead.protocol.json.ProtocolException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.channels.OverlappingFileLockException;
import java.nio.file.DirectoryStream;
import java.nio.file.FileVisitResult;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.SimpleFileVisitor;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.BasicFileAttributes;
import java.nio.file.attribute.FileAttribute;
import java.nio.file.attribute.PosixFilePermission;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.UUID;
import org.jspecify.annotations.Nullable;

/**
 * The directory in which each VM has its run directory, named by its computation: all that a
 * manager knows, and nothing that it could not do without. One manager at a time holds its lock.
 *
 * <p>Beside the run directories lie {@code .lock}, which names the process that holds it, and
 * {@code .instance}, the manager's name where none is configured.
 */
final class RunDirectories implements AutoCloseable {

  private static final System.Logger LOG = System.getLogger(RunDirectories.class.getName());
  private static final FileAttribute<Set<PosixFilePermission>> OWNER_DIRECTORY =
      PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rwx------"));
  private static final FileAttribute<Set<PosixFilePermission>> OWNER_FILE =
      PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rw-------"));
  private static final String LOCK = ".lock";
  private static final String INSTANCE = ".instance";

  private final Path root;
  private final FileChannel lock;

  private RunDirectories(Path root, FileChannel lock) {
    this.root = root;
    this.lock = lock;
  }

  /**
   * Opens and locks it; makes it where it is not there.
   *
   * @throws ManagerException {@code REFUSED}, code {@code runs-in-use}; {@code BROKEN}, code {@code
   *     runs-unusable}
   */
  static RunDirectories open(Path path) {
    Path root = path.toAbsolutePath().normalize();
    try {
      Files.createDirectories(root, OWNER_DIRECTORY);
      FileChannel channel =
          FileChannel.open(
              root.resolve(LOCK),
              Set.of(StandardOpenOption.READ, StandardOpenOption.WRITE, StandardOpenOption.CREATE),
              OWNER_FILE);
      try {
        if (channel.tryLock() == null) {
          throw inUse(root, channel);
        }
        channel.truncate(0);
        channel.write(
            ByteBuffer.wrap(Long.toString(ProcessHandle.current().pid()).getBytes(UTF_8)), 0);
      } catch (OverlappingFileLockException e) {
        throw inUse(root, channel);
      } catch (IOException | RuntimeException e) {
        channel.close();
        throw e;
      }
      return new RunDirectories(root, channel);
    } catch (IOException e) {
      throw broken("The directory of the VMs, %s, cannot be used: %s.".formatted(root, e), e);
    }
  }

  /** Where it lies: absolute. */
  Path root() {
    return root;
  }

  /** The manager's name: the given one, or one that is made up once and kept. */
  String instance(@Nullable String given) {
    if (given != null) {
      return given;
    }
    Path file = root.resolve(INSTANCE);
    try {
      String kept = Files.readString(file).trim();
      if (kept.length() <= 58 && Addresses.isSegment(kept)) {
        return kept;
      }
    } catch (NoSuchFileException e) {
      // The first start here.
    } catch (IOException e) {
      throw broken("%s cannot be read: %s.".formatted(file, e), e);
    }
    String made = UUID.randomUUID().toString();
    try {
      replace(file, made.getBytes(UTF_8));
    } catch (IOException e) {
      throw broken("%s cannot be written: %s.".formatted(file, e), e);
    }
    return made;
  }

  /** The run directories that are there. */
  List<Path> list() {
    List<Path> found = new ArrayList<>();
    try (DirectoryStream<Path> entries = Files.newDirectoryStream(root)) {
      for (Path entry : entries) {
        if (!entry.getFileName().toString().startsWith(".")
            && Files.isDirectory(entry, LinkOption.NOFOLLOW_LINKS)) {
          found.add(entry);
        }
      }
    } catch (IOException e) {
      throw broken("%s cannot be listed: %s.".formatted(root, e), e);
    }
    return found;
  }

  /** Makes a run directory, empty; what an earlier VM of this name left there is removed. */
  Path create(String computation) {
    Path directory = root.resolve(Addresses.requireId(computation));
    try {
      remove(directory);
      return Files.createDirectory(directory, OWNER_DIRECTORY);
    } catch (IOException e) {
      throw broken(
          "The run directory %s cannot be made: %s; is the disk full?".formatted(directory, e), e);
    }
  }

  /**
   * Writes the lease whole, or not at all; then the VM goes on without, and only a manager that
   * starts again would miss it.
   */
  void write(Path directory, Lease lease) {
    try {
      replace(directory.resolve(Lease.FILE), lease.toJson());
    } catch (IOException e) {
      LOG.log(ERROR, "The lease of " + lease.computation() + " cannot be written", e);
    }
  }

  /**
   * Reads the lease.
   *
   * @return empty where there is none
   * @throws ProtocolException when it is damaged
   */
  Optional<Lease> read(Path directory) {
    Path file = directory.resolve(Lease.FILE);
    try {
      if (!Files.isRegularFile(file, LinkOption.NOFOLLOW_LINKS)) {
        return Optional.empty();
      }
      if (Files.size(file) > Lease.MAX_BYTES) {
        throw new ProtocolException("too-large", file + " is larger than any lease.");
      }
      return Optional.of(Lease.parse(Files.readAllBytes(file)));
    } catch (IOException e) {
      throw new ProtocolException("unreadable", "%s cannot be read: %s.".formatted(file, e), e);
    }
  }

  /** Removes what is in a run directory, except the lease and, if wished, the logs. */
  void clear(Path directory, boolean keepLogs) throws IOException {
    try (DirectoryStream<Path> entries = Files.newDirectoryStream(directory)) {
      for (Path entry : entries) {
        String name = entry.getFileName().toString();
        boolean kept = name.equals(Lease.FILE) || (keepLogs && name.endsWith(".log"));
        if (!kept) {
          remove(entry);
        }
      }
    } catch (NoSuchFileException e) {
      // Gone already.
    }
  }

  /** Removes the run directory of a VM that has ended, as far as that can be. */
  void discard(Path directory) {
    try {
      remove(directory);
    } catch (IOException e) {
      LOG.log(WARNING, "The run directory " + directory + " cannot be removed", e);
    }
  }

  /** Removes a file or directory with all that is in it; follows no link. */
  private void remove(Path path) throws IOException {
    if (!path.startsWith(root) || path.equals(root)) {
      throw new IOException(path + " is not ours to remove.");
    }
    if (!Files.exists(path, LinkOption.NOFOLLOW_LINKS)) {
      return;
    }
    Files.walkFileTree(
        path,
        new SimpleFileVisitor<>() {
          @Override
          public FileVisitResult visitFile(Path file, BasicFileAttributes attributes)
              throws IOException {
            Files.deleteIfExists(file);
            return FileVisitResult.CONTINUE;
          }

          @Override
          public FileVisitResult postVisitDirectory(Path directory, @Nullable IOException e)
              throws IOException {
            if (e != null) {
              throw e;
            }
            Files.deleteIfExists(directory);
            return FileVisitResult.CONTINUE;
          }
        });
  }

  /** Gives the lock back. Idempotent. */
  @Override
  public void close() {
    try {
      lock.close();
    } catch (IOException e) {
      // The lock ends with the process at the latest.
    }
  }

  private static void replace(Path file, byte[] content) throws IOException {
    Path draft = file.resolveSibling(file.getFileName() + ".new");
    Files.deleteIfExists(draft);
    try (FileChannel channel =
        FileChannel.open(
            draft, Set.of(StandardOpenOption.WRITE, StandardOpenOption.CREATE_NEW), OWNER_FILE)) {
      ByteBuffer bytes = ByteBuffer.wrap(content);
      while (bytes.hasRemaining()) {
        channel.write(bytes);
      }
      channel.force(true);
    }
    Files.move(draft, file, StandardCopyOption.ATOMIC_MOVE);
  }

  private static ManagerException inUse(Path root, FileChannel channel) {
    String holder = "another process";
    try {
      ByteBuffer bytes = ByteBuffer.allocate(20);
      channel.read(bytes, 0);
      String pid = new String(bytes.array(), 0, bytes.position(), UTF_8).trim();
      if (pid.matches("\\d+")) {
        holder = "process " + pid;
      }
      channel.close();
    } catch (IOException e) {
      // The holder stays unnamed.
    }
    return new ManagerException(
        REFUSED,
        "runs-in-use",
        "The VMs in %s belong to a manager that runs already (%s): end it, or use another directory."
            .formatted(root, holder));
  }

  private static ManagerException broken(String sentence, IOException cause) {
    return new ManagerException(BROKEN, "runs-unusable", sentence, cause);
  }
}
