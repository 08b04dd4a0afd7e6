// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.transport.mqtt;

import dev.fairlead.transport.api.Message;
import dev.fairlead.transport.base.HeaderLimits;
import java.lang.System.Logger.Level;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.eclipse.paho.mqttv5.common.MqttMessage;
import org.eclipse.paho.mqttv5.common.packet.MqttProperties;
import org.eclipse.paho.mqttv5.common.packet.UserProperty;
import org.jspecify.annotations.Nullable;

/**
 * A message as MQTT carries it: the address is the topic, each header a user property, the reply
 * address the response topic.
 */
final class WireMessage {

  private static final System.Logger LOG = System.getLogger("dev.fairlead.transport.mqtt");

  /** Fixed header, packet identifier, lengths: what a packet has beyond the texts in it. */
  private static final int OVERHEAD = 32;

  /** What a property has beyond its texts. */
  private static final int PROPERTY = 5;

  private WireMessage() {}

  /** No less than the packet's length in bytes. */
  static long size(Message message) {
    long size = (long) OVERHEAD + message.address().length() + message.payload().remaining();
    for (Map.Entry<String, String> header : message.headers().entrySet()) {
      size += (long) PROPERTY + header.getKey().length() + header.getValue().length();
    }
    return message.replyTo() == null ? size : size + PROPERTY + message.replyTo().length();
  }

  static MqttProperties properties(Message message) {
    MqttProperties properties = new MqttProperties();
    if (!message.headers().isEmpty()) {
      List<UserProperty> values = new ArrayList<>(message.headers().size());
      message.headers().forEach((name, value) -> values.add(new UserProperty(name, value)));
      properties.setUserProperties(values);
    }
    if (message.replyTo() != null) {
      properties.setResponseTopic(message.replyTo());
    }
    return properties;
  }

  /** What arrived as a message of ours, null where it is none: anybody may send anything. */
  static @Nullable Message received(String topic, MqttMessage message) {
    String address = Topics.address(topic);
    byte[] payload = message.getPayload();
    if (address == null || payload.length > Message.MAX_PAYLOAD) {
      LOG.log(Level.DEBUG, "Ignored a message to {0}: it is none of ours.", topic);
      return null;
    }
    MqttProperties properties = message.getProperties();
    String reply = properties.getResponseTopic();
    return new Message(
        address,
        headers(properties.getUserProperties()),
        ByteBuffer.wrap(payload),
        reply == null ? null : Topics.address(reply));
  }

  /** The headers that fit the limits of a message; others are for others. */
  private static Map<String, String> headers(@Nullable List<UserProperty> properties) {
    if (properties == null || properties.isEmpty()) {
      return Map.of();
    }
    Map<String, String> values = new HashMap<>();
    for (UserProperty property : properties) {
      if (values.size() < HeaderLimits.MAX_HEADERS
          && HeaderLimits.fit(property.getKey(), property.getValue())) {
        values.putIfAbsent(property.getKey(), property.getValue());
      }
    }
    return values;
  }
}
