// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.transport.nats.access;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.fairlead.transport.access.Grant;
import dev.fairlead.transport.api.TransportException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.SecureRandom;
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
  void rightsBecomeTemplatesWhereTheyNameTheirHolder() {
    Grant agent = new Grant("123", List.of("fl/123/up/**"), List.of("fl/123/down/**"));
    Grant other = new Grant("x", List.of("fl/x/up/**"), List.of("fl/x/down/**"));
    assertThat(Permissions.template(agent, StoreSettings.NONE))
        .isEqualTo(Permissions.template(other, StoreSettings.NONE))
        .contains("\"pub\":{\"allow\":[\"fl.{{name()}}.up.>\"]}")
        .contains("\"sub\":{\"allow\":[\"fl.{{name()}}.down.>\"]}");
    // 12 is no segment of 123's addresses.
    Grant prefix = new Grant("12", List.of("fl/123/up/**"), List.of());
    assertThat(Permissions.template(prefix, StoreSettings.NONE)).isNull();
    assertThat(Permissions.claims(prefix, StoreSettings.NONE, "A", "A"))
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
