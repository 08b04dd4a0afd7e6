// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.transport.nats;

import dev.fairlead.transport.nats.access.TestBroker;
import dev.fairlead.transport.tck.Harness;
import dev.fairlead.transport.tck.TcpFaults;
import dev.fairlead.transport.tck.TransportContract;
import java.util.Map;
import org.junit.jupiter.api.AfterAll;

class NatsContractIT extends TransportContract {

  private final TestBroker broker =
      TestBroker.start(
          Map.of(
              "store", Harness.STORED, "store.reader", Harness.STORED_READER, "store.mib", "16"));

  NatsContractIT() {
    super("nats");
  }

  @Override
  protected Harness start() {
    return Harness.storingOverTcp(
        new NatsTransportProvider(),
        broker.issuer(),
        new TcpFaults(broker.endpoint().uri(), broker::kill, broker::restart));
  }

  @AfterAll
  void removeFolder() {
    broker.close();
  }
}
