// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.transport.nats;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import dev.fairlead.transport.access.Credential;
import dev.fairlead.transport.api.Message;
import dev.fairlead.transport.api.Transport.State;
import dev.fairlead.transport.api.TransportException;
import dev.fairlead.transport.api.TransportProvider;
import dev.fairlead.transport.base.PinnedTrust;
import dev.fairlead.transport.nats.access.TestBroker;
import dev.fairlead.transport.tck.End;
import io.nats.client.Connection;
import io.nats.client.Dispatcher;
import io.nats.client.ErrorListener;
import io.nats.client.Nats;
import io.nats.client.Options;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.ServiceLoader;
import java.util.concurrent.CopyOnWriteArrayList;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.Test;

/** The client side with a real nats-server. */
class NatsTransportTest {

  private static final TestBroker BROKER = TestBroker.start();

  @AfterAll
  static void stop() {
    BROKER.close();
  }

  private static End agent(String id) {
    return Ends.open(BROKER.endpoint(), BROKER.agent(id));
  }

  private static End collector() {
    return Ends.open(BROKER.endpoint(), BROKER.collector()).receives("fl/*/up/**").connected();
  }

  @Test
  void isFoundAsAService() {
    assertThat(ServiceLoader.load(TransportProvider.class))
        .anyMatch(NatsTransportProvider.class::isInstance);
  }

  @Test
  void carriesMessagesBothWays() throws Exception {
    try (End collector = collector();
        End agent = agent("a1").receives("fl/a1/down/**").connected()) {
      Map<String, String> headers =
          Map.of("fl-v", "1", "spaces", " a b ", "percent", "5%25", "empty", "");
      agent.send(
          new Message(
              "fl/a1/up/hello", headers, ByteBuffer.wrap(new byte[] {1, 2}), "fl/a1/down/replies"));
      collector.awaitReceived(1);
      Message hello = collector.received().get(0);
      assertThat(hello.headers()).isEqualTo(headers);
      assertThat(hello.bytes()).containsExactly(1, 2);
      assertThat(hello.replyTo()).isEqualTo("fl/a1/down/replies");
      collector.send("fl/a1/down/commands", "down");
      agent.awaitReceived(1);
      assertThat(agent.received().get(0).address()).isEqualTo("fl/a1/down/commands");
      assertThat(agent.states()).containsExactly(State.CONNECTED);
    }
  }

  @Test
  void refusalsBearTheAddress() throws Exception {
    try (End victim = agent("b1").receives("fl/b1/down/**").connected();
        End collector = collector();
        End agent = agent("b2").connected()) {
      agent.send("fl/b1/up/logs", "forged");
      agent.send("fl/b1/down/commands", "forged");
      agent.receives("fl/b1/down/**").receives("fl/*/down/**").receives("**").receives("fl/**");
      await().until(() -> agent.refusals().size() == 6);
      assertThat(agent.refusals())
          .extracting(End.Refused::address)
          .containsExactlyInAnyOrder(
              "fl/b1/up/logs",
              "fl/b1/down/commands",
              "fl/b1/down/**",
              "fl/*/down/**",
              "**",
              "fl/**");
      assertThat(agent.refusals())
          .allMatch(r -> r.cause().category() == TransportException.Category.REFUSED);
      collector.send("fl/b1/down/commands", "true");
      victim.awaitReceived(1);
      assertThat(victim.received()).hasSize(1);
      assertThat(collector.received()).isEmpty();
      assertThat(agent.received()).isEmpty();
      assertThat(agent.transport().state()).isEqualTo(State.CONNECTED);
    }
  }

  /**
   * Subjects that no address can name, tried with a bare client that holds an agent's credential.
   */
  @Test
  void guessesAreRefused() throws Exception {
    List<String> errors = new CopyOnWriteArrayList<>();
    Credential credential = BROKER.agent("c1");
    Options options =
        new Options.Builder()
            .server(BROKER.endpoint().uri().toString())
            .sslContext(PinnedTrust.context(BROKER.endpoint().caSha256(), null))
            .authHandler(NatsCredential.parse(credential.content()))
            .noReconnect()
            .errorListener(
                new ErrorListener() {
                  @Override
                  public void errorOccurred(Connection conn, String error) {
                    errors.add(error);
                  }
                })
            .build();
    Connection connection = Nats.connect(options);
    List<String> guesses =
        List.of("_INBOX.>", "$SYS.>", "$JS.API.>", ">", "fl.>", "*.>", "$SYS.ACCOUNT.*.CONNECT");
    Dispatcher dispatcher = connection.createDispatcher(message -> {});
    guesses.forEach(dispatcher::subscribe);
    connection.publish("$JS.API.STREAM.CREATE.x", new byte[0]);
    connection.publish("$SYS.REQ.CLAIMS.UPDATE", new byte[0]);
    connection.publish("_INBOX.x", new byte[0]);
    connection.flush(Duration.ofSeconds(5));
    await().until(() -> errors.size() == guesses.size() + 3);
    assertThat(errors).allMatch(error -> error.startsWith("Permissions Violation"));
    connection.close();
  }

  @Test
  void whoMaySendNothingSendsNothing() throws Exception {
    Credential reader = BROKER.reader();
    try (End peer = Ends.open(BROKER.endpoint(), reader).receives("fl/*/up/**").connected();
        End agent = agent("e1").connected()) {
      peer.send("fl/e1/up/logs", "x");
      assertThat(peer.awaitRefusal("send-not-permitted").address()).isEqualTo("fl/e1/up/logs");
      agent.send("fl/e1/up/logs", "seen");
      peer.awaitReceived(1);
      assertThat(peer.received()).hasSize(1);
    }
  }

