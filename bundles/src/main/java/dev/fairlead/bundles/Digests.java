// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.bundles;

import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;
import java.util.Locale;
import java.util.Optional;
import java.util.regex.Pattern;

/** SHA-256 as text: 64 hexadecimal digits in lower case. */
final class Digests {

  private static final Pattern HEX = Pattern.compile("[0-9a-f]{64}");

  private Digests() {}

  static String of(byte[] bytes) {
    try {
      return HexFormat.of().formatHex(MessageDigest.getInstance("SHA-256").digest(bytes));
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException("Every Java platform has SHA-256.", e);
    }
  }

  /** What a person or {@code sha256sum} wrote: the digest comes first, a file's name may follow. */
  static Optional<String> parse(String text) {
    String first = text.strip().split("\\s", 2)[0].toLowerCase(Locale.ROOT);
    return HEX.matcher(first).matches() ? Optional.of(first) : Optional.empty();
  }
}
