// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.runtime.cli;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.FileVisitResult;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.SimpleFileVisitor;
import java.nio.file.attribute.BasicFileAttributes;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import org.jspecify.annotations.Nullable;

/**
 * What must be undone, the last first: at the end of a command, and just as well on Ctrl-C. Each
 * step is tried, whatever became of the one before.
 */
final class Teardown implements AutoCloseable {

  private static final int DELETIONS = 100;
  private static final long BETWEEN_DELETIONS = TimeUnit.MILLISECONDS.toNanos(50);

  private final Deque<Runnable> steps = new ArrayDeque<>();
  private final Thread hook = new Thread(this::undo, "fairlead-teardown");

  Teardown() {
    Runtime.getRuntime().addShutdownHook(hook);
  }

  /** Adds a step. */
  void add(Runnable step) {
    synchronized (steps) {
      steps.push(step);
    }
  }

  /** A new folder of one's own that is deleted, with all that is in it, in the end. */
  Path temporaryFolder(String prefix) throws IOException {
    Path folder = Files.createTempDirectory(prefix);
    add(() -> delete(folder));
    return folder;
  }

  /** Undoes everything now. */
  @Override
  public void close() {
    undo();
    try {
      Runtime.getRuntime().removeShutdownHook(hook);
    } catch (IllegalStateException e) {
      return; // The JVM is ending: the hook runs already, and finds nothing left to do.
    }
  }

  // One at a time: on Ctrl-C the hook waits here until the command's own thread is through.
  private synchronized void undo() {
    RuntimeException first = null;
    while (true) {
      Runnable step;
      synchronized (steps) {
        step = steps.poll();
      }
      if (step == null) {
        break;
      }
      try {
        step.run();
      } catch (RuntimeException e) {
        if (first == null) {
          first = e;
        } else {
          first.addSuppressed(e);
        }
      }
    }
    if (first != null) {
      throw first;
    }
  }

  /**
   * Deletes a folder with all that is in it. What was just stopped may still be deleting or writing
   * there: what is gone already is no failure, and what appears is deleted at the next attempt.
   */
  static void delete(Path folder) {
    for (int attempt = 1; ; attempt++) {
      try {
        deleteNow(folder);
        return;
      } catch (IOException e) {
        if (attempt == DELETIONS) {
          throw new UncheckedIOException("Could not delete " + folder, e);
        }
        LockSupport.parkNanos(BETWEEN_DELETIONS);
      }
    }
  }

  private static void deleteNow(Path folder) throws IOException {
    Files.walkFileTree(
        folder,
        new SimpleFileVisitor<>() {
          @Override
          public FileVisitResult visitFile(Path file, BasicFileAttributes attributes)
              throws IOException {
            Files.deleteIfExists(file);
            return FileVisitResult.CONTINUE;
          }

          @Override
          public FileVisitResult visitFileFailed(Path file, IOException e) throws IOException {
            if (e instanceof NoSuchFileException) {
              return FileVisitResult.CONTINUE;
            }
            throw e;
          }

          @Override
          public FileVisitResult postVisitDirectory(Path directory, @Nullable IOException e)
              throws IOException {
            Files.deleteIfExists(directory);
            return FileVisitResult.CONTINUE;
          }
        });
  }
}
