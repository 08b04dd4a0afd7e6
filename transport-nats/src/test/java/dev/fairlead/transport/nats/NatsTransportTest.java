// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.transport.nats;

import static org.assertj.core.api.Assertions.assertThat;

import dev.fairlead.transport.access.Credential;
import dev.fairlead.transport.access.CredentialIssuer;
import dev.fairlead.transport.access.Grant;
import dev.fairlead.transport.api.Transport;
import dev.fairlead.transport.nats.access.NatsAccessProvider;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class NatsTransportTest {

  private static final Duration HOUR = Duration.ofHours(1);

  @TempDir static Path folder;
  private static CredentialIssuer issuer;

  @BeforeAll
  static void start() {
    issuer = new NatsAccessProvider().open(Map.of("dir", folder.resolve("broker").toString())::get);
  }

  @AfterAll
  static void stop() {
    issuer.close();
  }

  private static Credential agent(String id) {
    return issuer.issue(
        new Grant(id, List.of("fl/" + id + "/up/**"), List.of("fl/" + id + "/down/**")), HOUR);
  }

  private static Credential collector() {
    return issuer.issue(
        new Grant(
            "_collector", List.of("fl/*/down/**"), List.of("fl/_collector/down/**", "fl/*/up/**")),
        HOUR);
  }

  @Test
  void carriesMessagesBothWays() throws Exception {
    try (Peer collector = new Peer(issuer.endpoint(), collector()).receives("fl/*/up/**");
        Peer agent = new Peer(issuer.endpoint(), agent("a1")).receives("fl/a1/down/**")) {
      collector.connected();
      agent.connected();
      agent.send("fl/a1/up/hello", "up");
      collector.send("fl/a1/down/commands", "down");
      collector.awaitReceived(1);
      agent.awaitReceived(1);
      assertThat(agent.received.get(0).address()).isEqualTo("fl/a1/down/commands");
      assertThat(agent.states).containsExactly(Transport.State.CONNECTED);
    }
  }
}
