// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.transport.mqtt;

import java.io.IOException;
import java.io.InputStream;

/**
 * What a broker sends, read from the socket in large pieces. It follows the packets' lengths, so
 * that a packet beyond the limit ends the connection before Paho makes room for it: a fixed header
 * is one byte of type and one to four bytes of length, seven bits in each, the lowest first.
 */
final class PacketStream extends InputStream {

  private static final int BUFFER = 64 * 1024;

  private final InputStream source;
  private final int most;
  private final byte[] buffer = new byte[BUFFER];
  private int position;
  private int limit;

  // Where the next byte stands: in a body, or at one of a header's bytes.
  private int body;
  private int headerByte;
  private int length;

  /**
   * Reads from a socket.
   *
   * @param most the longest packet, in bytes, without its fixed header
   */
  PacketStream(InputStream source, int most) {
    this.source = source;
    this.most = most;
  }

  @Override
  public int read() throws IOException {
    if (position == limit && !fill()) {
      return -1;
    }
    int value = buffer[position++] & 0xff;
    if (body > 0) {
      body--;
    } else {
      header(value);
    }
    return value;
  }

  @Override
  public int read(byte[] into, int from, int count) throws IOException {
    if (count == 0) {
      return 0;
    }
    if (body == 0) {
      int value = read();
      if (value < 0) {
        return -1;
      }
      into[from] = (byte) value;
      return 1;
    }
    int wanted = Math.min(count, body);
    int got;
    if (position < limit) {
      got = Math.min(wanted, limit - position);
      System.arraycopy(buffer, position, into, from, got);
      position += got;
    } else if (wanted >= BUFFER) {
      got = source.read(into, from, wanted);
    } else if (fill()) {
      got = Math.min(wanted, limit);
      System.arraycopy(buffer, 0, into, from, got);
      position = got;
    } else {
      got = -1;
    }
    if (got > 0) {
      body -= got;
    }
    return got;
  }

  /** What can be read without asking the socket. */
  @Override
  public int available() {
    return limit - position;
  }

  @Override
  public void close() throws IOException {
    source.close();
  }

  private void header(int value) throws IOException {
    if (headerByte == 0) {
      length = 0;
      headerByte = 1;
      return;
    }
    length |= (value & 0x7f) << (7 * (headerByte - 1));
    if ((value & 0x80) != 0 && headerByte < 4) {
      headerByte++;
      return;
    }
    if ((value & 0x80) != 0 || length > most) {
      throw new IOException(
          "The broker sends a packet of more than " + most + " bytes: that is none for us.");
    }
    headerByte = 0;
    body = length;
  }

  private boolean fill() throws IOException {
    int count = source.read(buffer, 0, BUFFER);
    position = 0;
    limit = Math.max(0, count);
    return count > 0;
  }
}
