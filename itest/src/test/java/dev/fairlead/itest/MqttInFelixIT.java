// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.itest;

/** MQTT, over a real mosquitto. */
@InFelix({"jackson-core", "protocol", "transport-api", "transport-base", "transport-mqtt"})
class MqttInFelixIT extends TransportInFelix {

  MqttInFelixIT() {
    super("mqtt");
  }
}
