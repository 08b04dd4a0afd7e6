// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.agent.core;

import static java.nio.charset.StandardCharsets.US_ASCII;

import dev.fairlead.protocol.json.ProtocolException;
import java.security.GeneralSecurityException;
import java.security.KeyFactory;
import java.security.PublicKey;
import java.security.Signature;
import java.security.interfaces.ECPublicKey;
import java.security.interfaces.RSAPublicKey;
import java.security.spec.X509EncodedKeySpec;
import java.util.Base64;
import java.util.List;

/** Public keys of a manifest: Ed25519, EC on P-256, P-384 or P-521, RSA of 2048 to 8192 bits. */
final class PublicKeys {

  private static final int MIN_RSA = 2048;
  private static final int MAX_RSA = 8192;
  private static final int MIN_EC = 256;
  private static final String BEGIN = "-----BEGIN PUBLIC KEY-----";
  private static final String END = "-----END PUBLIC KEY-----";

  private PublicKeys() {}

  /**
   * Reads a key in its PKIX form, DER or PEM.
   *
   * @throws ProtocolException code {@code bad-key}
   */
  static PublicKey parse(byte[] pkix) {
    byte[] der = unwrap(pkix);
    for (String algorithm : List.of("Ed25519", "EC", "RSA")) {
      PublicKey key;
      try {
        key = KeyFactory.getInstance(algorithm).generatePublic(new X509EncodedKeySpec(der));
      } catch (GeneralSecurityException e) {
        // Not this kind; the next one, or the refusal below, will tell.
        continue;
      }
      if (key instanceof RSAPublicKey rsa) {
        int bits = rsa.getModulus().bitLength();
        if (bits < MIN_RSA || bits > MAX_RSA) {
          throw bad("An RSA key must have 2048 to 8192 bits.");
        }
      }
      if (key instanceof ECPublicKey ec && ec.getParams().getOrder().bitLength() < MIN_EC) {
        throw bad("An EC key must be on P-256, P-384 or P-521.");
      }
      return key;
    }
    throw bad("A user_key must be an Ed25519, EC or RSA public key in its PKIX form.");
  }

  /** Whether a key made a signature; false for whatever is no signature at all. */
  static boolean verify(PublicKey key, byte[] text, byte[] signature) {
    String algorithm =
        switch (key.getAlgorithm()) {
          case "EC" -> "SHA256withECDSA";
          case "RSA" -> "SHA256withRSA";
          default -> "Ed25519";
        };
    try {
      Signature verifier = Signature.getInstance(algorithm);
      verifier.initVerify(key);
      verifier.update(text);
      return verifier.verify(signature);
    } catch (GeneralSecurityException e) {
      return false;
    }
  }

  private static byte[] unwrap(byte[] pkix) {
    String text = new String(pkix, US_ASCII).trim();
    if (!text.startsWith(BEGIN) || !text.endsWith(END)) {
      return pkix;
    }
    try {
      return Base64.getMimeDecoder()
          .decode(text.substring(BEGIN.length(), text.length() - END.length()));
    } catch (IllegalArgumentException e) {
      throw new ProtocolException("bad-key", "A user_key in PEM form is cut or changed.", e);
    }
  }

  private static ProtocolException bad(String sentence) {
    return new ProtocolException("bad-key", sentence);
  }
}
