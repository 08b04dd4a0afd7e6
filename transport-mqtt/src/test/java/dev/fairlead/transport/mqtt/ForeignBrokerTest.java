// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.transport.mqtt;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import dev.fairlead.transport.api.Message;
import dev.fairlead.transport.api.Transport.State;
import dev.fairlead.transport.mqtt.access.TestAuthority;
import dev.fairlead.transport.mqtt.access.TestServer;
import dev.fairlead.transport.tck.End;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Whom the client trusts, and what brokers of others ask. Each broker is real. */
class ForeignBrokerTest {

  private static final Duration YEAR = Duration.ofDays(365);

  @TempDir Path folder;

  private final TestAuthority authority = new TestAuthority();
  private final TestAuthority stranger = new TestAuthority();

  private TestServer server(TestAuthority by, String name, Duration life, TestAuthority sent) {
    return TestServer.tls(folder, by.server(name, life), "", sent.certificate());
  }

  private static void assertRefused(TestServer server, String pin) {
    try (server;
        End peer = Ends.open(server.uri("mqtts"), pin.isEmpty() ? null : pin, Map.of())) {
      assertThat(peer.awaitRefusal("tls-untrusted").address()).isNull();
      assertThat(peer.transport().state()).isEqualTo(State.CONNECTING);
      assertThat(peer.states()).isEmpty();
    }
  }

  @Test
  void pinnedCaIsFoundInTheChain() {
    try (TestServer server = server(authority, "127.0.0.1", YEAR, authority);
        End pinned = Ends.open(server.uri("mqtt"), authority.pin(), Map.of())) {
      pinned.connected();
    }
  }

  @Test
  void givenCaServesWhereTheChainLacksIt() {
    try (TestServer server = TestServer.tls(folder, authority.server("127.0.0.1", YEAR), "");
        End peer = Ends.open(server.uri("mqtts"), authority.pin(), Map.of("ca", authority.pem()))) {
      peer.connected();
    }
  }

  @Test
  void strangersAreRefused() {
    assertRefused(server(stranger, "127.0.0.1", YEAR, stranger), authority.pin());
    assertRefused(server(stranger, "127.0.0.1", YEAR, authority), authority.pin());
    assertRefused(server(authority, "other.example", YEAR, authority), authority.pin());
    assertRefused(server(authority, "127.0.0.1", Duration.ofHours(-1), authority), authority.pin());
    assertRefused(server(authority, "127.0.0.1", YEAR, authority), "");
  }

  @Test
  void brokerThatAsksForACertificateIsShownOne() throws Exception {
    Path ca = Files.writeString(folder.resolve("client-ca.pem"), authority.pem());
    TestAuthority.Server client = authority.client("agent");
    try (TestServer server =
            TestServer.tls(
                folder,
                authority.server("127.0.0.1", YEAR),
                "cafile " + ca + "\nrequire_certificate true\n",
                authority.certificate());
        End shown =
            Ends.open(
                server.uri("mqtts"),
                authority.pin(),
                Map.of(
                    MqttSettings.CERTIFICATE, client.pem(),
                    MqttSettings.KEY, client.key()));
        End none = Ends.open(server.uri("mqtts"), authority.pin(), Map.of())) {
      shown.connected();
      assertThat(none.states()).isEmpty();
    }
  }

  /** Debian's default: twenty messages may be under way, and clients may use topic aliases. */
  @Test
  void brokerWithItsDefaultsIsUsedWithinThem() throws Exception {
    try (TestServer server = TestServer.plain(folder, "");
        End receiver = Ends.open(server.uri("mqtt"), null, Map.of()).receives("a/**").connected();
        End sender = Ends.open(server.uri("mqtt"), null, Map.of()).connected()) {
      int count = 300;
      int busy = 0;
      for (int i = 0; i < count; ) {
        if (hasRoom(sender, "a/t" + i % 30, "" + i)) {
          i++;
        } else {
          busy++;
          Ends.link(sender).flush(Duration.ofSeconds(10));
        }
      }
      assertThat(busy).as("the window was full").isPositive();
      receiver.awaitReceived(count);
      assertThat(receiver.received()).hasSize(count);
      assertThat(sender.states()).containsExactly(State.CONNECTED);
    }
  }

  /** Sends without waiting; false where there is no room. */
  private static boolean hasRoom(End sender, String address, String text) {
    return !sender
        .transport()
        .send(new Message(address, text.getBytes(UTF_8)))
        .toCompletableFuture()
        .isCompletedExceptionally();
  }
}
