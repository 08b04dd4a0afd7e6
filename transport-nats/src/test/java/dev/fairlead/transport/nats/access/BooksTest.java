// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.transport.nats.access;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.fairlead.transport.access.Grant;
import dev.fairlead.transport.api.TransportException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.SecureRandom;
import java.security.cert.X509Certificate;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Keys, certificates, rights and the book, without a broker. */
class BooksTest {

  private static final SecureRandom RANDOM = new SecureRandom();

  @TempDir Path folder;

  @Test
  void keysAreTheSameWhenReadFromTheirSeeds() {
    for (Nkey.Kind kind : Nkey.Kind.values()) {
      Nkey key = Nkey.create(kind, RANDOM);
      assertThat(key.seed()).hasSize(58).startsWith("S" + key.publicKey().charAt(0));
      assertThat(key.publicKey()).hasSize(56);
      assertThat(Nkey.ofSeed(kind, key.seed()).publicKey()).isEqualTo(key.publicKey());
      assertThat(key.toString()).doesNotContain(key.seed());
    }
    String user = Nkey.create(Nkey.Kind.USER, RANDOM).seed();
    assertThatThrownBy(() -> Nkey.ofSeed(Nkey.Kind.ACCOUNT, user))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageNotContaining(user);
  }

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

  @Test
  void rightsBecomeTemplatesWhereTheyNameTheirHolder() {
    Grant agent = new Grant("123", List.of("fl/123/up/**"), List.of("fl/123/down/**"));
    Grant other = new Grant("x", List.of("fl/x/up/**"), List.of("fl/x/down/**"));
    assertThat(Permissions.template(agent))
        .isEqualTo(Permissions.template(other))
        .contains("\"pub\":{\"allow\":[\"fl.{{name()}}.up.>\"]}")
        .contains("\"sub\":{\"allow\":[\"fl.{{name()}}.down.>\"]}");
    // 12 is no segment of 123's addresses.
    Grant prefix = new Grant("12", List.of("fl/123/up/**"), List.of());
    assertThat(Permissions.template(prefix)).isNull();
    assertThat(Permissions.claims(prefix, "A", "A"))
        .contains("\"allow\":[\"fl.123.up.>\"]")
        .contains("\"sub\":{\"deny\":[\">\"]}");
  }

  @Test
  void bookRemembersAndForgetsWhatHasExpired() throws Exception {
    Path file = folder.resolve("book");
    IssuedBook book = IssuedBook.open(file);
    book.port(4_711);
    book.addTemplate("{\"a\":1}", "SAX");
    book.issued("one", "U1", 100);
    book.issued("one", "U2", 200);
    book.issued("two", "U3", 200);
    assertThat(book.stamp(50)).isEqualTo(50);
    assertThat(book.stamp(40)).isEqualTo(50);
    book.save(60);
    IssuedBook again = IssuedBook.open(file);
    assertThat(again.port()).isEqualTo(4_711);
    assertThat(again.templates()).containsEntry("{\"a\":1}", "SAX");
    assertThat(again.stamp(0)).isEqualTo(50);
    assertThat(again.revoke("one")).isTrue();
    assertThat(again.revoke("one")).isFalse();
    again.save(150);
    assertThat(IssuedBook.open(file).revoked()).containsOnlyKeys("U2");
  }

  @Test
  void bentBooksAreRefused() throws Exception {
    Path file = folder.resolve("book");
    IssuedBook book = IssuedBook.open(file);
    book.issued("one", "U1", 100);
    book.save(1);
    String text = Files.readString(file);
    for (String bent :
        List.of(
            "",
            "\n",
            text.substring(0, text.length() - 5),
            text.replace("issued one", "issued"),
            text.replace("100", "x"),
            text.replace("port", "post"),
            "other" + text)) {
      Files.writeString(file, bent);
      assertThatThrownBy(() -> IssuedBook.open(file))
          .isInstanceOfSatisfying(
              TransportException.class, e -> assertThat(e.code()).isEqualTo("corrupt-state"));
    }
  }
}
