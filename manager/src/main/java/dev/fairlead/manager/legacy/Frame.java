// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.manager.legacy;

import java.io.DataInputStream;
import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import org.jspecify.annotations.Nullable;

/**
 * What an agent of 2024 sends: {@code id u32 | length u32 | payload}, numbers little-endian, the
 * payload a protobuf message of at most {@value #MAX_PAYLOAD} bytes. It is answered by its id, u32
 * little-endian, on the same connection. Ids rise by 1 and begin anew with the agent's process.
 */
final class Frame {

  static final int MAX_PAYLOAD = 1 << 20;

  private static final int HEADER = 8;

  private final long id;
  private final byte[] payload;

  private Frame(long id, byte[] payload) {
    this.id = id;
    this.payload = payload;
  }

  /** Its number: 32 bits without a sign. */
  long id() {
    return id;
  }

  /** Its own; nobody changes it. */
  byte[] payload() {
    return payload;
  }

  /**
   * Reads one.
   *
   * @return null when the stream has ended between two frames
   * @throws IOException when it ends within one, or one is too long
   */
  static @Nullable Frame read(InputStream in) throws IOException {
    byte[] header = in.readNBytes(HEADER);
    if (header.length == 0) {
      return null;
    }
    if (header.length < HEADER) {
      throw new EOFException("The stream ends within a frame's header");
    }
    ByteBuffer numbers = ByteBuffer.wrap(header).order(ByteOrder.LITTLE_ENDIAN);
    long id = Integer.toUnsignedLong(numbers.getInt());
    long length = Integer.toUnsignedLong(numbers.getInt());
    if (length > MAX_PAYLOAD) {
      throw new IOException("A frame of %d bytes; %d is the most".formatted(length, MAX_PAYLOAD));
    }
    byte[] payload = new byte[(int) length];
    new DataInputStream(in).readFully(payload);
    return new Frame(id, payload);
  }

  /** The answer to one. */
  static byte[] acknowledgement(long id) {
    return ByteBuffer.allocate(4).order(ByteOrder.LITTLE_ENDIAN).putInt((int) id).array();
  }
}
