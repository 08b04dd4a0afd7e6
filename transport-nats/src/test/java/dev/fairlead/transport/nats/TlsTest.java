// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.transport.nats;

import static org.assertj.core.api.Assertions.assertThat;

import dev.fairlead.transport.api.Transport.State;
import dev.fairlead.transport.nats.access.TestAuthority;
import dev.fairlead.transport.nats.access.TestServer;
import dev.fairlead.transport.tck.End;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Whom the client trusts. Each server is real, and differs from a good one in one thing. */
class TlsTest {

  private static final Duration YEAR = Duration.ofDays(365);

  @TempDir Path folder;

  private final TestAuthority authority = new TestAuthority();
  private final TestAuthority stranger = new TestAuthority();

  private void assertTrusted(TestServer server, String pin, Map<String, String> more) {
    try (server;
        End peer = Ends.open(server.uri("tls"), pin, more)) {
      peer.connected();
    }
  }

  private void assertRefused(String code, TestServer server, String scheme, String pin) {
    try (server;
        End peer = Ends.open(server.uri(scheme), pin.isEmpty() ? null : pin, Map.of())) {
      assertThat(peer.awaitRefusal(code).address()).isNull();
      assertThat(peer.transport().state()).isEqualTo(State.CONNECTING);
      assertThat(peer.states()).isEmpty();
    }
  }

  private TestServer server(TestAuthority by, String name, Duration life, TestAuthority sent) {
    return TestServer.tls(folder, by.server(name, life), sent.certificate());
  }

  @Test
  void pinnedCaIsFoundInTheChain() {
    assertTrusted(server(authority, "127.0.0.1", YEAR, authority), authority.pin(), Map.of());
  }

  @Test
  void givenCaServesWhereTheChainLacksIt() {
    TestServer server = TestServer.tls(folder, authority.server("127.0.0.1", YEAR));
    assertTrusted(server, authority.pin(), Map.of("ca", authority.pem()));
  }

  @Test
  void chainWithoutTheCaIsRefusedWithoutIt() {
    TestServer server = TestServer.tls(folder, authority.server("127.0.0.1", YEAR));
    assertRefused("tls-untrusted", server, "tls", authority.pin());
  }

  @Test
  void otherCaIsRefused() {
    assertRefused(
        "tls-untrusted", server(stranger, "127.0.0.1", YEAR, stranger), "tls", authority.pin());
  }

  /** The CA's certificate is public: to send it along proves nothing. */
  @Test
  void strangerWhoSendsThePinnedCaIsRefused() {
    assertRefused(
        "tls-untrusted", server(stranger, "127.0.0.1", YEAR, authority), "tls", authority.pin());
  }

  @Test
  void otherHostNameIsRefused() {
    assertRefused(
        "tls-untrusted",
        server(authority, "other.example", YEAR, authority),
        "tls",
        authority.pin());
  }

  @Test
  void expiredCertificateIsRefused() {
    assertRefused(
        "tls-untrusted",
        server(authority, "127.0.0.1", Duration.ofHours(-1), authority),
        "tls",
        authority.pin());
  }

  @Test
  void pinOfWhatIsNoCaIsRefused() {
    TestAuthority.Server leaf = authority.server("127.0.0.1", YEAR);
    assertRefused(
        "tls-untrusted",
        TestServer.tls(folder, leaf, authority.certificate()),
        "tls",
        TestAuthority.pin(leaf.certificate()));
  }

  @Test
  void platformsTrustDoesNotCoverIt() {
    assertRefused("tls-untrusted", server(authority, "127.0.0.1", YEAR, authority), "tls", "");
  }

  @Test
  void serverWithoutTlsIsRefused() {
    assertRefused("tls-missing", TestServer.plain(folder), "tls", authority.pin());
  }

  @Test
  void pinAsksForTlsWhateverTheSchemeSays() {
    assertRefused("tls-missing", TestServer.plain(folder), "nats", authority.pin());
  }

  @Test
  void serverThatAsksForTlsIsNotMetWithoutIt() {
    assertRefused("tls-required", server(authority, "127.0.0.1", YEAR, authority), "nats", "");
  }

  @Test
  void plainConnectionWorksWhereBothWantIt() {
    try (TestServer server = TestServer.plain(folder);
        End peer = Ends.open(server.uri("nats"), null, Map.of())) {
      peer.connected();
    }
  }
}
