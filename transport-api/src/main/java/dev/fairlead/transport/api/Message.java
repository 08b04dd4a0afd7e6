// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.transport.api;

import static dev.fairlead.transport.api.TransportException.Category.REFUSED;
import static java.util.Objects.requireNonNull;

import java.nio.ByteBuffer;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Bytes on their way to an address. What does not fit the limits is refused here, before it reaches
 * a transport.
 *
 * @param address 2 to 8 segments of {@code [A-Za-z0-9_-]{1,64}}, joined by {@code /}
 * @param headers at most 16; names {@code [a-z][a-z0-9-]{0,31}}, values at most 256 characters of
 *     printable ASCII
 * @param payload at most {@link #MAX_PAYLOAD} bytes between position and limit, which nobody moves:
 *     readers take a duplicate. A receiver may keep it
 * @param replyTo where an answer is expected, null where none is
 */
public record Message(
    String address, Map<String, String> headers, ByteBuffer payload, @Nullable String replyTo) {

  /** The largest payload, in bytes: 1 MiB less 64 KiB, left for what transports add. */
  public static final int MAX_PAYLOAD = (1 << 20) - (1 << 16);

  private static final int MAX_SEGMENT = 64;
  private static final int MAX_SEGMENTS = 8;
  private static final int MAX_HEADERS = 16;
  private static final int MAX_HEADER_NAME = 32;
  private static final int MAX_HEADER_VALUE = 256;

  /**
   * Checks all limits.
   *
   * @throws TransportException {@code REFUSED}, with the limit that was broken
   */
  public Message {
    requireAddress(address);
    if (replyTo != null) {
      requireAddress(replyTo);
    }
    requireNonNull(payload, "payload is null");
    if (payload.remaining() > MAX_PAYLOAD) {
      throw refuse(
          "payload-too-large",
          "The payload has %d bytes; %d is the most: split it."
              .formatted(payload.remaining(), MAX_PAYLOAD));
    }
    headers = Map.copyOf(headers);
    if (headers.size() > MAX_HEADERS) {
      throw refuse(
          "too-many-headers",
          "The message has %d headers; %d is the most.".formatted(headers.size(), MAX_HEADERS));
    }
    headers.forEach(Message::requireHeader);
  }

  /** A message without reply address. */
  public Message(String address, Map<String, String> headers, ByteBuffer payload) {
    this(address, headers, payload, null);
  }

  /** A message without headers and reply address. */
  public Message(String address, byte[] payload) {
    this(address, Map.of(), ByteBuffer.wrap(payload), null);
  }

  /** A copy of the payload's bytes. */
  public byte[] bytes() {
    byte[] bytes = new byte[payload.remaining()];
    payload.duplicate().get(bytes);
    return bytes;
  }

  /** Whether a pattern, as {@link Transport#subscribe} takes it, covers this message's address. */
  public boolean matches(String pattern) {
    String[] wanted = pattern.split("/", -1);
    String[] found = address.split("/", -1);
    for (int i = 0; i < wanted.length; i++) {
      if (wanted[i].equals("**")) {
        return i < found.length;
      }
      if (i >= found.length || !(wanted[i].equals("*") || wanted[i].equals(found[i]))) {
        return false;
      }
    }
    return wanted.length == found.length;
  }

  /**
   * Returns the address if it is well-formed.
   *
   * @throws TransportException {@code REFUSED}, code {@code bad-address}
   */
  public static String requireAddress(String address) {
    return requireSegments(address, false);
  }

  /**
   * Returns the pattern if it is well-formed.
   *
   * @throws TransportException {@code REFUSED}, code {@code bad-address}
   */
  public static String requirePattern(String pattern) {
    return requireSegments(pattern, true);
  }

  private static String requireSegments(String text, boolean pattern) {
    requireNonNull(text, "address is null");
    if (text.length() > MAX_SEGMENTS * (MAX_SEGMENT + 1)) {
      throw refuse("bad-address", "The address is longer than any address may be.");
    }
    String[] segments = text.split("/", -1);
    boolean fits = segments.length <= MAX_SEGMENTS && (pattern || segments.length >= 2);
    for (int i = 0; fits && i < segments.length; i++) {
      fits =
          isSegment(segments[i])
              || (pattern && segments[i].equals("*"))
              || (pattern && segments[i].equals("**") && i == segments.length - 1);
    }
    if (!fits) {
      throw refuse(
          "bad-address",
          "'%s' is no %s: use 2 to %d segments of A-Z a-z 0-9 _ -, each of 1 to %d characters, joined by /."
              .formatted(
                  printable(text), pattern ? "pattern" : "address", MAX_SEGMENTS, MAX_SEGMENT));
    }
    return text;
  }

  private static boolean isSegment(String segment) {
    if (segment.isEmpty() || segment.length() > MAX_SEGMENT) {
      return false;
    }
    for (int i = 0; i < segment.length(); i++) {
      char c = segment.charAt(i);
      boolean plain =
          (c >= 'a' && c <= 'z')
              || (c >= 'A' && c <= 'Z')
              || (c >= '0' && c <= '9')
              || c == '_'
              || c == '-';
      if (!plain) {
        return false;
      }
    }
    return true;
  }

  private static void requireHeader(String name, String value) {
    boolean fits =
        !name.isEmpty()
            && name.length() <= MAX_HEADER_NAME
            && name.charAt(0) >= 'a'
            && name.charAt(0) <= 'z';
    for (int i = 0; fits && i < name.length(); i++) {
      char c = name.charAt(i);
      fits = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-';
    }
    for (int i = 0; fits && i < value.length(); i++) {
      fits = value.charAt(i) >= ' ' && value.charAt(i) <= '~';
    }
    if (!fits || value.length() > MAX_HEADER_VALUE) {
      throw refuse(
          "bad-header",
          "Header '%s' does not fit: names are lower-case words of at most %d characters, values printable ASCII of at most %d."
              .formatted(printable(name), MAX_HEADER_NAME, MAX_HEADER_VALUE));
    }
  }

  private static String printable(String text) {
    String start = text.length() > 80 ? text.substring(0, 80) + "…" : text;
    return start.replaceAll("[^\\x20-\\x7e…]", "?");
  }

  private static TransportException refuse(String code, String sentence) {
    return new TransportException(REFUSED, code, sentence);
  }
}
