// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.transport.nats.access;

import dev.fairlead.transport.access.AccessProvider;
import dev.fairlead.transport.access.CredentialIssuer;
import dev.fairlead.transport.base.broker.BrokerSettings;
import java.security.SecureRandom;
import java.time.InstantSource;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;
import org.osgi.service.component.annotations.Component;

/** Opens the access side of NATS. Settings and limits are in the README of this module. */
@Component(service = AccessProvider.class, property = "transport.name=nats")
public final class NatsAccessProvider implements AccessProvider {

  /** Makes one; it holds nothing. */
  public NatsAccessProvider() {}

  @Override
  public String name() {
    return "nats";
  }

  @Override
  public CredentialIssuer open(Function<String, @Nullable String> settings) {
    InstantSource clock = InstantSource.system();
    SecureRandom random = new SecureRandom();
    String broker = settings.apply("broker");
    if ("external".equals(broker)) {
      ExternalAccount account = ExternalAccount.open(settings, clock, random);
      return new NatsIssuer(account.endpoint(), account, account.book(), clock, random);
    }
    if (broker != null && !broker.equals("child")) {
      throw BrokerSettings.bad("broker", "is neither 'child' nor 'external'");
    }
    ChildBroker child =
        ChildBroker.open(
            BrokerSettings.read(settings), StoreSettings.read(settings), clock, random);
    return new NatsIssuer(child.endpoint(), child, child.book(), clock, random);
  }
}
