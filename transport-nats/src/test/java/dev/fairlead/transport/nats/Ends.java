// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.transport.nats;

import dev.fairlead.transport.access.Credential;
import dev.fairlead.transport.access.Endpoint;
import dev.fairlead.transport.api.TransportProvider;
import dev.fairlead.transport.base.KeptTransport;
import dev.fairlead.transport.tck.End;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/** Ends of this transport, and what is behind them. */
public final class Ends {

  private Ends() {}

  public static End open(Endpoint endpoint, @Nullable Credential credential) {
    return End.open(new NatsTransportProvider(), endpoint, credential);
  }

  /** One without a credential. */
  static End open(String endpoint, @Nullable String pin, Map<String, String> more) {
    Map<String, String> settings = new HashMap<>(more);
    settings.put(TransportProvider.ENDPOINT, endpoint);
    if (pin != null) {
      settings.put(TransportProvider.CA_SHA256, pin);
    }
    return End.open(new NatsTransportProvider(), settings);
  }

  /** The connection that an end has now. */
  static NatsLink link(End end) {
    return (NatsLink) Objects.requireNonNull(((KeptTransport) end.transport()).link());
  }

  /** Threads of all transports of this JVM. */
  static List<String> threads() {
    return Thread.getAllStackTraces().keySet().stream()
        .map(Thread::getName)
        .filter(name -> name.startsWith("fairlead-nats-") && !name.equals("fairlead-nats-server"))
        .toList();
  }
}
