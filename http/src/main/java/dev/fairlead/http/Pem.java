// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.http;

import static java.nio.charset.StandardCharsets.US_ASCII;

import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.net.Socket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.KeyFactory;
import java.security.KeyStore;
import java.security.Principal;
import java.security.PrivateKey;
import java.security.cert.Certificate;
import java.security.cert.CertificateFactory;
import java.security.cert.X509Certificate;
import java.security.spec.InvalidKeySpecException;
import java.security.spec.PKCS8EncodedKeySpec;
import java.util.Base64;
import java.util.Collection;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import javax.net.ssl.KeyManager;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLEngine;
import javax.net.ssl.TrustManagerFactory;
import javax.net.ssl.X509ExtendedKeyManager;
import org.jspecify.annotations.Nullable;

/**
 * TLS from PEM files. Keys are kept as they are read: packing them into a key store first costs
 * seconds on a slow machine.
 */
public final class Pem {

  private static final Pattern KEY =
      Pattern.compile("-----BEGIN ([A-Z ]*)PRIVATE KEY-----([^-]+)-----END");
  private static final long MOST_BYTES = 1 << 20;

  private Pem() {}

  /**
   * What a server shows.
   *
   * @param certificate the certificate, then those that lead to its CA
   * @param key its private key: PKCS#8, not encrypted; RSA, EC or Ed25519
   * @throws HttpProblem 0, {@code bad-tls}, naming the file
   */
  public static SSLContext server(Path certificate, Path key) {
    List<X509Certificate> chain = certificates(certificate);
    PrivateKey privateKey = privateKey(key);
    try {
      SSLContext context = SSLContext.getInstance("TLS");
      context.init(new KeyManager[] {new OneKey(chain, privateKey)}, null, null);
      return context;
    } catch (GeneralSecurityException e) {
      throw bad(certificate, "does not serve TLS with the key " + key, e);
    }
  }

  /**
   * What a client trusts.
   *
   * @param ca certificates of the CAs, nothing else is trusted
   * @throws HttpProblem 0, {@code bad-tls}, naming the file
   */
  public static SSLContext client(Path ca) {
    try {
      KeyStore trusted = KeyStore.getInstance("PKCS12");
      trusted.load(null, null);
      int count = 0;
      for (X509Certificate certificate : certificates(ca)) {
        trusted.setCertificateEntry("ca-" + count++, certificate);
      }
      TrustManagerFactory trust =
          TrustManagerFactory.getInstance(TrustManagerFactory.getDefaultAlgorithm());
      trust.init(trusted);
      SSLContext context = SSLContext.getInstance("TLS");
      context.init(null, trust.getTrustManagers(), null);
      return context;
    } catch (GeneralSecurityException | IOException e) {
      throw bad(ca, "does not serve as trust", e);
    }
  }

  private static List<X509Certificate> certificates(Path file) {
    try {
      Collection<? extends Certificate> found =
          CertificateFactory.getInstance("X.509")
              .generateCertificates(new ByteArrayInputStream(read(file)));
      if (found.isEmpty()) {
        throw bad(file, "holds no certificate", null);
      }
      return found.stream().map(X509Certificate.class::cast).toList();
    } catch (GeneralSecurityException e) {
      throw bad(file, "holds no readable certificate", e);
    }
  }

  private static PrivateKey privateKey(Path file) {
    Matcher matcher = KEY.matcher(new String(read(file), US_ASCII));
    if (!matcher.find()) {
      throw bad(file, "holds no private key in PEM form", null);
    }
    if (!matcher.group(1).isEmpty()) {
      throw bad(
          file,
          "holds an '"
              + matcher.group(1).trim()
              + "' key; make it PKCS#8: openssl pkcs8 -topk8 -nocrypt -in OLD -out NEW",
          null);
    }
    try {
      PKCS8EncodedKeySpec spec =
          new PKCS8EncodedKeySpec(Base64.getMimeDecoder().decode(matcher.group(2)));
      for (String algorithm : List.of("RSA", "EC", "Ed25519")) {
        try {
          return KeyFactory.getInstance(algorithm).generatePrivate(spec);
        } catch (InvalidKeySpecException e) {
          // Not of this kind: the next one is tried.
        }
      }
    } catch (GeneralSecurityException | IllegalArgumentException e) {
      throw bad(file, "holds no readable private key", e);
    }
    throw bad(file, "holds a key that is neither RSA, EC nor Ed25519", null);
  }

  private static byte[] read(Path file) {
    try {
      if (Files.size(file) > MOST_BYTES) {
        throw bad(file, "is too large for a PEM file", null);
      }
      return Files.readAllBytes(file);
    } catch (IOException e) {
      throw bad(file, "cannot be read", e);
    }
  }

  private static HttpProblem bad(Path file, String what, @Nullable Throwable cause) {
    return new HttpProblem(0, "bad-tls", "The file %s %s.".formatted(file, what), cause);
  }

  /** One key with its certificates, whatever is asked for. */
  private static final class OneKey extends X509ExtendedKeyManager {

    private static final String ALIAS = "key";

    private final List<X509Certificate> chain;
    private final PrivateKey key;

    OneKey(List<X509Certificate> chain, PrivateKey key) {
      this.chain = chain;
      this.key = key;
    }

    private @Nullable String aliasFor(String keyType) {
      String algorithm = chain.get(0).getPublicKey().getAlgorithm();
      return algorithm.equals(keyType) || keyType.startsWith(algorithm + "_") ? ALIAS : null;
    }

    @Override
    public String[] getClientAliases(String keyType, Principal[] issuers) {
      return new String[0];
    }

    @Override
    public @Nullable String chooseClientAlias(
        String[] keyType, Principal[] issuers, Socket socket) {
      return null;
    }

    @Override
    public String[] getServerAliases(String keyType, Principal[] issuers) {
      return aliasFor(keyType) == null ? new String[0] : new String[] {ALIAS};
    }

    @Override
    public @Nullable String chooseServerAlias(String keyType, Principal[] issuers, Socket socket) {
      return aliasFor(keyType);
    }

    @Override
    public @Nullable String chooseEngineServerAlias(
        String keyType, Principal[] issuers, SSLEngine engine) {
      return aliasFor(keyType);
    }

    @Override
    public X509Certificate[] getCertificateChain(String alias) {
      return chain.toArray(new X509Certificate[0]);
    }

    @Override
    public PrivateKey getPrivateKey(String alias) {
      return key;
    }
  }
}
