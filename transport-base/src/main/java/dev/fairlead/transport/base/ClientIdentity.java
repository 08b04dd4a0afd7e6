// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.transport.base;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.security.GeneralSecurityException;
import java.security.KeyFactory;
import java.security.KeyStore;
import java.security.PrivateKey;
import java.security.cert.Certificate;
import java.security.cert.CertificateFactory;
import java.security.spec.InvalidKeySpecException;
import java.security.spec.PKCS8EncodedKeySpec;
import java.util.Base64;
import java.util.List;
import javax.net.ssl.KeyManager;
import javax.net.ssl.KeyManagerFactory;

/** A certificate that a client shows to a broker which asks for one. */
public final class ClientIdentity {

  private static final List<String> ALGORITHMS = List.of("EC", "RSA", "Ed25519");

  private ClientIdentity() {}

  /**
   * Key managers for a TLS context.
   *
   * @param certificates in PEM: the client's own first, then those up to its CA
   * @param key the private key in PEM (PKCS 8): EC, RSA or Ed25519
   * @throws GeneralSecurityException when one of the two is not what it should be
   */
  public static KeyManager[] of(String certificates, String key) throws GeneralSecurityException {
    Certificate[] chain =
        CertificateFactory.getInstance("X.509")
            .generateCertificates(new ByteArrayInputStream(certificates.getBytes(UTF_8)))
            .toArray(Certificate[]::new);
    if (chain.length == 0) {
      throw new GeneralSecurityException("There is no certificate.");
    }
    try {
      KeyStore store = KeyStore.getInstance("PKCS12");
      store.load(null, null);
      store.setKeyEntry("client", privateKey(key), new char[0], chain);
      KeyManagerFactory factory =
          KeyManagerFactory.getInstance(KeyManagerFactory.getDefaultAlgorithm());
      factory.init(store, new char[0]);
      return factory.getKeyManagers();
    } catch (IOException e) {
      throw new GeneralSecurityException("A key store in memory cannot be made.", e);
    }
  }

  private static PrivateKey privateKey(String pem) throws GeneralSecurityException {
    StringBuilder base64 = new StringBuilder();
    pem.lines()
        .map(String::strip)
        .filter(line -> !line.startsWith("-----"))
        .forEach(base64::append);
    PKCS8EncodedKeySpec encoded;
    try {
      encoded = new PKCS8EncodedKeySpec(Base64.getDecoder().decode(base64.toString()));
    } catch (IllegalArgumentException e) {
      throw new GeneralSecurityException("The key is not in PEM.", e);
    }
    GeneralSecurityException last = new GeneralSecurityException("There is no key.");
    for (String algorithm : ALGORITHMS) {
      try {
        return KeyFactory.getInstance(algorithm).generatePrivate(encoded);
      } catch (InvalidKeySpecException e) {
        last = e; // of another kind
      }
    }
    throw new GeneralSecurityException("The key is none of " + ALGORITHMS + " in PKCS 8.", last);
  }
}
