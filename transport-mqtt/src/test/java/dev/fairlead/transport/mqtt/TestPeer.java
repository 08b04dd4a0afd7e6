// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.transport.mqtt;

import static org.awaitility.Awaitility.await;

import dev.fairlead.transport.access.Credential;
import dev.fairlead.transport.access.Endpoint;
import dev.fairlead.transport.api.Transport;
import java.time.Duration;
import java.util.List;

/** A peer, for tests of the access side. */
public final class TestPeer implements AutoCloseable {

  private final Peer peer;

  public TestPeer(Endpoint endpoint, Credential credential) {
    this.peer = new Peer(endpoint, credential);
  }

  public void awaitState(Transport.State state) {
    await().atMost(Duration.ofSeconds(15)).until(() -> peer.states.contains(state));
  }

  public void awaitRefusal(String code) {
    peer.awaitRefusal(code);
  }

  public List<Transport.State> states() {
    return peer.states;
  }

  @Override
  public void close() {
    peer.close();
  }
}
