// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.computations;

import static java.util.Objects.requireNonNull;

import dev.fairlead.transport.access.Credential;
import dev.fairlead.transport.access.Endpoint;
import dev.fairlead.transport.api.TransportProvider;
import java.time.Instant;
import java.time.InstantSource;
import org.jspecify.annotations.Nullable;

/**
 * This service's own credential for one transport, renewed when two thirds of its lifetime are
 * over; the transport asks for it at each connect. {@link #renew} is called by one thread, the rest
 * by any.
 */
final class OwnCredential {

  private final String transport;
  private final Access access;
  private final InstantSource clock;
  private volatile @Nullable Pass pass;

  private record Pass(Endpoint endpoint, Credential credential, Instant renewAt) {}

  OwnCredential(String transport, Access access, InstantSource clock) {
    this.transport = requireNonNull(transport, "transport is null");
    this.access = requireNonNull(access, "access is null");
    this.clock = requireNonNull(clock, "clock is null");
  }

  /** Whether a new one is due. */
  boolean isDue() {
    Pass now = pass;
    return now == null || !clock.instant().isBefore(now.renewAt());
  }

  /** Has one issued; blocks for as long as the issuer takes, and throws what it throws. */
  void renew() {
    Endpoint endpoint = access.endpoint(transport);
    Credential credential = access.collector(transport);
    Instant renewAt = credential.expiresAt().minus(access.collectorLifetime().dividedBy(3));
    pass = new Pass(endpoint, credential, renewAt);
  }

  /** A transport's setting; null before the first credential. */
  @Nullable String setting(String name) {
    Pass now = pass;
    if (now == null) {
      return null;
    }
    return switch (name) {
      case TransportProvider.ENDPOINT -> now.endpoint().uri().toString();
      case TransportProvider.CREDENTIAL -> now.credential().content();
      case TransportProvider.CA_SHA256 -> now.endpoint().caSha256();
      default -> null;
    };
  }
}
