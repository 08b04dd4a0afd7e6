// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.hypervisor.qemu.cpio;

import static java.nio.charset.StandardCharsets.US_ASCII;
import static java.nio.charset.StandardCharsets.UTF_8;

import java.io.ByteArrayInputStream;
import java.io.Closeable;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.util.HashSet;
import java.util.Locale;
import java.util.Set;

/**
 * Writes a cpio archive as the kernel's initramfs wants it, the same bytes for the same calls: one
 * time for all entries, owner root, inodes in order of writing.
 *
 * <p>The format is "newc". An entry is a header of 110 ASCII characters (the magic {@code 070701},
 * then 13 numbers of 8 hexadecimal digits: inode, mode, uid, gid, links, mtime, size, device major
 * and minor, node's major and minor, length of the name with its NUL, checksum 0), the name with
 * its NUL, padding to a multiple of 4, the content, padding to a multiple of 4. The archive ends
 * with an entry named {@code TRAILER!!!}. The kernel skips zeros between archives, and cannot
 * unpack into a directory that no earlier entry made: so every parent must be written first.
 *
 * <p>Not safe for use by several threads.
 */
public final class CpioWriter implements Closeable {

  private static final String TRAILER = "TRAILER!!!";
  private static final long MAX_SIZE = 0xffff_ffffL;
  private static final int DIRECTORY = 0040000;
  private static final int FILE = 0100000;
  private static final int LINK = 0120000;
  private static final int CHARACTER_DEVICE = 0020000;

  private final OutputStream out;
  private final long mtime;
  private final Set<String> directories = new HashSet<>();
  private final Set<String> names = new HashSet<>();
  private int inode;
  private long written;
  private boolean finished;

  /**
   * Makes one.
   *
   * @param mtime of every entry, in seconds since 1970, from 0 to 2³²−1
   */
  public CpioWriter(OutputStream out, long mtime) {
    if (mtime < 0 || mtime > MAX_SIZE) {
      throw new IllegalArgumentException("An mtime lies between 0 and 2^32-1, not at " + mtime);
    }
    this.out = out;
    this.mtime = mtime;
  }

  /**
   * Writes a directory.
   *
   * @param name relative, parts joined by {@code /}
   * @param permissions {@code 0755}
   */
  public void directory(String name, int permissions) throws IOException {
    header(name, DIRECTORY, permissions, 2, 0, 0, 0);
    directories.add(name);
  }

  /** Writes a file from memory. */
  public void file(String name, int permissions, byte[] content) throws IOException {
    file(name, permissions, content.length, new ByteArrayInputStream(content));
  }

  /**
   * Writes a file.
   *
   * @param size how many bytes the content has; another number is an {@link IOException}
   * @param content is read to its end, and not closed
   */
  public void file(String name, int permissions, long size, InputStream content)
      throws IOException {
    if (size < 0 || size > MAX_SIZE) {
      throw new IOException("%s has %d bytes; an entry has 4 GiB at most".formatted(name, size));
    }
    header(name, FILE, permissions, 1, size, 0, 0);
    byte[] buffer = new byte[1 << 16];
    long left = size;
    for (int n = content.read(buffer); n >= 0; n = content.read(buffer)) {
      left -= n;
      if (left < 0) {
        break;
      }
      write(buffer, n);
    }
    if (left != 0) {
      throw new IOException("%s does not have the %d bytes announced".formatted(name, size));
    }
    pad();
  }

  /** Writes a symbolic link. */
  public void link(String name, String target) throws IOException {
    byte[] content = target.getBytes(UTF_8);
    header(name, LINK, 0777, 1, content.length, 0, 0);
    write(content, content.length);
    pad();
  }

  /** Writes the node of a character device: {@code dev/console}, 5, 1. */
  public void characterDevice(String name, int permissions, int major, int minor)
      throws IOException {
    header(name, CHARACTER_DEVICE, permissions, 1, 0, major, minor);
  }

  /** How many bytes have been written. */
  public long written() {
    return written;
  }

  /** Writes the end of the archive; does not close the stream. */
  public void finish() throws IOException {
    if (!finished) {
      finished = true;
      entry(0, TRAILER, 0, 1, 0, 0, 0, 0);
    }
  }

  /** Finishes, and closes the stream. */
  @Override
  public void close() throws IOException {
    finish();
    out.close();
  }

  private void header(
      String name, int type, int permissions, int links, long size, int major, int minor)
      throws IOException {
    if (finished) {
      throw new IOException("The archive is finished; nothing can be added");
    }
    if (name.isEmpty() || name.startsWith("/") || name.endsWith("/") || name.indexOf(0) >= 0) {
      throw new IllegalArgumentException("Not a relative name: '%s'".formatted(name));
    }
    int slash = name.lastIndexOf('/');
    if (slash > 0 && !directories.contains(name.substring(0, slash))) {
      throw new IllegalArgumentException("Write the directory of %s first".formatted(name));
    }
    if (!names.add(name)) {
      throw new IllegalArgumentException("%s is there already".formatted(name));
    }
    entry(++inode, name, type | (permissions & 07777), links, mtime, size, major, minor);
  }

  private void entry(
      int ino, String name, int mode, int links, long time, long size, int major, int minor)
      throws IOException {
    byte[] nameBytes = name.getBytes(UTF_8);
    String header =
        "070701%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x"
            .formatted(
                ino, mode, 0, 0, links, time, size, 0, 0, major, minor, nameBytes.length + 1, 0)
            .toUpperCase(Locale.ROOT);
    write(header.getBytes(US_ASCII), header.length());
    write(nameBytes, nameBytes.length);
    write(new byte[1], 1);
    pad();
  }

  private void pad() throws IOException {
    int n = (int) (-written & 3);
    write(new byte[n], n);
  }

  private void write(byte[] bytes, int length) throws IOException {
    out.write(bytes, 0, length);
    written += length;
  }
}
