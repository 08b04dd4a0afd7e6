// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.agent.image;

import static java.nio.charset.StandardCharsets.US_ASCII;
import static java.nio.charset.StandardCharsets.UTF_8;

import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;

/**
 * Writes a cpio archive as the kernel reads it ("newc", magic 070701): per entry 13 numbers of 8
 * hexadecimal digits, the name with a NUL, the content; name and content padded to 4 bytes. Every
 * entry is root's. Inode numbers count up from 1, so that the same calls give the same bytes.
 */
final class CpioWriter implements AutoCloseable {

  private static final int DIRECTORY = 0040000;
  private static final int REGULAR = 0100000;
  private static final int LINK = 0120000;
  private static final int CHARACTER = 0020000;
  private static final long MAX_FILE = 0xffff_ffffL;

  private final OutputStream out;
  private final long seconds;
  private long written;
  private int inode;

  /**
   * Makes one.
   *
   * @param seconds time of all entries, since 1970
   */
  CpioWriter(OutputStream out, long seconds) {
    this.out = out;
    this.seconds = seconds;
  }

  /** A folder; its parents come first. */
  void directory(String path, int permissions) throws IOException {
    header(path, DIRECTORY | permissions, 2, 0, 0, 0);
  }

  /** A file of exactly {@code size} bytes. */
  void file(String path, int permissions, long size, InputStream content) throws IOException {
    if (size < 0 || size > MAX_FILE) {
      throw new IOException(path + " is too large for this archive.");
    }
    header(path, REGULAR | permissions, 1, size, 0, 0);
    long copied = content.transferTo(out);
    if (copied != size) {
      throw new IOException(path + " changed while it was read.");
    }
    written += size;
    pad();
  }

  /** A symbolic link. */
  void link(String path, String target) throws IOException {
    byte[] content = target.getBytes(UTF_8);
    header(path, LINK | 0777, 1, content.length, 0, 0);
    put(content);
    pad();
  }

  /** A character device. */
  void character(String path, int permissions, int major, int minor) throws IOException {
    header(path, CHARACTER | permissions, 1, 0, major, minor);
  }

  /** Ends the archive and flushes it; the stream stays open. */
  @Override
  public void close() throws IOException {
    inode = -1;
    header("TRAILER!!!", 0, 1, 0, 0, 0);
    out.flush();
  }

  private void header(String path, int mode, int links, long size, int major, int minor)
      throws IOException {
    byte[] name = path.getBytes(UTF_8);
    if (name.length == 0 || name[0] == '/') {
      throw new IOException("'" + path + "' is no relative path.");
    }
    inode++;
    boolean trailer = inode == 0;
    put(
        "070701%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x"
            .formatted(
                inode,
                mode,
                0,
                0,
                links,
                trailer ? 0 : seconds,
                size,
                0,
                0,
                major,
                minor,
                name.length + 1,
                0)
            .getBytes(US_ASCII));
    put(name);
    put(new byte[1]);
    pad();
  }

  private void pad() throws IOException {
    put(new byte[(int) (-written & 3)]);
  }

  private void put(byte[] bytes) throws IOException {
    out.write(bytes);
    written += bytes.length;
  }
}
