// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.transport.base.broker;

import java.io.IOException;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.SecureRandom;
import java.security.cert.X509Certificate;
import java.time.Duration;
import java.time.Instant;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;

/**
 * The certificates of a broker of our own: a CA that is made once, and the server's under it. All
 * files are PEM, and for their owner only.
 */
public final class ServerCertificates {

  /** File: the server's certificate, and the CA's after it. */
  public static final String CHAIN = "server.pem";

  /** File: the server's private key. */
  public static final String KEY = "server-key.pem";

  /** File: the CA's certificate. */
  public static final String CA = "ca.pem";

  private static final Duration CA_LIFE = Duration.ofDays(3650);
  private static final Duration SERVER_LIFE = Duration.ofDays(365);
  private static final Duration RENEW_BEFORE = Duration.ofDays(120);

  private ServerCertificates() {}

  /**
   * Makes what is missing of CA and server certificate, or will soon have expired.
   *
   * @param folder where {@link #CHAIN}, {@link #KEY} and {@link #CA} lie
   * @param names host names and IP addresses under which the server is reached
   * @return the CA's SHA-256
   */
  public static String prepare(Path folder, List<String> names, Instant now, SecureRandom random)
      throws IOException, GeneralSecurityException {
    Path caFile = folder.resolve(CA);
    Path caKeyFile = folder.resolve("ca-key.pem");
    Certificates.Identity ca;
    if (PrivateFiles.exists(caFile) && PrivateFiles.exists(caKeyFile)) {
      ca =
          new Certificates.Identity(
              Certificates.certificate(PrivateFiles.read(caFile)),
              Certificates.key(PrivateFiles.read(caKeyFile)));
    } else {
      ca = Certificates.authority("Fairlead broker CA", now, CA_LIFE, random);
      PrivateFiles.write(caKeyFile, Certificates.pem(ca.key()));
      PrivateFiles.write(caFile, Certificates.pem(ca.certificate()));
    }
    Path chain = folder.resolve(CHAIN);
    if (!fits(chain, names, now)) {
      Certificates.Identity server = Certificates.server(ca, names, now, SERVER_LIFE, random);
      PrivateFiles.write(folder.resolve(KEY), Certificates.pem(server.key()));
      // The CA goes with it, so that a client with nothing but the pin finds it in the handshake.
      PrivateFiles.write(chain, Certificates.pem(server.certificate(), ca.certificate()));
    }
    return Certificates.sha256(ca.certificate());
  }

  private static boolean fits(Path chain, List<String> names, Instant now)
      throws IOException, GeneralSecurityException {
    if (!PrivateFiles.exists(chain) || !PrivateFiles.exists(chain.resolveSibling(KEY))) {
      return false;
    }
    X509Certificate server = Certificates.certificate(PrivateFiles.read(chain));
    Set<String> there = new LinkedHashSet<>();
    if (server.getSubjectAlternativeNames() != null) {
      server.getSubjectAlternativeNames().forEach(name -> there.add(String.valueOf(name.get(1))));
    }
    return there.equals(new LinkedHashSet<>(names))
        && server.getNotAfter().toInstant().isAfter(now.plus(RENEW_BEFORE));
  }
}
