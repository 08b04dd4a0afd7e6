// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.transport.mqtt;

import java.net.URI;
import java.util.Set;
import org.eclipse.paho.mqttv5.client.MqttConnectionOptions;
import org.eclipse.paho.mqttv5.client.internal.NetworkModule;
import org.eclipse.paho.mqttv5.client.spi.NetworkModuleFactory;

/** Gives Paho the {@link Wire} that its options carry. Public, because Paho finds it by name. */
public final class SocketModuleFactory implements NetworkModuleFactory {

  static final String SCHEME = "mqtt";

  /** Made by Paho. */
  public SocketModuleFactory() {}

  @Override
  public Set<String> getSupportedUriSchemes() {
    return Set.of(SCHEME);
  }

  @Override
  public void validateURI(URI broker) {
    if (broker.getHost() == null) {
      throw new IllegalArgumentException("No host: " + broker);
    }
  }

  @Override
  public NetworkModule createNetworkModule(
      URI broker, MqttConnectionOptions options, String clientId) {
    if (options.getSocketFactory() instanceof Wire wire) {
      return wire;
    }
    throw new IllegalArgumentException("Connections are opened by MqttConnection alone.");
  }
}
