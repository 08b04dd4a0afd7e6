// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.transport.base;

import java.net.Socket;
import java.security.GeneralSecurityException;
import java.security.MessageDigest;
import java.security.cert.CertificateException;
import java.security.cert.PKIXBuilderParameters;
import java.security.cert.TrustAnchor;
import java.security.cert.X509CertSelector;
import java.security.cert.X509Certificate;
import java.util.HexFormat;
import java.util.Set;
import javax.net.ssl.CertPathTrustManagerParameters;
import javax.net.ssl.KeyManager;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLEngine;
import javax.net.ssl.TrustManager;
import javax.net.ssl.TrustManagerFactory;
import javax.net.ssl.X509ExtendedTrustManager;
import org.jspecify.annotations.Nullable;

/**
 * Trusts exactly one CA: the certificate that was given, or the one with the pinned SHA-256 among
 * those that the peer sends. From there the platform validates as ever: path, validity, key usage,
 * and the host's name where the socket asks for it.
 */
public final class PinnedTrust extends X509ExtendedTrustManager {

  private final @Nullable String sha256;
  private final @Nullable X509Certificate given;

  private PinnedTrust(@Nullable String sha256, @Nullable X509Certificate given) {
    this.sha256 = sha256;
    this.given = given;
  }

  /**
   * A context that trusts one CA; at least one of the two is there.
   *
   * @param sha256 of the CA's DER form, 64 lower-case hex digits
   * @param given the CA, where it is known beforehand; the pin, where there is one, must fit it
   */
  public static SSLContext context(@Nullable String sha256, @Nullable X509Certificate given)
      throws GeneralSecurityException {
    return context(sha256, given, null);
  }

  /**
   * A context that trusts one CA, and shows a certificate of its own.
   *
   * @param identity as {@link ClientIdentity} makes it, null where there is none
   */
  public static SSLContext context(
      @Nullable String sha256, @Nullable X509Certificate given, KeyManager @Nullable [] identity)
      throws GeneralSecurityException {
    SSLContext context = SSLContext.getInstance("TLS");
    context.init(identity, new TrustManager[] {new PinnedTrust(sha256, given)}, null);
    return context;
  }

  /** SHA-256 of a certificate's DER form, in lower-case hex. */
  public static String sha256(X509Certificate certificate) throws CertificateException {
    try {
      return HexFormat.of()
          .formatHex(MessageDigest.getInstance("SHA-256").digest(certificate.getEncoded()));
    } catch (GeneralSecurityException e) {
      throw new CertificateException("The certificate has no digest.", e);
    }
  }

  @Override
  public void checkServerTrusted(X509Certificate[] chain, String authType, Socket socket)
      throws CertificateException {
    trusting(anchor(chain)).checkServerTrusted(chain, authType, socket);
  }

  @Override
  public void checkServerTrusted(X509Certificate[] chain, String authType, SSLEngine engine)
      throws CertificateException {
    trusting(anchor(chain)).checkServerTrusted(chain, authType, engine);
  }

  /** Refuses: without the socket nobody knows the host's name. */
  @Override
  public void checkServerTrusted(X509Certificate[] chain, String authType)
      throws CertificateException {
    throw new CertificateException("A server is trusted only together with its name.");
  }

  private X509Certificate anchor(X509Certificate[] chain) throws CertificateException {
    X509Certificate anchor = given;
    if (anchor == null) {
      for (X509Certificate certificate : chain) {
        if (sha256(certificate).equals(sha256)) {
          anchor = certificate;
        }
      }
    }
    if (anchor == null) {
      throw new CertificateException(
          "No certificate that the broker sent has the pinned SHA-256: it is another broker, or it leaves its CA out.");
    }
    if (sha256 != null && !sha256.equals(sha256(anchor))) {
      throw new CertificateException("The CA that was given has not the pinned SHA-256.");
    }
    if (anchor.getBasicConstraints() < 0) {
      throw new CertificateException("The pinned certificate is not that of a CA.");
    }
    anchor.checkValidity(); // PKIX does not ask this of an anchor
    return anchor;
  }

  private static X509ExtendedTrustManager trusting(X509Certificate anchor)
      throws CertificateException {
    try {
      PKIXBuilderParameters parameters =
          new PKIXBuilderParameters(Set.of(new TrustAnchor(anchor, null)), new X509CertSelector());
      parameters.setRevocationEnabled(false);
      TrustManagerFactory factory = TrustManagerFactory.getInstance("PKIX");
      factory.init(new CertPathTrustManagerParameters(parameters));
      for (TrustManager manager : factory.getTrustManagers()) {
        if (manager instanceof X509ExtendedTrustManager extended) {
          return extended;
        }
      }
      throw new CertificateException("This Java platform has no PKIX trust manager.");
    } catch (GeneralSecurityException e) {
      throw new CertificateException("The pinned CA cannot be used.", e);
    }
  }

  @Override
  public void checkClientTrusted(X509Certificate[] chain, String authType)
      throws CertificateException {
    throw new CertificateException("Nobody is a client here.");
  }

  @Override
  public void checkClientTrusted(X509Certificate[] chain, String authType, Socket socket)
      throws CertificateException {
    checkClientTrusted(chain, authType);
  }

  @Override
  public void checkClientTrusted(X509Certificate[] chain, String authType, SSLEngine engine)
      throws CertificateException {
    checkClientTrusted(chain, authType);
  }

  @Override
  public X509Certificate[] getAcceptedIssuers() {
    return given == null ? new X509Certificate[0] : new X509Certificate[] {given};
  }
}
