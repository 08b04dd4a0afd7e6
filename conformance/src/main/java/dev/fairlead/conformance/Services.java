// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.conformance;

import dev.fairlead.transport.access.AccessProvider;
import dev.fairlead.transport.api.TransportProvider;
import java.util.NoSuchElementException;
import java.util.ServiceLoader;

/** Transports as whoever uses no framework finds them. */
final class Services {

  private Services() {}

  static TransportProvider transport(String name) {
    return ServiceLoader.load(TransportProvider.class).stream()
        .map(ServiceLoader.Provider::get)
        .filter(provider -> provider.name().equals(name))
        .findFirst()
        .orElseThrow(() -> missing(name, "transport"));
  }

  static AccessProvider access(String name) {
    return ServiceLoader.load(AccessProvider.class).stream()
        .map(ServiceLoader.Provider::get)
        .filter(provider -> provider.name().equals(name))
        .findFirst()
        .orElseThrow(() -> missing(name, "access side"));
  }

  private static NoSuchElementException missing(String name, String what) {
    return new NoSuchElementException(
        "There is no %s '%s': put its jar on the module path.".formatted(what, name));
  }
}
