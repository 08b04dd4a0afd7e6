// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.transport.vsock.wire;

import java.io.EOFException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.ReadableByteChannel;
import java.util.zip.CRC32C;

/**
 * Takes frames off a stream. Whatever comes, it holds one buffer and the body of one frame, which
 * is no longer than its kind permits. For one thread.
 */
public final class FrameReader {

  private final ReadableByteChannel channel;
  private final ByteBuffer in;
  private final CRC32C crc = new CRC32C();
  private Wire.Side side;

  /**
   * Reads from a channel, which blocks.
   *
   * @param buffer empty; holds what was read ahead
   */
  public FrameReader(ReadableByteChannel channel, ByteBuffer buffer, Wire.Side side) {
    this.channel = channel;
    this.in = buffer.flip();
    this.side = side;
  }

  /** Says what is taken from now on. */
  public void as(Wire.Side now) {
    side = now;
  }

  /**
   * Reads the other side's greeting.
   *
   * @return its lowest and highest version
   * @throws WireException {@code not-fairlead} when it is something else
   */
  public int[] greeting() throws IOException {
    fill(Wire.GREETING);
    boolean ours = in.getInt() == Wire.MAGIC;
    int lowest = in.get() & 0xff;
    int highest = in.get() & 0xff;
    in.getShort();
    if (!ours || lowest > highest) {
      throw new WireException("not-fairlead", "The other side speaks another protocol.");
    }
    return new int[] {lowest, highest};
  }

  /** One frame: its kind, and its body, which nobody else holds. */
  public record Frame(int kind, ByteBuffer body) {}

  /**
   * Reads the next frame.
   *
   * @throws EOFException when the stream has ended
   * @throws WireException when what comes is no frame that this side takes
   */
  public Frame next() throws IOException {
    fill(Wire.HEAD);
    crc.reset();
    update(Wire.HEAD);
    int length = in.getInt();
    int kind = in.get() & 0xff;
    int limit = side.limit(kind);
    if (limit < 0) {
      throw new WireException("bad-frame", "A frame of kind " + kind + " has no place here.");
    }
    if (length < 0 || length > limit) {
      throw new WireException(
          "frame-too-long", "A frame of kind " + kind + " is longer than " + limit + " bytes.");
    }
    byte[] body = new byte[length];
    int read = 0;
    while (read < length) {
      if (!in.hasRemaining()) {
        fill(1);
      }
      int part = Math.min(in.remaining(), length - read);
      in.get(body, read, part);
      read += part;
    }
    crc.update(body, 0, length);
    fill(Wire.TAIL);
    if (in.getInt() != (int) crc.getValue()) {
      throw new WireException("bad-checksum", "A frame's checksum is wrong: bytes were changed.");
    }
    return new Frame(kind, ByteBuffer.wrap(body));
  }

  /** Whether more was read than has been taken: what comes next may be there already. */
  public boolean hasMore() {
    return in.remaining() >= Wire.HEAD;
  }

  /** Throws away whatever comes, until the stream ends. */
  public void skip() throws IOException {
    do {
      in.clear();
    } while (channel.read(in) >= 0);
  }

  private void update(int length) {
    int limit = in.limit();
    int position = in.position();
    crc.update(in.limit(position + length));
    in.limit(limit).position(position);
  }

  private void fill(int wanted) throws IOException {
    if (in.remaining() >= wanted) {
      return;
    }
    in.compact();
    try {
      while (in.position() < wanted) {
        if (channel.read(in) < 0) {
          throw new EOFException("The other side has closed the connection.");
        }
      }
    } finally {
      in.flip();
    }
  }
}
