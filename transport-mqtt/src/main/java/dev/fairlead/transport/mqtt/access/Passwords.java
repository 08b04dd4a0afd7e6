// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.transport.mqtt.access;

import java.security.GeneralSecurityException;
import java.security.SecureRandom;
import java.util.Base64;
import javax.crypto.SecretKeyFactory;
import javax.crypto.spec.PBEKeySpec;

/** Passwords, and the form in which mosquitto keeps them. */
final class Passwords {

  /** As many as mosquitto uses itself; the passwords are random, and need no stretching. */
  static final int ITERATIONS = 101;

  private static final int PASSWORD_BYTES = 24;
  private static final int SALT_BYTES = 12;
  private static final int HASH_BITS = 512;

  private Passwords() {}

  /** A new one: 192 random bits, 32 characters. */
  static String create(SecureRandom random) {
    byte[] bytes = new byte[PASSWORD_BYTES];
    random.nextBytes(bytes);
    return Base64.getUrlEncoder().withoutPadding().encodeToString(bytes);
  }

  /** A new salt, in base64. */
  static String salt(SecureRandom random) {
    byte[] bytes = new byte[SALT_BYTES];
    random.nextBytes(bytes);
    return Base64.getEncoder().encodeToString(bytes);
  }

  /** The hash of a password, in base64. */
  static String hash(String password, String salt) {
    try {
      PBEKeySpec spec =
          new PBEKeySpec(
              password.toCharArray(), Base64.getDecoder().decode(salt), ITERATIONS, HASH_BITS);
      byte[] hash =
          SecretKeyFactory.getInstance("PBKDF2WithHmacSHA512").generateSecret(spec).getEncoded();
      return Base64.getEncoder().encodeToString(hash);
    } catch (GeneralSecurityException e) {
      throw new IllegalStateException("Every Java platform has PBKDF2.", e);
    }
  }
}
