// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.agent.run;

import static java.nio.file.LinkOption.NOFOLLOW_LINKS;

import java.io.FilterOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.file.FileVisitResult;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.SimpleFileVisitor;
import java.nio.file.attribute.BasicFileAttributes;
import java.security.DigestOutputStream;
import java.security.MessageDigest;
import java.time.LocalDateTime;
import java.util.HexFormat;
import java.util.Map;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.zip.CRC32;
import java.util.zip.ZipEntry;
import java.util.zip.ZipOutputStream;

/**
 * Packs a directory of results into a zip file that depends on nothing but the names and contents
 * of its files: names sorted by character, every time 1980-02-01 00:00 (the format's first day
 * makes Java add the local time zone), no modes, no owner, nothing compressed (how well deflate
 * does differs from one zlib to the next).
 *
 * <p>Only regular files and directories with names of printable ASCII are packed; a link, a device
 * or another name is refused, since following it could lead out of the directory. Empty directories
 * are entries whose name ends with {@code /}.
 */
public final class ResultArchive {

  /** The most files and directories of one result. */
  public static final int MAX_ENTRIES = 10_000;

  private static final LocalDateTime TIME = LocalDateTime.of(1980, 2, 1, 0, 0);

  private ResultArchive() {}

  /**
   * A packed result.
   *
   * @param sha3 SHA3-256 in lower-case hex
   */
  public record Packed(Path file, long size, String sha3) {}

  /** Why a result was not packed; the message is one sentence for a person. */
  public static final class RefusedException extends IOException {
    private static final long serialVersionUID = 1L;

    RefusedException(String message) {
      super(message);
    }
  }

  /**
   * Packs a directory.
   *
   * @param limit the most bytes that the file may have
   * @throws RefusedException when the results are not what they must be; no file is left
   */
  public static Packed pack(Path directory, Path file, long limit) throws IOException {
    SortedMap<String, Path> entries = list(directory);
    MessageDigest digest = Digests.sha3();
    boolean whole = false;
    try {
      try (LimitedStream limited = new LimitedStream(Files.newOutputStream(file), limit);
          ZipOutputStream zip = new ZipOutputStream(new DigestOutputStream(limited, digest))) {
        zip.setMethod(ZipOutputStream.STORED);
        for (Map.Entry<String, Path> entry : entries.entrySet()) {
          add(zip, entry.getKey(), entry.getValue(), limit);
        }
      }
      whole = true;
    } finally {
      if (!whole) {
        Files.deleteIfExists(file);
      }
    }
    return new Packed(file, Files.size(file), HexFormat.of().formatHex(digest.digest()));
  }

  private static SortedMap<String, Path> list(Path directory) throws IOException {
    SortedMap<String, Path> entries = new TreeMap<>();
    Files.walkFileTree(
        directory,
        new SimpleFileVisitor<>() {
          @Override
          public FileVisitResult preVisitDirectory(Path path, BasicFileAttributes attributes)
              throws IOException {
            if (!path.equals(directory)) {
              put(name(directory, path) + "/", path);
            }
            return FileVisitResult.CONTINUE;
          }

          @Override
          public FileVisitResult visitFile(Path path, BasicFileAttributes attributes)
              throws IOException {
            String name = name(directory, path);
            if (!attributes.isRegularFile()) {
              throw new RefusedException(
                  "The result '" + name + "' is no plain file; write a file or a directory.");
            }
            put(name, path);
            return FileVisitResult.CONTINUE;
          }

          private void put(String name, Path path) throws RefusedException {
            entries.put(name, path);
            if (entries.size() > MAX_ENTRIES) {
              throw new RefusedException(
                  "There are more than %d results; pack them yourself.".formatted(MAX_ENTRIES));
            }
          }
        });
    // A directory shows in the names of what it holds.
    entries
        .keySet()
        .removeIf(
            name -> {
              SortedMap<String, Path> after = entries.tailMap(name + "\0");
              return name.endsWith("/") && !after.isEmpty() && after.firstKey().startsWith(name);
            });
    return entries;
  }

  private static String name(Path directory, Path path) throws RefusedException {
    String name = directory.relativize(path).toString();
    for (int i = 0; i < name.length(); i++) {
      char c = name.charAt(i);
      if (c < ' ' || c > '~' || c == '\\') {
        throw new RefusedException(
            "A result's name must be printable ASCII without backslash; '%s' is not."
                .formatted(name.replaceAll("[^ -~]", "?")));
      }
    }
    return name;
  }

  private static void add(ZipOutputStream zip, String name, Path path, long limit)
      throws IOException {
    ZipEntry entry = new ZipEntry(name);
    entry.setTimeLocal(TIME);
    entry.setMethod(ZipEntry.STORED);
    if (name.endsWith("/")) {
      entry.setSize(0);
      entry.setCrc(0);
      zip.putNextEntry(entry);
    } else {
      long size = Files.size(path);
      if (size > limit) {
        throw tooLarge(limit);
      }
      entry.setSize(size);
      entry.setCrc(crc(path));
      zip.putNextEntry(entry);
      try (InputStream in = Files.newInputStream(path, NOFOLLOW_LINKS)) {
        in.transferTo(zip);
      }
    }
    zip.closeEntry();
  }

  private static long crc(Path path) throws IOException {
    CRC32 crc = new CRC32();
    byte[] buffer = new byte[64 * 1024];
    try (InputStream in = Files.newInputStream(path, NOFOLLOW_LINKS)) {
      for (int n = in.read(buffer); n >= 0; n = in.read(buffer)) {
        crc.update(buffer, 0, n);
      }
    }
    return crc.getValue();
  }

  private static RefusedException tooLarge(long limit) {
    return new RefusedException(
        "The packed results are larger than %d bytes; write less.".formatted(limit));
  }

  /** Lets no more than a number of bytes through. */
  private static final class LimitedStream extends FilterOutputStream {
    private final long limit;
    private long written;

    LimitedStream(OutputStream out, long limit) {
      super(out);
      this.limit = limit;
    }

    @Override
    public void write(int b) throws IOException {
      spend(1);
      out.write(b);
    }

    @Override
    public void write(byte[] bytes, int offset, int count) throws IOException {
      spend(count);
      out.write(bytes, offset, count);
    }

    private void spend(int count) throws IOException {
      if (count > limit - written) {
        throw tooLarge(limit);
      }
      written += count;
    }
  }
}
