// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.bench.chaos;

import static java.nio.charset.StandardCharsets.US_ASCII;

import java.nio.ByteBuffer;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;

/**
 * The lines that an agent says, no two of which are alike: computation, run and sequence stand in
 * each, and letters that follow from these and the seed. For use by one thread.
 */
final class Lines {

  private static final int LETTERS = 48;
  private static final HexFormat HEX = HexFormat.of();

  private final String head;
  private final long salt;

  Lines(String computation, long run, long seed) {
    this.head = "{\"line\":\"" + computation + "." + run + ".";
    this.salt = mix(seed) ^ mix(computation.hashCode() * 31L + run);
  }

  byte[] line(long sequence) {
    StringBuilder text = new StringBuilder(head.length() + 96);
    text.append(head).append(sequence).append("\",\"text\":\"");
    long state = mix(salt ^ sequence);
    for (int i = 0; i < LETTERS; i++) {
      if (i % 12 == 0) {
        state = mix(state + i);
      }
      text.append((char) ('a' + (int) (state & 15)));
      state >>>= 5;
    }
    return text.append("\"}").toString().getBytes(US_ASCII);
  }

  private static long mix(long value) {
    long x = value + 0x9e3779b97f4a7c15L;
    x = (x ^ (x >>> 30)) * 0xbf58476d1ce4e5b9L;
    x = (x ^ (x >>> 27)) * 0x94d049bb133111ebL;
    return x ^ (x >>> 31);
  }

  static MessageDigest digest() {
    try {
      return MessageDigest.getInstance("SHA-256");
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException("Every Java platform has SHA-256.", e);
    }
  }

  /** The first 8 bytes of a line's SHA-256. */
  static long hash(MessageDigest digest, byte[] line) {
    return ByteBuffer.wrap(digest.digest(line)).getLong();
  }

  /** As it stands in ledger and store: 16 hex digits. */
  static String hex(long hash) {
    return HEX.toHexDigits(hash);
  }
}
