// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.agent.core;

import static java.nio.charset.StandardCharsets.UTF_8;

import dev.fairlead.protocol.Addresses;
import dev.fairlead.protocol.BootFacts;
import dev.fairlead.protocol.Lost;
import dev.fairlead.protocol.TransportFact;
import dev.fairlead.transport.api.TransportProvider;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * How each transport of the measured facts is opened: its endpoint, the newest credential for it,
 * the last will. Safe for use by several threads: transports ask whenever they connect.
 */
final class TransportSettings {

  private final BootFacts facts;
  private final Addresses addresses;
  private final String lastWill;
  private final Map<String, String> credentials = new ConcurrentHashMap<>();

  /**
   * Knows one credential.
   *
   * @param epoch of the agent, for its last will
   */
  TransportSettings(StartFacts start, String epoch) {
    facts = start.facts();
    addresses = facts.addresses();
    lastWill = new String(new Lost(facts.computation(), epoch).toJson(), UTF_8);
    credentials.put(facts.transport(), start.credential());
  }

  /** The newest credential for each transport, by its name; changed by whoever is given another. */
  Map<String, String> credentials() {
    return credentials;
  }

  /** The measured fact of a transport; empty where there is none, so that it may not be used. */
  Optional<TransportFact> fact(String transport) {
    return facts.transports().stream().filter(fact -> fact.name().equals(transport)).findFirst();
  }

  /** How the agent opens a transport for itself. */
  Function<String, @Nullable String> of(TransportFact fact) {
    return name ->
        switch (name) {
          case TransportProvider.ENDPOINT -> fact.uri().toString();
          case TransportProvider.CREDENTIAL -> credentials.get(fact.name());
          case TransportProvider.CA_SHA256 -> fact.caSha256();
          case TransportProvider.REPLIES -> addresses.replies();
          case TransportProvider.WILL_ADDRESS -> addresses.lost();
          case TransportProvider.WILL_PAYLOAD -> lastWill;
          default -> null;
        };
  }

  /** How it opens one beside: the end of that connection is not the end of the agent. */
  Function<String, @Nullable String> withoutLastWill(TransportFact fact) {
    Function<String, @Nullable String> all = of(fact);
    return name ->
        switch (name) {
          case TransportProvider.WILL_ADDRESS, TransportProvider.WILL_PAYLOAD -> null;
          default -> all.apply(name);
        };
  }
}
