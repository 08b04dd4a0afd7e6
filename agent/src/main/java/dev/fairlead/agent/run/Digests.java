// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.agent.run;

import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;

/** Digests that every Java platform has. */
public final class Digests {

  private Digests() {}

  /** A new SHA3-256. */
  public static MessageDigest sha3() {
    return of("SHA3-256");
  }

  /** A new SHA-256. */
  public static MessageDigest sha2() {
    return of("SHA-256");
  }

  private static MessageDigest of(String algorithm) {
    try {
      return MessageDigest.getInstance(algorithm);
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException("Every Java platform has " + algorithm + ".", e);
    }
  }
}
