// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.transport.vsock.wire;

import static java.nio.charset.StandardCharsets.US_ASCII;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.WritableByteChannel;
import java.util.zip.CRC32C;

/**
 * Puts frames on a stream, as {@link Wire} describes them. Collects them in one buffer, which goes
 * out when it is full or flushed: many small frames cost one call. For one thread.
 */
public final class FrameWriter {

  private final WritableByteChannel channel;
  private final ByteBuffer out;
  private final CRC32C crc = new CRC32C();

  /** From where in the buffer the present frame is not yet in its checksum. */
  private int unsummed;

  /**
   * Writes to a channel, which blocks.
   *
   * @param buffer empty
   */
  public FrameWriter(WritableByteChannel channel, ByteBuffer buffer) {
    this.channel = channel;
    this.out = buffer;
  }

  /** Writes the greeting, and flushes. */
  public void greet() throws IOException {
    room(Wire.GREETING);
    out.putInt(Wire.MAGIC).put((byte) Wire.VERSION).put((byte) Wire.VERSION).putShort((short) 0);
    flush();
  }

  /** Begins a frame, whose body must then be put whole. */
  public FrameWriter begin(int kind, int length) throws IOException {
    room(Wire.HEAD);
    crc.reset();
    unsummed = out.position();
    out.putInt(length).put((byte) kind);
    return this;
  }

  /** Ends the frame that was begun. */
  public void end() throws IOException {
    sum();
    room(Wire.TAIL);
    out.putInt((int) crc.getValue());
    unsummed = out.position();
  }

  /** A frame without a body. */
  public void empty(int kind) throws IOException {
    begin(kind, 0).end();
  }

  /** One byte. */
  public FrameWriter put1(int value) throws IOException {
    room(1);
    out.put((byte) value);
    return this;
  }

  /** Two bytes. */
  public FrameWriter put2(int value) throws IOException {
    room(2);
    out.putShort((short) value);
    return this;
  }

  /** Four bytes. */
  public FrameWriter put4(int value) throws IOException {
    room(4);
    out.putInt(value);
    return this;
  }

  /** Eight bytes. */
  public FrameWriter put8(long value) throws IOException {
    room(8);
    out.putLong(value);
    return this;
  }

  /** Text without its length. */
  public FrameWriter text(String ascii) throws IOException {
    return bytes(ByteBuffer.wrap(ascii.getBytes(US_ASCII)));
  }

  /** Bytes without their length; leaves position and limit as they are. */
  public FrameWriter bytes(ByteBuffer source) throws IOException {
    ByteBuffer from = source.duplicate();
    while (from.remaining() > out.remaining()) {
      int limit = from.limit();
      out.put(from.limit(from.position() + out.remaining()));
      from.limit(limit);
      spill();
    }
    out.put(from);
    return this;
  }

  /** Hands all that was put to the channel. */
  public void flush() throws IOException {
    out.flip();
    try {
      while (out.hasRemaining()) {
        channel.write(out);
      }
    } finally {
      out.clear();
      unsummed = 0;
    }
  }

  private void room(int bytes) throws IOException {
    if (out.remaining() < bytes) {
      spill();
    }
  }

  private void spill() throws IOException {
    sum();
    flush();
  }

  private void sum() {
    ByteBuffer part = out.duplicate().flip().position(unsummed);
    crc.update(part);
    unsummed = out.position();
  }
}
