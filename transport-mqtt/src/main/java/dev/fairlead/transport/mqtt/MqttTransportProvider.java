// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.transport.mqtt;

import static java.util.Objects.requireNonNull;

import dev.fairlead.transport.api.Transport;
import dev.fairlead.transport.api.TransportListener;
import dev.fairlead.transport.api.TransportProvider;
import dev.fairlead.transport.base.KeptTransport;
import java.security.SecureRandom;
import java.util.HexFormat;
import java.util.Set;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;
import org.osgi.service.component.annotations.Component;

/** Opens transports over MQTT 5, by Paho. Settings and limits are in the README of this module. */
@Component(service = TransportProvider.class, property = "transport.name=mqtt")
public final class MqttTransportProvider implements TransportProvider {

  private static final AtomicInteger OPENED = new AtomicInteger();

  /** Makes one; it holds nothing. */
  public MqttTransportProvider() {}

  @Override
  public String name() {
    return "mqtt";
  }

  @Override
  public Set<Capability> capabilities() {
    return Set.of(
        Capability.ACKNOWLEDGED_SEND,
        Capability.REFUSED_SEND,
        Capability.REFUSED_SUBSCRIBE,
        Capability.LAST_WILL);
  }

  @Override
  public Transport open(Function<String, @Nullable String> settings, TransportListener listener) {
    requireNonNull(listener, "listener is null");
    MqttSettings.read(settings);
    SecureRandom random = new SecureRandom();
    // The same for each connection of a transport: the next one ends what the broker may still
    // hold of the last, and its last will is out before the next has said a word.
    String clientId = "fl-" + HexFormat.of().toHexDigits(random.nextLong());
    return KeptTransport.open(
        (owner, threads, timer) -> new MqttLink(settings, clientId, owner, threads, timer),
        listener,
        random,
        "fairlead-mqtt-" + OPENED.incrementAndGet());
  }
}
