// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.transport.mqtt;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import dev.fairlead.transport.access.Credential;
import dev.fairlead.transport.api.Message;
import dev.fairlead.transport.api.Transport.State;
import dev.fairlead.transport.api.TransportException;
import dev.fairlead.transport.api.TransportProvider;
import dev.fairlead.transport.mqtt.access.TestBroker;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.ServiceLoader;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.Test;

/** The client side with a real mosquitto. */
class MqttTransportTest {

  private static final TestBroker BROKER = TestBroker.start();

  @AfterAll
  static void stop() {
    BROKER.close();
  }

  private static Peer agent(String id) {
    return new Peer(BROKER.endpoint(), BROKER.agent(id));
  }

  private static Peer collector() {
    return new Peer(BROKER.endpoint(), BROKER.collector()).receives("fl/*/up/**").connected();
  }

  @Test
  void isFoundAsAService() {
    assertThat(ServiceLoader.load(TransportProvider.class))
        .anyMatch(MqttTransportProvider.class::isInstance);
  }

  @Test
  void carriesMessagesBothWays() throws Exception {
    try (Peer collector = collector();
        Peer agent = agent("a1").receives("fl/a1/down/**").connected()) {
      Map<String, String> headers =
          Map.of("fl-v", "1", "spaces", " a b ", "percent", "5%25", "empty", "");
      agent.send(
          new Message(
              "fl/a1/up/hello", headers, ByteBuffer.wrap(new byte[] {1, 2}), "fl/a1/down/replies"));
      collector.awaitReceived(1);
      Message hello = collector.received.get(0);
      assertThat(hello.headers()).isEqualTo(headers);
      assertThat(hello.bytes()).containsExactly(1, 2);
      assertThat(hello.replyTo()).isEqualTo("fl/a1/down/replies");
      collector.send("fl/a1/down/commands", "down");
      agent.awaitReceived(1);
      assertThat(agent.received.get(0).address()).isEqualTo("fl/a1/down/commands");
      assertThat(agent.states).containsExactly(State.CONNECTED);
    }
  }

  @Test
  void refusalsBearTheAddress() throws Exception {
    try (Peer victim = agent("b1").receives("fl/b1/down/**").connected();
        Peer collector = collector();
        Peer agent = agent("b2").connected()) {
      for (String address : List.of("fl/b1/up/logs", "fl/b1/down/commands")) {
        assertThatThrownBy(() -> agent.send(address, "forged"))
            .isInstanceOfSatisfying(
                TransportException.class,
                e -> assertThat(e.code()).isEqualTo("send-not-permitted"));
      }
      agent.receives("fl/b1/down/**").receives("fl/*/down/**").receives("**").receives("fl/**");
      await().until(() -> agent.refusals.size() == 6);
      assertThat(agent.refusals)
          .extracting(Peer.Refused::address)
          .containsExactlyInAnyOrder(
              "fl/b1/up/logs",
              "fl/b1/down/commands",
              "fl/b1/down/**",
              "fl/*/down/**",
              "**",
              "fl/**");
      assertThat(agent.refusals)
          .allMatch(r -> r.cause().category() == TransportException.Category.REFUSED);
      collector.send("fl/b1/down/commands", "true");
      victim.awaitReceived(1);
      assertThat(victim.received).hasSize(1);
      assertThat(collector.received).isEmpty();
      assertThat(agent.received).isEmpty();
      assertThat(agent.transport.state()).isEqualTo(State.CONNECTED);
    }
  }

  @Test
  void repliesAreReadByTheirOwnerAlone() throws Exception {
    try (Peer owner = agent("d1").receives("fl/d1/down/replies/**").connected();
        Peer curious = agent("d2").receives("fl/d1/down/replies/**").connected();
        Peer collector = collector()) {
      curious.awaitRefusal("subscribe-not-permitted");
      collector.send("fl/d1/down/replies/1", "secret");
      owner.awaitReceived(1);
      assertThat(curious.received).isEmpty();
    }
  }

  @Test
  void whoMaySendNothingSendsNothing() throws Exception {
    Credential reader = BROKER.reader();
    try (Peer peer = new Peer(BROKER.endpoint(), reader).receives("fl/*/up/**").connected();
        Peer agent = agent("e1").connected()) {
      assertThatThrownBy(() -> peer.send("fl/e1/up/logs", "x"))
          .isInstanceOf(TransportException.class);
      assertThat(peer.awaitRefusal("send-not-permitted").address()).isEqualTo("fl/e1/up/logs");
      agent.send("fl/e1/up/logs", "seen");
      peer.awaitReceived(1);
      assertThat(peer.received).hasSize(1);
    }
  }

