// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.transport.mqtt;

import static dev.fairlead.transport.api.TransportException.Category.REFUSED;
import static java.nio.charset.StandardCharsets.UTF_8;

import dev.fairlead.transport.api.Message;
import dev.fairlead.transport.api.TransportException;
import dev.fairlead.transport.api.TransportProvider;
import dev.fairlead.transport.base.ClientIdentity;
import dev.fairlead.transport.base.LastWill;
import dev.fairlead.transport.base.PinnedTrust;
import java.io.ByteArrayInputStream;
import java.net.URI;
import java.security.GeneralSecurityException;
import java.security.cert.CertificateException;
import java.security.cert.CertificateFactory;
import java.security.cert.X509Certificate;
import java.util.function.Function;
import javax.net.ssl.KeyManager;
import javax.net.ssl.SSLContext;
import org.jspecify.annotations.Nullable;

/**
 * What the settings say at one connect, checked.
 *
 * @param host of the broker
 * @param port of the broker
 * @param credential null where the broker asks for none
 * @param tls null where the connection is plain
 * @param will what the broker says to the others when this end is gone; null for nothing
 * @param batchQos 0 or 1: how batches of a stream go, whose loss is made good by their own ack
 */
record MqttSettings(
    String host,
    int port,
    @Nullable MqttCredential credential,
    @Nullable SSLContext tls,
    @Nullable Message will,
    int batchQos) {

  /** Setting: the CA's certificate in PEM, for brokers that do not send it with their own. */
  static final String CA = "ca";

  /** Setting: a certificate of one's own in PEM, for brokers that ask for one. */
  static final String CERTIFICATE = "client.certificate";

  /** Setting: the private key that belongs to it, in PEM (PKCS 8). */
  static final String KEY = "client.key";

  /** Setting: 0 or 1. */
  static final String BATCH_QOS = "batch.qos";

  private static final int PLAIN_PORT = 1883;
  private static final int TLS_PORT = 8883;
  private static final int MAX_CREDENTIAL = 4096;
  private static final String FORM = "give mqtt://host:port or mqtts://host:port";

  /**
   * Reads and checks all settings.
   *
   * @throws TransportException {@code REFUSED}, code {@code bad-setting} or {@code bad-credential}
   */
  static MqttSettings read(Function<String, @Nullable String> settings) {
    URI endpoint = endpoint(settings.apply(TransportProvider.ENDPOINT));
    String pin = settings.apply(TransportProvider.CA_SHA256); // an empty one is no leave to trust
    String ca = present(settings.apply(CA));
    boolean secure = "mqtts".equals(endpoint.getScheme()) || pin != null || ca != null;
    int port = endpoint.getPort() < 0 ? (secure ? TLS_PORT : PLAIN_PORT) : endpoint.getPort();
    String content = present(settings.apply(TransportProvider.CREDENTIAL));
    if (content != null && content.length() > MAX_CREDENTIAL) {
      throw bad(TransportProvider.CREDENTIAL, "is longer than any credential");
    }
    KeyManager[] identity =
        identity(present(settings.apply(CERTIFICATE)), present(settings.apply(KEY)));
    return new MqttSettings(
        endpoint.getHost(),
        port,
        content == null ? null : MqttCredential.parse(content),
        secure ? tls(pin, ca, identity) : null,
        LastWill.read(settings),
        batchQos(present(settings.apply(BATCH_QOS))));
  }

  private static URI endpoint(@Nullable String text) {
    if (text == null) {
      throw bad(TransportProvider.ENDPOINT, "is missing: " + FORM);
    }
    try {
      URI uri = URI.create(text);
      boolean known = "mqtt".equals(uri.getScheme()) || "mqtts".equals(uri.getScheme());
      // A host with an underscore has no host as Java reads it; Paho would reach into the JDK.
      if (known && uri.getHost() != null && uri.getUserInfo() == null) {
        return uri;
      }
    } catch (IllegalArgumentException e) {
      throw bad(TransportProvider.ENDPOINT, "is no URI: " + FORM);
    }
    throw bad(
        TransportProvider.ENDPOINT,
        "is neither mqtt://host:port nor mqtts://host:port, where a host's name holds letters, digits, dots and hyphens");
  }

  private static KeyManager @Nullable [] identity(
      @Nullable String certificate, @Nullable String key) {
    if (certificate == null && key == null) {
      return null;
    }
    if (certificate == null || key == null) {
      throw bad(certificate == null ? CERTIFICATE : KEY, "is missing: give both or neither");
    }
    try {
      return ClientIdentity.of(certificate, key);
    } catch (GeneralSecurityException e) {
      throw bad(CERTIFICATE, "and '" + KEY + "' are no certificate and key in PEM");
    }
  }

  private static SSLContext tls(
      @Nullable String pin, @Nullable String ca, KeyManager @Nullable [] identity) {
    try {
      if (pin != null && !isSha256(pin)) {
        throw bad(TransportProvider.CA_SHA256, "is not 64 lower-case hex digits");
      }
      if (pin == null && ca == null) {
        if (identity == null) {
          return SSLContext.getDefault();
        }
        SSLContext context = SSLContext.getInstance("TLS");
        context.init(identity, null, null);
        return context;
      }
      return PinnedTrust.context(pin, ca == null ? null : certificate(ca), identity);
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
            .generateCertificate(new ByteArrayInputStream(pem.getBytes(UTF_8)));
  }

  private static int batchQos(@Nullable String text) {
    if (text == null || text.equals("0")) {
      return 0;
    }
    if (text.equals("1")) {
      return 1;
    }
    throw bad(BATCH_QOS, "is neither 0 nor 1");
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
