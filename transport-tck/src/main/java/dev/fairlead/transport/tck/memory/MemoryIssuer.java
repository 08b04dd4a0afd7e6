// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.transport.tck.memory;

import static dev.fairlead.transport.api.TransportException.Category.REFUSED;

import dev.fairlead.transport.access.Credential;
import dev.fairlead.transport.access.CredentialIssuer;
import dev.fairlead.transport.access.Endpoint;
import dev.fairlead.transport.access.Grant;
import dev.fairlead.transport.api.TransportException;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;

/** Lets peers in to one hub; owns it. */
public final class MemoryIssuer implements CredentialIssuer {

  private static final Duration LONGEST = Duration.ofDays(30);

  private final MemoryHub hub;
  private final InstantSource clock;

  /**
   * Makes one.
   *
   * @param hub closed with this issuer
   */
  public MemoryIssuer(MemoryHub hub, InstantSource clock) {
    this.hub = hub;
    this.clock = clock;
  }

  @Override
  public String transport() {
    return MemoryTransportProvider.NAME;
  }

  @Override
  public Endpoint endpoint() {
    return new Endpoint(hub.uri(), null);
  }

  @Override
  public Credential issue(Grant grant, Duration lifetime) {
    if (lifetime.isNegative() || lifetime.isZero() || lifetime.compareTo(LONGEST) > 0) {
      throw new TransportException(
          REFUSED,
          "bad-lifetime",
          "A credential lives more than no time and at most %d days, not %s."
              .formatted(LONGEST.toDays(), lifetime));
    }
    Instant expiresAt = clock.instant().plus(lifetime);
    return new Credential(grant.subject(), hub.admit(grant, expiresAt), expiresAt);
  }

  @Override
  public void revoke(String subject) {
    hub.revoke(subject);
  }

  @Override
  public void close() {
    hub.close();
  }
}