  @Test
  void credentialOfAnotherBrokerIsRefused() {
    try (TestBroker other = TestBroker.start();
        Peer foreign = new Peer(BROKER.endpoint(), other.agent("f1"));
        Peer none = new Peer(BROKER.endpoint(), null)) {
      assertThat(foreign.awaitRefusal("credential-refused").address()).isNull();
      none.awaitRefusal("credential-refused");
      assertThat(foreign.states).isEmpty();
      foreign.settings.put(TransportProvider.CREDENTIAL, BROKER.agent("f1").content());
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
            Map.of("endpoint", "mqtt://user:secret@127.0.0.1:1"),
            Map.of("endpoint", endpoint, "ca.sha256", "abc"),
            Map.of("endpoint", endpoint, "ca", "no certificate"),
            Map.of("endpoint", endpoint, "credential", "no-password"))) {
      assertThatThrownBy(() -> new MqttTransportProvider().open(settings::get, new NullListener()))
          .isInstanceOfSatisfying(
              TransportException.class,
              e -> assertThat(e.category()).isEqualTo(TransportException.Category.REFUSED));
    }
  }

  @Test
  void expiryIsARotationWhereTheSettingsHoldAFreshCredential() {
    try (Peer agent = new Peer(BROKER.endpoint(), BROKER.agent("g1", Duration.ofSeconds(1)))) {
      agent.receives("fl/g1/down/**").connected();
      for (int expiry = 1; expiry <= 2; expiry++) {
        Duration life = expiry == 2 ? Duration.ofHours(1) : Duration.ofSeconds(2);
        agent.settings.put(TransportProvider.CREDENTIAL, BROKER.agent("g1", life).content());
        int before = agent.states.size();
        await().atMost(Duration.ofSeconds(15)).until(() -> agent.states.size() > before);
        agent.connected();
      }
      await().until(() -> agent.states.size() >= 5);
      assertThat(agent.states)
          .startsWith(
              State.CONNECTED,
              State.CONNECTING,
              State.CONNECTED,
              State.CONNECTING,
              State.CONNECTED);
    }
  }

  @Test
  void revocationKicksOneAndNoOther() {
    try (Peer revoked = agent("h1").connected();
        Peer other = agent("h2").connected();
        Peer collector = collector()) {
      BROKER.issuer().revoke("h1");
      await().atMost(Duration.ofSeconds(5)).until(() -> revoked.states.contains(State.CONNECTING));
      revoked.awaitRefusal("credential-refused");
      revoked.settings.put(TransportProvider.CREDENTIAL, BROKER.agent("h1").content());
      revoked.connected();
      assertThat(other.states).containsExactly(State.CONNECTED);
      assertThat(collector.states).containsExactly(State.CONNECTED);
    }
  }

  @Test
  void manyOpeningsAndClosingsLeaveNoThread() {
    for (int i = 0; i < 20; i++) {
      try (Peer peer = agent("k1")) {
        peer.receives("fl/k1/down/**").connected();
      }
    }
    try (Peer never = new Peer("mqtt://127.0.0.1:1", null, null)) {
      assertThat(never.transport.state()).isEqualTo(State.CONNECTING);
    }
    await().untilAsserted(() -> assertThat(Peer.threads()).isEmpty());
  }

  /** A refused batch of a stream is heard of, although batches go at QoS 0. */
  @Test
  void refusedBatchIsHeardOf() throws Exception {
    try (Peer agent = agent("l1").connected()) {
      Message batch =
          new Message("fl/l2/up/logs", Map.of("fl-first", "1"), ByteBuffer.wrap(new byte[10]));
      for (int i = 0; i < 3; i++) {
        assertThatThrownBy(() -> agent.send(batch)).isInstanceOf(TransportException.class);
      }
      assertThat(agent.awaitRefusal("send-not-permitted").address()).isEqualTo("fl/l2/up/logs");
    }
  }

  @Test
  void batchesArriveInOrder() throws Exception {
    try (Peer collector = collector();
        Peer agent = agent("m1").connected()) {
      int count = 500;
      for (int i = 0; i < count; i++) {
        agent.send(
            new Message("fl/m1/up/logs", Map.of("fl-first", "" + i), ByteBuffer.allocate(2_000)));
      }
      collector.awaitReceived(count);
      assertThat(collector.received)
          .extracting(message -> message.headers().get("fl-first"))
          .containsExactlyElementsOf(IntStream.range(0, count).mapToObj(i -> "" + i).toList());
    }
  }

  @Test
  void lastWillIsSaidWhenTheEndIsGoneAndNotWhenItCloses() throws Exception {
    Map<String, String> will =
        Map.of(
            TransportProvider.WILL_ADDRESS, "fl/n1/up/gone",
            TransportProvider.WILL_PAYLOAD, "{\"so\":\"long\"}");
    try (Peer collector = collector()) {
      new Peer(
              BROKER.endpoint().uri().toString(),
              BROKER.endpoint().caSha256(),
              BROKER.agent("n1"),
              will)
          .connected()
          .close();
      try (Peer gone =
          new Peer(
                  BROKER.endpoint().uri().toString(),
                  BROKER.endpoint().caSha256(),
                  BROKER.agent("n1"),
                  will)
              .connected()) {
        assertThat(collector.received).isEmpty();
        gone.link().cut();
        collector.awaitReceived(1);
        assertThat(collector.received.get(0).address()).isEqualTo("fl/n1/up/gone");
        assertThat(new String(collector.received.get(0).bytes(), UTF_8))
            .isEqualTo("{\"so\":\"long\"}");
        gone.awaitStates(3).connected();
      }
      assertThat(collector.received).hasSize(1);
    }
  }

  @Test
  void foreignWillIsNotSaid() throws Exception {
    try (Peer collector = collector();
        Peer liar =
            new Peer(
                    BROKER.endpoint().uri().toString(),
                    BROKER.endpoint().caSha256(),
                    BROKER.agent("o1"),
                    Map.of(TransportProvider.WILL_ADDRESS, "fl/o2/up/lost"))
                .connected()) {
      liar.link().cut();
      liar.awaitStates(3).connected();
      liar.send("fl/o1/up/logs", "after");
      collector.awaitReceived(1);
      assertThat(collector.received).extracting(Message::address).containsExactly("fl/o1/up/logs");
    }
  }
}
