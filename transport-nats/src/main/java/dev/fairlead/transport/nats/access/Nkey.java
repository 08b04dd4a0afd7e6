// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.transport.nats.access;

import dev.fairlead.transport.nats.Nkeys;
import java.math.BigInteger;
import java.security.GeneralSecurityException;
import java.security.KeyPair;
import java.security.KeyPairGenerator;
import java.security.PrivateKey;
import java.security.SecureRandom;
import java.security.interfaces.EdECPrivateKey;
import java.security.interfaces.EdECPublicKey;
import java.security.spec.NamedParameterSpec;
import java.util.Arrays;

/** An Ed25519 key pair with its names in NATS: the secret seed, and the public key. */
final class Nkey {

  /** Whose key it is. */
  enum Kind {
    /** Signs accounts. */
    OPERATOR(14 << 3),
    /** Signs users. */
    ACCOUNT(0),
    /** Connects. */
    USER(20 << 3);

    private final int prefix;

    Kind(int prefix) {
      this.prefix = prefix;
    }
  }

  private static final int SEED_PREFIX = 18 << 3;

  private final Kind kind;
  private final String seed;
  private final String publicKey;
  private final PrivateKey key;

  private Nkey(Kind kind, KeyPair pair) {
    this.kind = kind;
    this.key = pair.getPrivate();
    byte[] secret = ((EdECPrivateKey) key).getBytes().orElseThrow();
    this.seed =
        text(
            new byte[] {(byte) (SEED_PREFIX | kind.prefix >> 5), (byte) (kind.prefix << 3)},
            secret);
    this.publicKey = text(new byte[] {(byte) kind.prefix}, raw((EdECPublicKey) pair.getPublic()));
  }

  /** A new one. */
  static Nkey create(Kind kind, SecureRandom random) {
    return new Nkey(kind, pair(random));
  }

  /**
   * The one that a seed names.
   *
   * @throws IllegalArgumentException where it is no seed of that kind; its message does not quote
   *     it
   */
  static Nkey ofSeed(Kind kind, String seed) {
    byte[] secret = Nkeys.secret(seed);
    Nkey key = new Nkey(kind, pair(new Fixed(secret)));
    if (!key.seed.equals(seed)) {
      throw new IllegalArgumentException("Not the seed of an NKey of kind " + kind + ".");
    }
    return key;
  }

  Kind kind() {
    return kind;
  }

  /** Secret. */
  String seed() {
    return seed;
  }

  String publicKey() {
    return publicKey;
  }

  byte[] sign(byte[] bytes) {
    return Nkeys.sign(key, bytes);
  }

  /** Shows the public half only. */
  @Override
  public String toString() {
    return publicKey;
  }

  private static KeyPair pair(SecureRandom random) {
    try {
      KeyPairGenerator generator = KeyPairGenerator.getInstance("Ed25519");
      generator.initialize(NamedParameterSpec.ED25519, random);
      return generator.generateKeyPair();
    } catch (GeneralSecurityException e) {
      throw new IllegalStateException("This Java platform has no Ed25519.", e);
    }
  }

  /** RFC 8032: y, little-endian, with the lowest bit of x on top. */
  private static byte[] raw(EdECPublicKey key) {
    BigInteger y = key.getPoint().getY();
    byte[] big = y.toByteArray();
    byte[] raw = new byte[32];
    for (int i = 0; i < big.length && i < 32; i++) {
      raw[i] = big[big.length - 1 - i];
    }
    if (key.getPoint().isXOdd()) {
      raw[31] |= (byte) 0x80;
    }
    return raw;
  }

  private static String text(byte[] prefix, byte[] key) {
    byte[] bytes = Arrays.copyOf(prefix, prefix.length + key.length + 2);
    System.arraycopy(key, 0, bytes, prefix.length, key.length);
    int crc = Nkeys.crc16(bytes, bytes.length - 2);
    bytes[bytes.length - 2] = (byte) crc;
    bytes[bytes.length - 1] = (byte) (crc >> 8);
    return Nkeys.base32(bytes);
  }

  /**
   * Random that is not: the platform makes a pair from 32 bytes that it draws, which is the only
   * way to ask it for the public half of a known secret. The seed is compared afterwards.
   */
  private static final class Fixed extends SecureRandom {
    private static final long serialVersionUID = 1L;
    private final byte[] bytes;

    Fixed(byte[] bytes) {
      this.bytes = bytes.clone();
    }

    @Override
    public void nextBytes(byte[] drawn) {
      System.arraycopy(bytes, 0, drawn, 0, Math.min(bytes.length, drawn.length));
    }
  }
}
