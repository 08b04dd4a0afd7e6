// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.agent.run;

import static java.lang.System.Logger.Level.WARNING;
import static java.nio.file.LinkOption.NOFOLLOW_LINKS;

import java.io.IOException;
import java.nio.file.FileVisitResult;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.SimpleFileVisitor;
import java.nio.file.attribute.BasicFileAttributes;
import org.jspecify.annotations.Nullable;

/** What is done to whole directories; follows no link. */
public final class FileTrees {

  private static final System.Logger log = System.getLogger(FileTrees.class.getName());

  private FileTrees() {}

  /** Removes a directory and all in it; what cannot be removed is logged. */
  public static void delete(Path root) {
    if (!Files.isDirectory(root, NOFOLLOW_LINKS)) {
      return;
    }
    try {
      Files.walkFileTree(
          root,
          new SimpleFileVisitor<>() {
            @Override
            public FileVisitResult visitFile(Path file, BasicFileAttributes attributes)
                throws IOException {
              Files.deleteIfExists(file);
              return FileVisitResult.CONTINUE;
            }

            @Override
            public FileVisitResult postVisitDirectory(Path directory, @Nullable IOException failure)
                throws IOException {
              Files.deleteIfExists(directory);
              return FileVisitResult.CONTINUE;
            }
          });
    } catch (IOException e) {
      log.log(WARNING, "Some of " + root + " could not be removed.", e);
    }
  }

  /** Gives a directory and all in it to a user and a group of the same number. */
  static void handOver(Path root, int user) throws IOException {
    Files.walkFileTree(
        root,
        new SimpleFileVisitor<>() {
          @Override
          public FileVisitResult preVisitDirectory(Path directory, BasicFileAttributes attributes)
              throws IOException {
            return visitFile(directory, attributes);
          }

          @Override
          public FileVisitResult visitFile(Path file, BasicFileAttributes attributes)
              throws IOException {
            Files.setAttribute(file, "unix:gid", user, NOFOLLOW_LINKS);
            Files.setAttribute(file, "unix:uid", user, NOFOLLOW_LINKS);
            return FileVisitResult.CONTINUE;
          }
        });
  }
}
