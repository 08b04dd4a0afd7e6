// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.agent.run;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.io.IOException;
import java.io.InputStream;

/**
 * Cuts a stream of bytes into lines of limited length. A longer line is cut between two characters,
 * never inside of one; what is not UTF-8 is replaced by U+FFFD. Empty lines are lines; what stands
 * after the last newline is one too, unless it is nothing.
 */
final class LineSplitter {

  private final byte[] line;
  private int length;

  /** Takes a line. */
  @FunctionalInterface
  interface Lines {
    void line(String line) throws InterruptedException;
  }

  /**
   * Makes one.
   *
   * @param longest in bytes, at least 4: a character's length
   */
  LineSplitter(int longest) {
    if (longest < 4) {
      throw new IllegalArgumentException("longest is less than 4");
    }
    line = new byte[longest];
  }

  /** Reads to the end of the stream. */
  void read(InputStream in, Lines lines) throws IOException, InterruptedException {
    byte[] buffer = new byte[16 * 1024];
    for (int n = in.read(buffer); n >= 0; n = in.read(buffer)) {
      take(buffer, n, lines);
    }
    if (length > 0) {
      flush(length, lines);
    }
  }

  private void take(byte[] buffer, int count, Lines lines) throws InterruptedException {
    for (int i = 0; i < count; i++) {
      if (buffer[i] == '\n') {
        flush(length, lines);
      } else {
        if (length == line.length) {
          flush(wholeCharacters(), lines);
        }
        line[length++] = buffer[i];
      }
    }
  }

  private void flush(int count, Lines lines) throws InterruptedException {
    lines.line(new String(line, 0, count, UTF_8));
    System.arraycopy(line, count, line, 0, length - count);
    length -= count;
  }

  /** How many bytes of the full line end with a character's last byte. */
  private int wholeCharacters() {
    int start = length - 1;
    while (start > length - 4 && (line[start] & 0xC0) == 0x80) {
      start--;
    }
    int first = line[start] & 0xFF;
    int wanted = first >= 0xF0 ? 4 : first >= 0xE0 ? 3 : first >= 0xC0 ? 2 : 1;
    return start + wanted > length ? start : length;
  }
}
