// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.bundles;

import static java.nio.charset.StandardCharsets.UTF_8;
import static java.nio.file.StandardOpenOption.CREATE;
import static java.nio.file.StandardOpenOption.TRUNCATE_EXISTING;
import static java.nio.file.StandardOpenOption.WRITE;

import java.io.IOException;
import java.lang.System.Logger.Level;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;
import org.osgi.framework.Version;

/**
 * What was chosen of each bundle, on disk. A folder of mode 0700:
 *
 * <pre>
 * chosen               UTF-8 text, replaced as a whole; its first line is {@code fairlead-bundles 1}
 * jars/SHA256.jar      the jars that it names, and no other
 * </pre>
 *
 * Each further line of {@code chosen} is {@code NAME VERSION SHA256 BEFORE-VERSION BEFORE-SHA256},
 * a bundle's symbolic name, what runs, and what it can be rolled back to ({@code - -}: nothing). A
 * change counts from the moment that {@code chosen} is renamed into place: a process that dies
 * before starts with the old jar, one that dies later with the new one, and each jar is held
 * against its digest before it is used. What cannot be read or does not match is not used, and said
 * in the log: then what the deployment brings runs.
 *
 * <p>Used by one thread at a time, and by one process: that of the framework.
 */
public final class Shelf {

  private static final System.Logger LOG = System.getLogger(Shelf.class.getName());
  private static final String HEAD = "fairlead-bundles 1";
  private static final int MOST_BYTES = 64 << 10;
  private static final Pattern ROW =
      Pattern.compile(
          "([A-Za-z0-9_.-]{1,128}) (\\S{1,64}) ([0-9a-f]{64}) (\\S{1,64}) ([0-9a-f]{64}|-)");

  private final Path folder;

  /**
   * One version of a bundle.
   *
   * @param sha256 of its jar
   */
  public record Item(Version version, String sha256) {}

  /**
   * What was chosen of a bundle.
   *
   * @param before what it can be rolled back to; null for nothing
   */
  public record Choice(Item now, @Nullable Item before) {}

  /**
   * Opens one.
   *
   * @param folder made when something is first put there
   */
  public Shelf(Path folder) {
    this.folder = folder;
  }

  /** What was chosen, by symbolic name; empty where nothing was, or it cannot be read. */
  public Map<String, Choice> choices() {
    Map<String, Choice> choices = new TreeMap<>();
    Path file = folder.resolve("chosen");
    if (!Files.isRegularFile(file)) {
      return choices;
    }
    try {
      if (Files.size(file) > MOST_BYTES) {
        throw new IOException("it is larger than any such file");
      }
      List<String> lines = Files.readAllLines(file, UTF_8);
      if (lines.isEmpty() || !lines.get(0).equals(HEAD)) {
        throw new IOException("its first line is not '" + HEAD + "'");
      }
      for (String line : lines.subList(1, lines.size())) {
        Matcher row = ROW.matcher(line);
        if (!row.matches()) {
          throw new IOException("'" + line + "' is no row");
        }
        choices.put(
            row.group(1),
            new Choice(
                new Item(Version.parseVersion(row.group(2)), row.group(3)),
                row.group(5).equals("-")
                    ? null
                    : new Item(Version.parseVersion(row.group(4)), row.group(5))));
      }
      return choices;
    } catch (IOException | IllegalArgumentException e) {
      LOG.log(
          Level.WARNING,
          "{0} is not used, and each bundle is the deployment''s own: {1}",
          file,
          e.getMessage());
      return new TreeMap<>();
    }
  }

  /**
   * The jar that is to run in a deployment's place: what was chosen, unless the deployment brings
   * one that is newer.
   *
   * @param own a bundle's jar, as the deployment names it
   * @return {@code own} where nothing newer was chosen, or it is damaged
   */
  public Path over(Path own) {
    Map<String, Choice> choices = choices();
    if (choices.isEmpty()) {
      return own;
    }
    try {
      BundleJar jar = BundleJar.read(BundleJar.bytes(own));
      Choice choice = choices.get(jar.symbolicName());
      if (choice != null && choice.now().version().compareTo(jar.version()) > 0) {
        return whole(choice.now()).orElse(own);
      }
    } catch (ChangeException e) {
      LOG.log(Level.DEBUG, "{0} is not replaced: {1}", own, e.getMessage());
    }
    return own;
  }

