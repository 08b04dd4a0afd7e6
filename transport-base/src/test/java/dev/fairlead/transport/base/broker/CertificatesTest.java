// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.transport.base.broker;

import static org.assertj.core.api.Assertions.assertThat;

import java.security.SecureRandom;
import java.security.cert.X509Certificate;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import org.junit.jupiter.api.Test;

/** What the certificates of a broker of our own say. */
class CertificatesTest {

  private static final SecureRandom RANDOM = new SecureRandom();

  @Test
  void certificatesSayWhatTheyAreFor() throws Exception {
    Instant now = Instant.parse("2026-11-01T00:00:00Z");
    Certificates.Identity ca = Certificates.authority("A CA", now, Duration.ofDays(10_000), RANDOM);
    assertThat(ca.certificate().getBasicConstraints()).isZero();
    assertThat(ca.certificate().getKeyUsage()[5]).isTrue();
    assertThat(ca.certificate().getNotAfter().toInstant())
        .isEqualTo(now.plus(Duration.ofDays(10_000))); // after 2050, in the other form of time
    ca.certificate().verify(ca.certificate().getPublicKey());
    X509Certificate server =
        Certificates.server(
                ca, List.of("localhost", "127.0.0.1", "::1"), now, Duration.ofDays(1), RANDOM)
            .certificate();
    server.verify(ca.certificate().getPublicKey());
    assertThat(server.getBasicConstraints()).isEqualTo(-1);
    assertThat(server.getExtendedKeyUsage()).containsExactly("1.3.6.1.5.5.7.3.1");
    assertThat(server.getSubjectAlternativeNames())
        .extracting(name -> String.valueOf(name.get(1)))
        .containsExactly("localhost", "127.0.0.1", "0:0:0:0:0:0:0:1");
    assertThat(server.getNotBefore().toInstant()).isEqualTo(now.minus(Duration.ofDays(2)));
    assertThat(Certificates.certificate(Certificates.pem(server))).isEqualTo(server);
    assertThat(Certificates.key(Certificates.pem(ca.key()))).isEqualTo(ca.key());
  }
}
