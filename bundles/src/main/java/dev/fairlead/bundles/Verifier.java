// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.bundles;

import static dev.fairlead.bundles.ChangeException.refused;

import java.security.GeneralSecurityException;
import java.security.KeyFactory;
import java.security.PublicKey;
import java.security.Signature;
import java.security.spec.X509EncodedKeySpec;
import java.util.Base64;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * Holds a jar's bytes against what is said of it, and against what may come in here. Immutable.
 *
 * @param key whose signature is asked for; null where none is
 * @param measured the digests that may come in, and no other; null where any may that was said
 */
public record Verifier(@Nullable PublicKey key, @Nullable Set<String> measured) {

  /** Copies the list. */
  public Verifier {
    measured = measured == null ? null : Set.copyOf(measured);
  }

  /**
   * Reads a key.
   *
   * @param pem an Ed25519 public key as {@code openssl pkey -pubout} writes it, or its base64 alone
   * @throws ChangeException REFUSED {@code bad-key}
   */
  public static PublicKey key(String pem) {
    StringBuilder base64 = new StringBuilder();
    pem.lines()
        .map(String::strip)
        .filter(line -> !line.startsWith("-----"))
        .forEach(base64::append);
    try {
      byte[] encoded = Base64.getDecoder().decode(base64.toString());
      return KeyFactory.getInstance("Ed25519").generatePublic(new X509EncodedKeySpec(encoded));
    } catch (GeneralSecurityException | IllegalArgumentException e) {
      throw new ChangeException(
          ChangeException.Category.REFUSED,
          "bad-key",
          "The trusted key is no Ed25519 public key in PEM: make one with openssl genpkey"
              + " -algorithm ed25519, and its public half with openssl pkey -pubout.",
          e);
    }
  }

  /**
   * Lets a jar's bytes in, or throws.
   *
   * @throws ChangeException REFUSED: {@code wrong-digest}, {@code not-measured}, {@code
   *     no-signature}, {@code bad-signature}
   */
  public void verify(byte[] jar, Proof proof) {
    String digest = Digests.of(jar);
    if (!digest.equals(proof.sha256())) {
      throw refused(
          "wrong-digest",
          "The jar's SHA-256 is %s, and %s was said: fetch it again."
              .formatted(digest, proof.sha256()));
    }
    if (measured != null && !measured.contains(digest)) {
      throw refused(
          "not-measured",
          "The jar's SHA-256 %s is not among the %d that this guest's measured facts name."
              .formatted(digest, measured.size()));
    }
    if (key != null) {
      verifySignature(key, jar, proof.signature());
    }
  }

  private static void verifySignature(PublicKey key, byte[] jar, @Nullable String signature) {
    if (signature == null || signature.isBlank()) {
      throw refused(
          "no-signature",
          "This host asks for a signature of each jar: openssl pkeyutl -sign -rawin -inkey KEY"
              + " -in FILE -out FILE.sig.");
    }
    try {
      Signature verifying = Signature.getInstance("Ed25519");
      verifying.initVerify(key);
      verifying.update(jar);
      if (verifying.verify(Base64.getDecoder().decode(signature.strip()))) {
        return;
      }
    } catch (GeneralSecurityException | IllegalArgumentException e) {
      // A malformed signature is a wrong one.
    }
    throw refused("bad-signature", "The signature is not that of the key which this host trusts.");
  }
}
