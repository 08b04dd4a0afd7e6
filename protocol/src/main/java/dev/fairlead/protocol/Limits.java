// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.protocol;

import dev.fairlead.protocol.json.JsonObject;
import dev.fairlead.protocol.json.ProtocolException;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.Base64;
import java.util.HexFormat;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/** Checks that several messages share. */
final class Limits {

  static final int MAX_WORD = 64;
  static final int MAX_TEXT = 1024;

  private static final Pattern SHA256 = Pattern.compile("[0-9a-f]{64}");
  private static final Pattern BUNDLE = Pattern.compile("[A-Za-z0-9_.-]{1,128}");
  private static final Pattern VERSION = Pattern.compile("[A-Za-z0-9_.-]{1,64}");
  private static final Pattern EPOCH = Pattern.compile("[A-Za-z0-9_-]{1,64}");

  private Limits() {}

  static byte[] requireLength(byte[] message, int max) {
    if (message.length > max) {
      throw new ProtocolException(
          "too-large",
          "The message would have %d bytes; %d is the most.".formatted(message.length, max));
    }
    return message;
  }

  static String requireSha256(String what, String text) {
    if (!SHA256.matcher(text).matches()) {
      throw new ProtocolException(
          "bad-digest", "%s must be 64 lower-case hex digits.".formatted(what));
    }
    return text;
  }

  static @Nullable String sha256OrNull(String what, @Nullable String text) {
    return text == null ? null : requireSha256(what, text);
  }

  static void requireBundle(String name) {
    if (!BUNDLE.matcher(name).matches()) {
      throw new ProtocolException(
          "bad-bundle", "A bundle's name is 1 to 128 of A-Z a-z 0-9 _ . -.");
    }
  }

  static void requireVersion(String text) {
    if (!VERSION.matcher(text).matches()) {
      throw new ProtocolException(
          "bad-version", "A bundle's version is 1 to 64 of A-Z a-z 0-9 _ . -.");
    }
  }

  static String requireEpoch(String text) {
    if (!EPOCH.matcher(text).matches()) {
      throw new ProtocolException("bad-epoch", "An epoch is 1 to 64 of A-Z a-z 0-9 _ -.");
    }
    return text;
  }

  static String requireText(String what, String text, int max) {
    if (text.isEmpty() || text.length() > max) {
      throw new ProtocolException(
          "bad-field", "%s must have 1 to %d characters.".formatted(what, max));
    }
    return text;
  }

  /** Base64 of the standard alphabet, with or without its padding. */
  static byte[] base64(JsonObject json, String name) {
    try {
      return Base64.getDecoder().decode(json.string(name));
    } catch (IllegalArgumentException e) {
      throw json.refuse(name, "must be base64 of the standard alphabet.");
    }
  }

  static String sha256(byte[] bytes) {
    try {
      return HexFormat.of().formatHex(MessageDigest.getInstance("SHA-256").digest(bytes));
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException("Every Java platform has SHA-256.", e);
    }
  }
}
