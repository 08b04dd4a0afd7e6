// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.transport.mqtt;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.fairlead.transport.api.Message;
import dev.fairlead.transport.api.Transport.State;
import dev.fairlead.transport.mqtt.access.TestBroker;
import dev.fairlead.transport.tck.End;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The client side with a broker that stands still. */
class MqttFaultTest {

  @TempDir Path folder;

  /** What is sent meanwhile fills the sockets, so that no ping can be written. */
  @Test
  void brokerThatStandsStillIsGivenUpWhileMuchIsSent() throws Exception {
    try (TestBroker broker = TestBroker.start(folder, Map.of());
        End agent = Ends.open(broker.endpoint(), broker.agent("a1")).connected()) {
      Message much = new Message("fl/a1/up/logs", new byte[200_000]);
      signal("STOP", broker.pid());
      try {
        while (!agent.transport().send(much).toCompletableFuture().isCompletedExceptionally()) {
          // until as much is under way as may be
        }
        await().atMost(Duration.ofSeconds(30)).until(() -> agent.states().size() >= 2);
        assertThat(agent.states().get(1)).isEqualTo(State.CONNECTING);
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
}