  @Test
  void credentialOfAnotherBrokerIsRefused() {
    try (TestBroker other = TestBroker.start();
        End foreign = Ends.open(BROKER.endpoint(), other.agent("f1"));
        End none = Ends.open(BROKER.endpoint(), null)) {
      assertThat(foreign.awaitRefusal("credential-refused").address()).isNull();
      none.awaitRefusal("credential-refused");
      assertThat(foreign.states()).isEmpty();
      foreign.set(TransportProvider.CREDENTIAL, BROKER.agent("f1").content());
      foreign.connected();
    }
  }

  @Test
  void badSettingsAreRefusedAtOnce() {
    String endpoint = BROKER.endpoint().uri().toString();
    for (Map<String, String> settings :
        List.of(
            Map.<String, String>of(),
            Map.of("endpoint", "http://127.0.0.1:1"),
            Map.of("endpoint", "nats://user:secret@127.0.0.1:1"),
            Map.of("endpoint", endpoint, "ca.sha256", "abc"),
            Map.of("endpoint", endpoint, "ca", "no certificate"),
            Map.of("endpoint", endpoint, "credential", "a.b.c.SUAnoseed"))) {
      assertThatThrownBy(() -> End.open(new NatsTransportProvider(), settings))
          .isInstanceOfSatisfying(
              TransportException.class,
              e -> assertThat(e.category()).isEqualTo(TransportException.Category.REFUSED));
    }
  }

  @Test
  void expiryIsARotationWhereTheSettingsHoldAFreshCredential() {
    Duration life = Duration.ofSeconds(2);
    try (End agent = Ends.open(BROKER.endpoint(), BROKER.agent("g1", life))) {
      agent.receives("fl/g1/down/**");
      for (int expiry = 1; expiry <= 2; expiry++) {
        connectedInTime(agent, life);
        int before = agent.states().size();
        agent.set(TransportProvider.CREDENTIAL, BROKER.agent("g1", life).content());
        await().atMost(Duration.ofSeconds(15)).until(() -> agent.states().size() > before);
      }
      connectedInTime(agent, Duration.ofHours(1));
      await().until(() -> agent.states().size() >= 5);
      assertThat(agent.states())
          .startsWith(
              State.CONNECTED,
              State.CONNECTING,
              State.CONNECTED,
              State.CONNECTING,
              State.CONNECTED);
    }
  }

  /** Where the machine is so slow that a credential expires before it is used, it gets another. */
  private static void connectedInTime(End agent, Duration life) {
    await()
        .atMost(Duration.ofSeconds(40))
        .pollInterval(Duration.ofSeconds(1))
        .until(
            () -> {
              boolean connected = agent.transport().state() == State.CONNECTED;
              if (!connected) {
                agent.set(TransportProvider.CREDENTIAL, BROKER.agent("g1", life).content());
              }
              return connected;
            });
  }

  @Test
  void whatJnatsHoldsIsCountedExactly() throws Exception {
    try (End peer = agent("i1").connected()) {
      NatsLink link = Ends.link(peer);
      for (int i = 0; i < 500; i++) {
        Map<String, String> headers = i % 2 == 0 ? Map.of() : Map.of("fl-count", "" + i, "x", " ");
        String reply = i % 3 == 0 ? "fl/i1/down/replies" : null;
        peer.send(new Message("fl/i1/up/logs", headers, ByteBuffer.allocate(i * 7), reply));
      }
      link.flush(Duration.ofSeconds(5));
      assertThat(link.window().messages()).isZero();
      assertThat(link.window().bytes()).isZero();
    }
  }

  /** jnats' own reader would die of such a message, and the collector would be deaf. */
  @Test
  void flawedHeadersHarmNobody() throws Exception {
    try (End collector = collector();
        RawClient hostile = new RawClient(BROKER.endpoint(), BROKER.agent("j1"));
        End agent = agent("j2").connected()) {
      for (String header :
          List.of(
              "NATS/1.0\r\n\r\n",
              "NATS/1.0\r\nno colon\r\n\r\n",
              "NATS/1.0\r\n:no name\r\n\r\n",
              "NATS/1.0\r\nfl-v: 1\u00e9\u0001\r\n\r\n",
              "NATS/9.9 what\r\n\r\n",
              "NATS/1.0 999999999999\r\n\r\n",
              "NATS/1.0",
              "x")) {
        hostile.publish("fl.j1.up.logs", "fl.j1.down.replies", header, "hostile");
      }
      hostile.flush();
      agent.send("fl/j2/up/logs", "good");
      await()
          .until(
              () ->
                  collector.received().stream().anyMatch(m -> m.address().equals("fl/j2/up/logs")));
      assertThat(collector.states()).containsExactly(State.CONNECTED);
    }
  }

  @Test
  void manyOpeningsAndClosingsLeaveNoThread() {
    for (int i = 0; i < 20; i++) {
      try (End peer = agent("k1")) {
        peer.receives("fl/k1/down/**").connected();
      }
    }
    try (End never = Ends.open("nats://127.0.0.1:1", null, Map.of())) {
      assertThat(never.transport().state()).isEqualTo(State.CONNECTING);
    }
    await().untilAsserted(() -> assertThat(Ends.threads()).isEmpty());
  }
}
