// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.conformance;

import dev.fairlead.transport.tck.Harness;
import dev.fairlead.transport.tck.TransportContract;
import java.util.Map;

/** MQTT, over a mosquitto that its access side starts. */
public final class MqttContract extends TransportContract {

  /** Made by JUnit and by the {@link java.util.ServiceLoader}. */
  public MqttContract() {
    super("mqtt");
  }

  @Override
  protected Harness start() {
    return BrokerHarness.start("mqtt", "mosquitto", Map.of());
  }
}
