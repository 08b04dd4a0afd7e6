// SPDX-License-Identifier: Apache-2.0
/** The MQTT transport. Everything in it is reached through the transport SPI alone. */
module dev.fairlead.transport.mqtt {
  requires dev.fairlead.protocol;
  requires dev.fairlead.transport.api;
  requires dev.fairlead.transport.base;
  requires java.logging; // Paho
  requires static org.jspecify;
  requires static osgi.annotation;
  requires static org.osgi.service.component.annotations;

  uses org.eclipse.paho.mqttv5.client.logging.Logger;
  uses org.eclipse.paho.mqttv5.client.spi.NetworkModuleFactory;

  provides org.eclipse.paho.mqttv5.client.spi.NetworkModuleFactory with
      dev.fairlead.transport.mqtt.SocketModuleFactory;
  provides dev.fairlead.transport.api.TransportProvider with
      dev.fairlead.transport.mqtt.MqttTransportProvider;
  provides dev.fairlead.transport.access.AccessProvider with
      dev.fairlead.transport.mqtt.access.MqttAccessProvider;
}
