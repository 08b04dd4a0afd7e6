// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.transport.mqtt.access;

import dev.fairlead.transport.base.broker.Certificates;
import java.security.GeneralSecurityException;
import java.security.SecureRandom;
import java.security.cert.X509Certificate;
import java.time.Duration;
import java.time.Instant;
import java.util.List;

/** A CA for one test. */
public final class TestAuthority {

  /** A server's certificate, with its key in PEM. */
  public record Server(X509Certificate certificate, String key) {
    public String pem() {
      return TestAuthority.pem(certificate);
    }
  }

  private static final SecureRandom RANDOM = new SecureRandom();

  private final Certificates.Identity ca;

  public TestAuthority() {
    try {
      ca = Certificates.authority("Test CA", Instant.now(), Duration.ofDays(1), RANDOM);
    } catch (GeneralSecurityException e) {
      throw new IllegalStateException(e);
    }
  }

  public X509Certificate certificate() {
    return ca.certificate();
  }

  public String pem() {
    return pem(ca.certificate());
  }

  private static String pem(X509Certificate certificate) {
    try {
      return Certificates.pem(certificate);
    } catch (GeneralSecurityException e) {
      throw new IllegalStateException(e);
    }
  }

  public String pin() {
    return pin(ca.certificate());
  }

  public static String pin(X509Certificate certificate) {
    try {
      return Certificates.sha256(certificate);
    } catch (GeneralSecurityException e) {
      throw new IllegalStateException(e);
    }
  }

  public Server server(String name, Duration life) {
    try {
      Certificates.Identity server =
          Certificates.server(ca, List.of(name), Instant.now(), life, RANDOM);
      return new Server(server.certificate(), Certificates.pem(server.key()));
    } catch (GeneralSecurityException e) {
      throw new IllegalStateException(e);
    }
  }

  public Server client(String name) {
    try {
      Certificates.Identity client =
          Certificates.client(ca, name, Instant.now(), Duration.ofDays(1), RANDOM);
      return new Server(client.certificate(), Certificates.pem(client.key()));
    } catch (GeneralSecurityException e) {
      throw new IllegalStateException(e);
    }
  }
}
