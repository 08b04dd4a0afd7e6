// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.agent.core;

import dev.fairlead.transport.api.TransportProvider;
import java.util.concurrent.CopyOnWriteArrayList;
import org.jspecify.annotations.Nullable;

/**
 * The transports' providers that are there. Two of one name are while one takes the other's place:
 * until the first has gone, it is the one. Safe for use by several threads.
 */
final class Providers {

  private final CopyOnWriteArrayList<TransportProvider> all = new CopyOnWriteArrayList<>();

  void add(TransportProvider provider) {
    var unused = all.addIfAbsent(provider);
  }

  void remove(TransportProvider provider) {
    all.remove(provider);
  }

  /** The one of a name; null where there is none. */
  @Nullable TransportProvider get(String name) {
    for (TransportProvider provider : all) {
      if (provider.name().equals(name)) {
        return provider;
      }
    }
    return null;
  }
}