  /** A jar that lies here and is what its name says. */
  Optional<Path> whole(Item item) {
    Path jar = jar(item.sha256());
    try {
      if (Digests.of(BundleJar.bytes(jar)).equals(item.sha256())) {
        return Optional.of(jar);
      }
      LOG.log(Level.WARNING, "{0} is damaged and is not used.", jar);
    } catch (ChangeException e) {
      LOG.log(Level.WARNING, "{0} is not used: {1}", jar, e.getMessage());
    }
    return Optional.empty();
  }

  /** Puts a jar's bytes here, synced, and returns where it lies. */
  Path put(byte[] bytes, String sha256) {
    Path jar = jar(sha256);
    try {
      makePrivate(folder);
      makePrivate(folder.resolve("jars"));
      write(jar, bytes);
      return jar;
    } catch (IOException e) {
      throw notWritten(e);
    }
  }

  /** Makes a choice count, from now on and after each start. */
  void choose(String name, Choice choice) {
    Map<String, Choice> choices = choices();
    choices.put(name, choice);
    StringBuilder text = new StringBuilder(HEAD).append('\n');
    choices.forEach(
        (each, chosen) -> {
          text.append(each).append(' ');
          append(text, chosen.now());
          text.append(' ');
          append(text, chosen.before());
          text.append('\n');
        });
    try {
      makePrivate(folder);
      write(folder.resolve("chosen"), text.toString().getBytes(UTF_8));
    } catch (IOException e) {
      throw notWritten(e);
    }
  }

  /** Deletes the jars that nothing names. */
  void tidy() {
    Set<String> named = new HashSet<>();
    for (Choice choice : choices().values()) {
      named.add(choice.now().sha256() + ".jar");
      Item before = choice.before();
      if (before != null) {
        named.add(before.sha256() + ".jar");
      }
    }
    Path jars = folder.resolve("jars");
    if (!Files.isDirectory(jars)) {
      return;
    }
    try (DirectoryStream<Path> files = Files.newDirectoryStream(jars)) {
      for (Path file : files) {
        if (!named.contains(String.valueOf(file.getFileName()))) {
          Files.deleteIfExists(file);
        }
      }
    } catch (IOException e) {
      LOG.log(Level.WARNING, "{0} holds more than is needed: {1}", jars, e.getMessage());
    }
  }

  private Path jar(String sha256) {
    return folder.resolve("jars").resolve(sha256 + ".jar");
  }

  private static void append(StringBuilder text, @Nullable Item item) {
    if (item == null) {
      text.append("- -");
    } else {
      text.append(item.version()).append(' ').append(item.sha256());
    }
  }

  static void makePrivate(Path directory) throws IOException {
    if (!Files.isDirectory(directory)) {
      Files.createDirectories(
          directory,
          PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rwx------")));
    }
  }

  /** Whole or not at all, also when the power fails. */
  static void write(Path file, byte[] bytes) throws IOException {
    Path coming = file.resolveSibling(file.getFileName() + ".new");
    try (FileChannel channel = FileChannel.open(coming, CREATE, WRITE, TRUNCATE_EXISTING)) {
      ByteBuffer buffer = ByteBuffer.wrap(bytes);
      while (buffer.hasRemaining()) {
        channel.write(buffer);
      }
      channel.force(true);
    }
    Files.move(coming, file, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
    Path parent = file.getParent();
    if (parent != null) {
      try (FileChannel directory = FileChannel.open(parent)) {
        directory.force(true);
      }
    }
  }

  private ChangeException notWritten(IOException e) {
    return new ChangeException(
        ChangeException.Category.RETRY,
        "state-not-written",
        "%s cannot be written to: %s.".formatted(folder, e.getMessage()),
        e);
  }
}
