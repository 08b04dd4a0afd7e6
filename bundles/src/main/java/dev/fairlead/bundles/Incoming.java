// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.bundles;

import static java.nio.charset.StandardCharsets.UTF_8;

import dev.fairlead.protocol.json.JsonObject;
import java.io.IOException;
import java.io.InputStream;
import java.lang.System.Logger.Level;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * A folder that is looked at regularly: a jar that lies there together with {@code NAME.jar.sha256}
 * (and {@code NAME.jar.sig}) is taken as an update. What was taken goes to {@code done/}, what was
 * not to {@code refused/}, each with {@code NAME.jar.json} that says what came of it.
 *
 * <p>A jar whose digest does not match yet may still be on its way: it is given up when it has not
 * grown between two looks.
 */
final class Incoming implements AutoCloseable {

  private static final System.Logger LOG = System.getLogger(Incoming.class.getName());
  private static final int MOST_SIDE = 4 << 10;

  private final Path folder;
  private final Bundles bundles;
  private final ScheduledExecutorService looks;
  private final Map<Path, Seen> seen = new HashMap<>();

  /** What a jar was at the last look. */
  private record Seen(long size, long modified) {}

  /** Makes one, and its folder. */
  Incoming(Path folder, Bundles bundles) {
    this.folder = folder;
    this.bundles = bundles;
    makePrivate(folder);
    this.looks =
        Executors.newSingleThreadScheduledExecutor(
            task -> {
              Thread thread = new Thread(task, "fairlead-bundles-incoming");
              thread.setDaemon(true);
              return thread;
            });
  }

  /** Begins to look. */
  void start(Duration every) {
    var unused =
        looks.scheduleWithFixedDelay(
            this::lookSafely, every.toMillis(), every.toMillis(), TimeUnit.MILLISECONDS);
  }

  private void lookSafely() {
    try {
      look();
    } catch (RuntimeException e) {
      LOG.log(Level.ERROR, "A look into the folder failed; the next comes.", e);
    }
  }

  /** Looks once. */
  void look() {
    List<Path> jars = new ArrayList<>();
    try (DirectoryStream<Path> files = Files.newDirectoryStream(folder, "*.jar")) {
      for (Path file : files) {
        if (Files.isRegularFile(file, LinkOption.NOFOLLOW_LINKS)) {
          jars.add(file);
        }
      }
    } catch (IOException e) {
      LOG.log(Level.WARNING, "{0} cannot be read: {1}", folder, e.getMessage());
      return;
    }
    seen.keySet().retainAll(jars);
    jars.sort(null);
    jars.forEach(this::take);
  }

  private void take(Path jar) {
    byte[] digest = side(jar, ".sha256");
    if (digest == null) {
      return; // The digest is what says that a jar is whole: it comes last.
    }
    try {
      Proof proof = Proof.of(new String(digest, UTF_8), Proof.signature(side(jar, ".sig")));
      Change change = bundles.update(BundleJar.bytes(jar), proof, false);
      end(jar, "done", change.toJson());
    } catch (ChangeException e) {
      if (e.category() == ChangeException.Category.RETRY
          || (e.code().equals("wrong-digest") && isMoving(jar))) {
        return;
      }
      end(
          jar,
          "refused",
          JsonObject.builder()
              .put(
                  "error",
                  JsonObject.builder()
                      .put("code", e.code())
                      .put("message", String.valueOf(e.getMessage()))
                      .build())
              .build());
    }
  }

  private boolean isMoving(Path jar) {
    try {
      Seen now = new Seen(Files.size(jar), Files.getLastModifiedTime(jar).toMillis());
      return !now.equals(seen.put(jar, now));
    } catch (IOException e) {
      return true; // It has gone.
    }
  }

  private static byte @Nullable [] side(Path jar, String ending) {
    Path file = jar.resolveSibling(jar.getFileName() + ending);
    if (!Files.isRegularFile(file, LinkOption.NOFOLLOW_LINKS)) {
      return null;
    }
    try (InputStream in = Files.newInputStream(file)) {
      byte[] bytes = in.readNBytes(MOST_SIDE);
      return bytes.length == 0 ? null : bytes;
    } catch (IOException e) {
      return null; // It has gone, or comes.
    }
  }

  private void end(Path jar, String where, JsonObject what) {
    Path target = folder.resolve(where);
    try {
      makePrivate(target);
      for (String ending : List.of("", ".sha256", ".sig")) {
        Path file = jar.resolveSibling(jar.getFileName() + ending);
        if (Files.exists(file, LinkOption.NOFOLLOW_LINKS)) {
          Files.move(file, target.resolve(file.getFileName()), StandardCopyOption.REPLACE_EXISTING);
        }
      }
      Files.writeString(target.resolve(jar.getFileName() + ".json"), what + "\n");
    } catch (IOException e) {
      LOG.log(
          Level.WARNING,
          "{0} cannot be moved to {1}, and is looked at again: {2}",
          jar,
          where,
          e.getMessage());
    }
  }

  private static void makePrivate(Path directory) {
    try {
      if (!Files.isDirectory(directory)) {
        Files.createDirectories(
            directory,
            PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rwx------")));
      }
    } catch (IOException e) {
      throw new ChangeException(
          ChangeException.Category.RETRY,
          "state-not-written",
          "%s cannot be made: %s.".formatted(directory, e.getMessage()),
          e);
    }
  }

  /** Looks no more; waits at most 30 s for a change that is under way. */
  @Override
  public void close() {
    looks.shutdown();
    try {
      if (!looks.awaitTermination(30, TimeUnit.SECONDS)) {
        LOG.log(Level.WARNING, "A change is under way still.");
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }
}
