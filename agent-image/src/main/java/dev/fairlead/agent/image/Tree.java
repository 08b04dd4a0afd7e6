// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.agent.image;

import static java.nio.charset.StandardCharsets.UTF_8;

import dev.fairlead.hypervisor.qemu.cpio.CpioWriter;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.nio.file.attribute.PosixFilePermission;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.Set;
import java.util.SortedMap;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * The guest's files before they are packed: sorted by path, all with one time and one owner. Modes
 * are said here and never read from the disk, where they depend on a umask.
 */
final class Tree {

  /** The time of every file in the guest. Class archives hold the times of the jars they cover. */
  static final long SECONDS = 1_767_225_600L; // 2026-01-01T00:00:00Z

  private sealed interface Entry {
    int mode();
  }

  private record Folder(int mode) implements Entry {}

  private record Stored(int mode, Path source) implements Entry {}

  private record Text(int mode, String content) implements Entry {}

  private record Link(int mode, String target) implements Entry {}

  private record Device(int mode, int major, int minor) implements Entry {}

  private final SortedMap<String, Entry> entries = new TreeMap<>();

  void folder(String path, int mode) {
    parents(path);
    entries.put(path, new Folder(mode));
  }

  void file(String path, int mode, Path source) {
    parents(path);
    entries.put(path, new Stored(mode, source));
  }

  void file(String path, int mode, String content) {
    parents(path);
    entries.put(path, new Text(mode, content));
  }

  void link(String path, String target) {
    parents(path);
    entries.put(path, new Link(0777, target));
  }

  void device(String path, int mode, int major, int minor) {
    parents(path);
    entries.put(path, new Device(mode, major, minor));
  }

  void remove(String path) {
    entries.remove(path);
  }

  /** Where the content of a file comes from, null when it comes from no file of the host. */
  @Nullable Path source(String path) {
    return entries.get(path) instanceof Stored stored ? stored.source() : null;
  }

  /** Bytes of all files at or below a path. */
  long size(String prefix) throws IOException {
    long bytes = 0;
    for (var entry : entries.entrySet()) {
      if (entry.getKey().equals(prefix) || entry.getKey().startsWith(prefix + "/")) {
        bytes += size(entry.getValue());
      }
    }
    return bytes;
  }

  private static long size(Entry entry) throws IOException {
    if (entry instanceof Stored stored) {
      return Files.size(stored.source());
    }
    return entry instanceof Text text ? text.content().getBytes(UTF_8).length : 0;
  }

  /** Writes all of it as one archive, and flushes the stream. */
  void pack(OutputStream out) throws IOException {
    CpioWriter cpio = new CpioWriter(out, SECONDS);
    for (var named : entries.entrySet()) {
      String path = named.getKey();
      Entry entry = named.getValue();
      if (entry instanceof Folder) {
        cpio.directory(path, entry.mode());
      } else if (entry instanceof Link link) {
        cpio.link(path, link.target());
      } else if (entry instanceof Device device) {
        cpio.characterDevice(path, entry.mode(), device.major(), device.minor());
      } else {
        try (InputStream content = open(entry)) {
          cpio.file(path, entry.mode(), size(entry), content);
        }
      }
    }
    cpio.finish();
    out.flush();
  }

  private static InputStream open(Entry entry) throws IOException {
    return entry instanceof Stored stored
        ? Files.newInputStream(stored.source())
        : new ByteArrayInputStream(((Text) entry).content().getBytes(UTF_8));
  }

  /**
   * Lays it out on the disk, as far as an ordinary user can: devices are left out. Files have the
   * guest's times.
   */
  void layOut(Path root) throws IOException {
    FileTime time = FileTime.fromMillis(SECONDS * 1000);
    for (var named : entries.entrySet()) {
      Path path = root.resolve(named.getKey());
      Entry entry = named.getValue();
      if (entry instanceof Folder) {
        Files.createDirectories(path);
      } else if (entry instanceof Link link) {
        Files.createSymbolicLink(path, Path.of(link.target()));
      } else if (!(entry instanceof Device)) {
        try (InputStream content = open(entry)) {
          Files.copy(content, path);
        }
        Files.setPosixFilePermissions(path, permissions(entry.mode()));
        Files.setLastModifiedTime(path, time);
      }
    }
  }

  private static Set<PosixFilePermission> permissions(int mode) {
    StringBuilder text = new StringBuilder();
    for (int bit = 8; bit >= 0; bit--) {
      text.append((mode >> bit & 1) == 0 ? '-' : "xwr".charAt(bit % 3));
    }
    return PosixFilePermissions.fromString(text.toString());
  }

  private void parents(String path) {
    for (int slash = path.indexOf('/'); slash > 0; slash = path.indexOf('/', slash + 1)) {
      entries.putIfAbsent(path.substring(0, slash), new Folder(0755));
    }
  }
}
