// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.transport.nats;

import static dev.fairlead.transport.api.TransportException.Category.REFUSED;
import static java.nio.charset.StandardCharsets.US_ASCII;

import dev.fairlead.transport.api.Message;
import dev.fairlead.transport.api.TransportException;
import dev.fairlead.transport.api.TransportProvider;
import dev.fairlead.transport.base.PinnedTrust;
import java.io.ByteArrayInputStream;
import java.net.URI;
import java.security.GeneralSecurityException;
import java.security.cert.CertificateException;
import java.security.cert.CertificateFactory;
import java.security.cert.X509Certificate;
import java.util.function.Function;
import javax.net.ssl.SSLContext;
import org.jspecify.annotations.Nullable;

/**
 * What the settings say at one connect, checked.
 *
 * @param server {@code nats://host:port} or {@code tls://host:port}
 * @param credential null where the broker asks for none
 * @param tls null where the connection is plain
 * @param inboxPrefix with its last dot, null where none was given
 */
record NatsSettings(
    String server,
    @Nullable NatsCredential credential,
    @Nullable SSLContext tls,
    @Nullable String inboxPrefix) {

  /** Setting: the CA's certificate in PEM, for brokers that do not send it with their own. */
  static final String CA = "ca";

  private static final int DEFAULT_PORT = 4222;
  private static final int MAX_CREDENTIAL = 4096;

  /**
   * Reads and checks all settings.
   *
   * @throws TransportException {@code REFUSED}, code {@code bad-setting} or {@code bad-credential}
   */
  static NatsSettings read(Function<String, @Nullable String> settings) {
    URI endpoint = endpoint(settings.apply(TransportProvider.ENDPOINT));
    String pin = settings.apply(TransportProvider.CA_SHA256); // an empty one is no leave to trust
    String ca = present(settings.apply(CA));
    boolean secure = "tls".equals(endpoint.getScheme()) || pin != null || ca != null;
    int port = endpoint.getPort() < 0 ? DEFAULT_PORT : endpoint.getPort();
    String server = (secure ? "tls://" : "nats://") + endpoint.getHost() + ":" + port;
    String content = present(settings.apply(TransportProvider.CREDENTIAL));
    if (content != null && content.length() > MAX_CREDENTIAL) {
      throw bad(TransportProvider.CREDENTIAL, "is longer than any credential");
    }
    String replies = present(settings.apply(TransportProvider.REPLIES));
    return new NatsSettings(
        server,
        content == null ? null : NatsCredential.parse(content),
        secure ? tls(pin, ca) : null,
        replies == null ? null : Subjects.of(Message.requirePattern(replies)) + ".");
  }

  private static URI endpoint(@Nullable String text) {
    if (text == null) {
      throw bad(TransportProvider.ENDPOINT, "is missing: give nats://host:port or tls://host:port");
    }
    try {
      URI uri = URI.create(text);
      boolean known = "nats".equals(uri.getScheme()) || "tls".equals(uri.getScheme());
      if (known && uri.getHost() != null && uri.getUserInfo() == null) {
        return uri;
      }
    } catch (IllegalArgumentException e) {
      throw bad(TransportProvider.ENDPOINT, "is no URI: give nats://host:port or tls://host:port");
    }
    throw bad(TransportProvider.ENDPOINT, "is neither nats://host:port nor tls://host:port");
  }

  private static SSLContext tls(@Nullable String pin, @Nullable String ca) {
    try {
      if (pin == null && ca == null) {
        return SSLContext.getDefault();
      }
      if (pin != null && !isSha256(pin)) {
        throw bad(TransportProvider.CA_SHA256, "is not 64 lower-case hex digits");
      }
      return PinnedTrust.context(pin, ca == null ? null : certificate(ca));
    } catch (CertificateException e) {
      throw bad(CA, "is no certificate in PEM");
    } catch (GeneralSecurityException e) {
      throw new TransportException(
          REFUSED, "no-tls", "This Java platform cannot open a TLS connection.", e);
    }
  }

  private static X509Certificate certificate(String pem) throws CertificateException {
    return (X509Certificate)
        CertificateFactory.getInstance("X.509")
            .generateCertificate(new ByteArrayInputStream(pem.getBytes(US_ASCII)));
  }

  private static boolean isSha256(String text) {
    for (int i = 0; i < text.length(); i++) {
      char c = text.charAt(i);
      if (!((c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'))) {
        return false;
      }
    }
    return text.length() == 64;
  }

  private static @Nullable String present(@Nullable String text) {
    return text == null || text.isBlank() ? null : text;
  }

  private static TransportException bad(String setting, String what) {
    return new TransportException(
        REFUSED, "bad-setting", "Setting '" + setting + "' " + what + ".");
  }
}
