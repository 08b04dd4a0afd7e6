// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.transport.mqtt.access;

import dev.fairlead.transport.access.AccessProvider;
import dev.fairlead.transport.access.CredentialIssuer;
import dev.fairlead.transport.base.broker.BrokerSettings;
import java.security.SecureRandom;
import java.time.InstantSource;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;
import org.osgi.service.component.annotations.Component;

/** Opens the access side of MQTT. Settings and limits are in the README of this module. */
@Component(service = AccessProvider.class, property = "transport.name=mqtt")
public final class MqttAccessProvider implements AccessProvider {

  /** Makes one; it holds nothing. */
  public MqttAccessProvider() {}

  @Override
  public String name() {
    return "mqtt";
  }

  @Override
  public CredentialIssuer open(Function<String, @Nullable String> settings) {
    InstantSource clock = InstantSource.system();
    SecureRandom random = new SecureRandom();
    String broker = settings.apply("broker");
    if ("external".equals(broker)) {
      ExternalBroker external = ExternalBroker.open(settings, random);
      return new MqttIssuer(external.endpoint(), external, external.book(), clock, random);
    }
    if (broker != null && !broker.equals("child")) {
      throw BrokerSettings.bad("broker", "is neither 'child' nor 'external'");
    }
    ChildBroker child =
        ChildBroker.open(BrokerSettings.read(settings), settings.apply("plugin"), clock, random);
    return new MqttIssuer(child.endpoint(), child, child.book(), clock, random);
  }
}
