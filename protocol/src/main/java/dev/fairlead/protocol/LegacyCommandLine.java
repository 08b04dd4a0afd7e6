// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.protocol;

import static java.nio.charset.StandardCharsets.UTF_8;

import dev.fairlead.protocol.json.Json;
import dev.fairlead.protocol.json.JsonString;
import dev.fairlead.protocol.json.JsonValue;
import dev.fairlead.protocol.json.ProtocolException;
import java.nio.charset.StandardCharsets;
import java.util.Base64;
import java.util.Optional;

/**
 * Reads a computation from {@code computation=…} on a kernel command line, as older managers put it
 * there, in any of three forms: raw JSON, spaces in it or not; a JSON string that holds JSON;
 * base64url. The word is found only where a word may begin, and only the first counts.
 */
public final class LegacyCommandLine {

  private static final String KEY = "computation=";
  private static final int MAX_BYTES = 16 * 1024 * 1024;

  private LegacyCommandLine() {}

  /**
   * The computation's exact bytes; empty where there is no such word.
   *
   * @throws ProtocolException when there is one that cannot be read, with its position
   */
  public static Optional<byte[]> computation(byte[] commandLine) {
    if (commandLine.length > MAX_BYTES) {
      throw new ProtocolException(
          "too-large",
          "The command line has %d bytes; %d is the most."
              .formatted(commandLine.length, MAX_BYTES));
    }
    // Byte for byte, so that positions stay true and rubbish elsewhere does no harm.
    String text = new String(commandLine, StandardCharsets.ISO_8859_1);
    int at = find(text);
    if (at < 0) {
      return Optional.empty();
    }
    int from = at + KEY.length();
    char first = from < text.length() ? text.charAt(from) : ' ';
    byte[] bytes =
        switch (first) {
          case '{' -> exact(text, from);
          case '"' -> quoted(text, from);
          default -> base64(text, from);
        };
    if (bytes.length > Manifest.MAX_BYTES) {
      throw new ProtocolException(
          "too-large",
          "The computation has %d bytes; %d is the most."
              .formatted(bytes.length, Manifest.MAX_BYTES));
    }
    Json.parseObject(bytes, Manifest.MAX_BYTES);
    return Optional.of(bytes);
  }

  private static byte[] exact(String text, int from) {
    Json.Prefix prefix = Json.parsePrefix(text, from);
    return text.substring(from, prefix.end()).getBytes(StandardCharsets.ISO_8859_1);
  }

  private static byte[] quoted(String text, int from) {
    JsonValue value = Json.parsePrefix(text, from).value();
    if (!(value instanceof JsonString string)) {
      throw refuse(from, "must be JSON, quoted JSON or base64url");
    }
    // What was not escaped stands as UTF-8 bytes, one character each; what was, as itself.
    String inner = string.value();
    boolean escaped = inner.chars().anyMatch(c -> c > 0xff);
    return inner.getBytes(escaped ? UTF_8 : StandardCharsets.ISO_8859_1);
  }

  private static byte[] base64(String text, int from) {
    int end = from;
    while (end < text.length() && !isSpace(text.charAt(end))) {
      end++;
    }
    if (end == from) {
      throw refuse(from, "has no value");
    }
    try {
      return Base64.getUrlDecoder().decode(text.substring(from, end));
    } catch (IllegalArgumentException e) {
      throw refuse(from, "must be JSON, quoted JSON or base64url");
    }
  }

  private static int find(String text) {
    int at = text.indexOf(KEY);
    while (at > 0 && !isSpace(text.charAt(at - 1))) {
      at = text.indexOf(KEY, at + 1);
    }
    return at;
  }

  private static boolean isSpace(char c) {
    return c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == 0;
  }

  private static ProtocolException refuse(int at, String what) {
    return new ProtocolException(
        "bad-computation", "computation= at byte %d %s.".formatted(at, what));
  }
}
