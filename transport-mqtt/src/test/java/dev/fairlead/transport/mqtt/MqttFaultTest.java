// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.transport.mqtt;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.fairlead.transport.access.Credential;
import dev.fairlead.transport.access.Endpoint;
import dev.fairlead.transport.api.Transport.State;
import dev.fairlead.transport.mqtt.access.TestBroker;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The client side with a broker that comes late, dies and comes back. */
class MqttFaultTest {

  @TempDir Path folder;

  /** What is sent meanwhile fills the sockets, so that no ping can be written. */
  @Test
  void brokerThatStandsStillIsGivenUpWhileMuchIsSent() throws Exception {
    try (TestBroker broker = TestBroker.start(folder, Map.of());
        Peer agent = new Peer(broker.endpoint(), broker.agent("a1")).connected()) {
      String much = "x".repeat(200_000);
      signal("STOP", broker.pid());
      try {
        while (agent.trySend("fl/a1/up/logs", much)) {
          // until as much is under way as may be
        }
        await().atMost(Duration.ofSeconds(30)).until(() -> agent.states.size() >= 2);
        assertThat(agent.states.get(1)).isEqualTo(State.CONNECTING);
      } finally {
        signal("CONT", broker.pid());
      }
      agent.connected();
    }
  }

  private static void signal(String name, long pid) throws Exception {
    assertThat(new ProcessBuilder("kill", "-" + name, Long.toString(pid)).start().waitFor())
        .isZero();
  }

  @Test
  void brokerMayComeAfterTheAgentAndDieTwice() throws Exception {
    Credential credential;
    Endpoint endpoint;
    try (TestBroker first = TestBroker.start(folder, Map.of())) {
      credential = first.agent("a1");
      endpoint = first.endpoint();
    }
    try (Peer agent = new Peer(endpoint, credential).receives("fl/a1/down/**")) {
      await().until(() -> agent.transport.state() == State.CONNECTING);
      try (TestBroker broker = TestBroker.start(folder, Map.of())) {
        assertThat(broker.endpoint()).isEqualTo(endpoint);
        agent.connected();
        for (int death = 1; death <= 2; death++) {
          int before = agent.states.size();
          ProcessHandle.of(broker.pid()).orElseThrow().destroyForcibly();
          await().atMost(Duration.ofSeconds(10)).until(() -> agent.states.size() >= before + 2);
          agent.connected();
        }
        try (Peer collector = new Peer(endpoint, broker.collector()).connected()) {
          collector.send("fl/a1/down/commands", "still there");
          agent.awaitReceived(1);
        }
      }
    }
  }
}
