// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.transport.vsock.wire;

import static java.nio.charset.StandardCharsets.ISO_8859_1;

import dev.fairlead.transport.api.Message;
import dev.fairlead.transport.api.TransportException;
import java.io.IOException;
import java.nio.BufferUnderflowException;
import java.nio.ByteBuffer;
import java.util.HashMap;
import java.util.Map;

/** Messages as they stand in a frame. */
public final class Messages {

  private Messages() {}

  /** How many bytes a message takes in a frame. */
  public static int size(Message message) {
    String replyTo = message.replyTo();
    int size = 2 + message.address().length() + 2 + (replyTo == null ? 0 : replyTo.length()) + 1;
    for (Map.Entry<String, String> header : message.headers().entrySet()) {
      size += 1 + header.getKey().length() + 2 + header.getValue().length();
    }
    return size + message.payload().remaining();
  }

  /** Puts a message into the frame that was begun. */
  public static void put(Message message, FrameWriter out) throws IOException {
    String replyTo = message.replyTo() == null ? "" : message.replyTo();
    out.put2(message.address().length()).text(message.address());
    out.put2(replyTo.length()).text(replyTo);
    out.put1(message.headers().size());
    for (Map.Entry<String, String> header : message.headers().entrySet()) {
      out.put1(header.getKey().length()).text(header.getKey());
      out.put2(header.getValue().length()).text(header.getValue());
    }
    out.bytes(message.payload());
  }

  /**
   * Reads a message, whose payload is then a part of the same memory.
   *
   * @param body from the address on, to its limit; its position moves
   * @throws WireException {@code bad-message} when it breaks any limit of {@link Message}
   */
  public static Message read(ByteBuffer body) throws WireException {
    try {
      String address = text(body, body.getShort() & 0xffff);
      String replyTo = text(body, body.getShort() & 0xffff);
      int count = body.get() & 0xff;
      Map<String, String> headers = count == 0 ? Map.of() : new HashMap<>();
      for (int i = 0; i < count; i++) {
        String name = text(body, body.get() & 0xff);
        if (headers.put(name, text(body, body.getShort() & 0xffff)) != null) {
          throw new WireException("bad-message", "A message has two headers of one name.");
        }
      }
      return new Message(address, headers, body.slice(), replyTo.isEmpty() ? null : replyTo);
    } catch (BufferUnderflowException e) {
      throw new WireException("bad-message", "A message ends before all of it was there.");
    } catch (TransportException e) {
      throw new WireException("bad-message", "A message breaks a limit: " + e.getMessage());
    }
  }

  /** The next bytes as text; what is no ASCII is refused by whoever checks the text. */
  public static String text(ByteBuffer from, int length) {
    if (length > from.remaining()) {
      throw new BufferUnderflowException();
    }
    String text =
        new String(from.array(), from.arrayOffset() + from.position(), length, ISO_8859_1);
    from.position(from.position() + length);
    return text;
  }
}
