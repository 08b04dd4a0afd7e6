// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.transport.mqtt;

import dev.fairlead.transport.mqtt.access.TestBroker;
import dev.fairlead.transport.tck.Harness;
import dev.fairlead.transport.tck.TcpFaults;
import dev.fairlead.transport.tck.TransportContract;
import org.junit.jupiter.api.AfterAll;

class MqttContractIT extends TransportContract {

  private final TestBroker broker = TestBroker.start();

  MqttContractIT() {
    super("mqtt");
  }

  @Override
  protected Harness start() {
    return Harness.overTcp(
        new MqttTransportProvider(),
        broker.issuer(),
        new TcpFaults(broker.endpoint().uri(), broker::kill, broker::restart));
  }

  @AfterAll
  void removeFolder() {
    broker.close();
  }
}
