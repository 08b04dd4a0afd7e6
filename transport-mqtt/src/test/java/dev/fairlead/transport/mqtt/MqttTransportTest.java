// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.transport.mqtt;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import dev.fairlead.transport.access.Credential;
import dev.fairlead.transport.api.Message;
import dev.fairlead.transport.api.Transport.State;
import dev.fairlead.transport.api.TransportException;
import dev.fairlead.transport.api.TransportProvider;
import dev.fairlead.transport.mqtt.access.TestBroker;
import dev.fairlead.transport.tck.End;
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

  private static End agent(String id) {
    return Ends.open(BROKER.endpoint(), BROKER.agent(id));
  }

  private static End collector() {
    return Ends.open(BROKER.endpoint(), BROKER.collector()).receives("fl/*/up/**").connected();
  }

  @Test
  void isFoundAsAService() {
    assertThat(ServiceLoader.load(TransportProvider.class))
        .anyMatch(MqttTransportProvider.class::isInstance);
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
      for (String address : List.of("fl/b1/up/logs", "fl/b1/down/commands")) {
        assertThatThrownBy(() -> agent.send(address, "forged"))
            .isInstanceOfSatisfying(
                TransportException.class,
                e -> assertThat(e.code()).isEqualTo("send-not-permitted"));
      }
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

  @Test
  void whoMaySendNothingSendsNothing() throws Exception {
    Credential reader = BROKER.reader();
    try (End peer = Ends.open(BROKER.endpoint(), reader).receives("fl/*/up/**").connected();
        End agent = agent("e1").connected()) {
      assertThatThrownBy(() -> peer.send("fl/e1/up/logs", "x"))
          .isInstanceOf(TransportException.class);
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
            Map.of("endpoint", "mqtt://user:secret@127.0.0.1:1"),
            Map.of("endpoint", endpoint, "ca.sha256", "abc"),
            Map.of("endpoint", endpoint, "ca", "no certificate"),
            Map.of("endpoint", endpoint, "credential", "no-password"))) {
      assertThatThrownBy(() -> End.open(new MqttTransportProvider(), settings))
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
  void manyOpeningsAndClosingsLeaveNoThread() {
    for (int i = 0; i < 20; i++) {
      try (End peer = agent("k1")) {
        peer.receives("fl/k1/down/**").connected();
      }
    }
    try (End never = Ends.open("mqtt://127.0.0.1:1", null, Map.of())) {
      assertThat(never.transport().state()).isEqualTo(State.CONNECTING);
    }
    await().untilAsserted(() -> assertThat(Ends.threads()).isEmpty());
  }

  /** A refused batch of a stream is heard of, although batches go at QoS 0. */
  @Test
  void refusedBatchIsHeardOf() throws Exception {
    try (End agent = agent("l1").connected()) {
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
    try (End collector = collector();
        End agent = agent("m1").connected()) {
      int count = 500;
      for (int i = 0; i < count; i++) {
        agent.send(
            new Message("fl/m1/up/logs", Map.of("fl-first", "" + i), ByteBuffer.allocate(2_000)));
      }
      collector.awaitReceived(count);
      assertThat(collector.received())
          .extracting(message -> message.headers().get("fl-first"))
          .containsExactlyElementsOf(IntStream.range(0, count).mapToObj(i -> "" + i).toList());
    }
  }

  @Test
  void foreignWillIsNotSaid() throws Exception {
    try (End collector = collector();
        End liar =
            Ends.open(
                    BROKER.endpoint().uri().toString(),
                    BROKER.endpoint().caSha256(),
                    Map.of(
                        TransportProvider.CREDENTIAL,
                        BROKER.agent("o1").content(),
                        TransportProvider.WILL_ADDRESS,
                        "fl/o2/up/lost"))
                .connected()) {
      Ends.link(liar).cut();
      liar.awaitStates(3).connected();
      liar.send("fl/o1/up/logs", "after");
      collector.awaitReceived(1);
      assertThat(collector.received())
          .extracting(Message::address)
          .containsExactly("fl/o1/up/logs");
    }
  }
}
