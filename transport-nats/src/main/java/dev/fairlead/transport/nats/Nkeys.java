// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.transport.nats;

import java.security.GeneralSecurityException;
import java.security.KeyFactory;
import java.security.PrivateKey;
import java.security.Signature;
import java.security.spec.EdECPrivateKeySpec;
import java.security.spec.NamedParameterSpec;
import java.util.Arrays;

/**
 * NATS' text form of Ed25519 keys, with the platform's own cryptography: base32 of prefix bytes, 32
 * bytes of key, and a CRC-16, low byte first. A seed has two prefix bytes, a public key has one.
 */
public final class Nkeys {

  /** Length of a seed's text. */
  public static final int SEED_LENGTH = 58;

  private static final String ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

  private Nkeys() {}

  /** Base32 without padding. */
  public static String base32(byte[] bytes) {
    StringBuilder text = new StringBuilder((bytes.length * 8 + 4) / 5);
    int buffer = 0;
    int bits = 0;
    for (byte b : bytes) {
      buffer = (buffer << 8 | (b & 0xff)) & 0xffff;
      bits += 8;
      while (bits >= 5) {
        bits -= 5;
        text.append(ALPHABET.charAt(buffer >> bits & 31));
      }
    }
    if (bits > 0) {
      text.append(ALPHABET.charAt(buffer << (5 - bits) & 31));
    }
    return text.toString();
  }

  /**
   * The bytes of a base32 text.
   *
   * @throws IllegalArgumentException for any other character
   */
  public static byte[] unbase32(String text) {
    byte[] bytes = new byte[text.length() * 5 / 8];
    int buffer = 0;
    int bits = 0;
    int n = 0;
    for (int i = 0; i < text.length(); i++) {
      int value = ALPHABET.indexOf(text.charAt(i));
      if (value < 0) {
        throw new IllegalArgumentException("Not base32 at character " + i + ".");
      }
      buffer = (buffer << 5 | value) & 0xffff;
      bits += 5;
      if (bits >= 8) {
        bits -= 8;
        bytes[n++] = (byte) (buffer >> bits);
      }
    }
    return bytes;
  }

  /** CRC-16/XMODEM, as NATS appends it to keys. */
  public static int crc16(byte[] bytes, int length) {
    int crc = 0;
    for (int i = 0; i < length; i++) {
      crc ^= (bytes[i] & 0xff) << 8;
      for (int bit = 0; bit < 8; bit++) {
        crc = (crc & 0x8000) == 0 ? crc << 1 : crc << 1 ^ 0x1021;
      }
      crc &= 0xffff;
    }
    return crc;
  }

  /**
   * The 32 secret bytes of a seed.
   *
   * @throws IllegalArgumentException where it is no seed; the message does not quote it
   */
  public static byte[] secret(String seed) {
    byte[] raw = seed.length() == SEED_LENGTH ? unbase32(seed) : new byte[0];
    boolean fits =
        raw.length == 36
            && seed.charAt(0) == 'S'
            && crc16(raw, 34) == ((raw[34] & 0xff) | (raw[35] & 0xff) << 8);
    if (!fits) {
      throw new IllegalArgumentException("Not the seed of an NKey.");
    }
    return Arrays.copyOfRange(raw, 2, 34);
  }

  /** The private key of a seed. */
  public static PrivateKey privateKey(String seed) {
    try {
      return KeyFactory.getInstance("Ed25519")
          .generatePrivate(new EdECPrivateKeySpec(NamedParameterSpec.ED25519, secret(seed)));
    } catch (GeneralSecurityException e) {
      throw new IllegalStateException("This Java platform has no Ed25519.", e);
    }
  }

  /** An Ed25519 signature. */
  public static byte[] sign(PrivateKey key, byte[] bytes) {
    try {
      Signature signature = Signature.getInstance("Ed25519");
      signature.initSign(key);
      signature.update(bytes);
      return signature.sign();
    } catch (GeneralSecurityException e) {
      throw new IllegalStateException("This Java platform cannot sign with Ed25519.", e);
    }
  }
}
