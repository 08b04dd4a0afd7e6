// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.transport.tck.memory;

import dev.fairlead.transport.access.CredentialIssuer;
import dev.fairlead.transport.api.TransportProvider;
import dev.fairlead.transport.tck.Faults;
import dev.fairlead.transport.tck.Harness;
import java.time.InstantSource;
import java.util.UUID;
import org.jspecify.annotations.Nullable;

/** A hub of its own for the kit, or for whoever tries something over the reference transport. */
public final class MemoryHarness implements Harness {

  private final TransportProvider provider;
  private final MemoryHub hub;
  private final CredentialIssuer issuer;

  /**
   * Starts a hub.
   *
   * @param provider a memory transport, or something around one
   */
  public MemoryHarness(TransportProvider provider) {
    this.provider = provider;
    InstantSource clock = InstantSource.system();
    this.hub = MemoryHub.start("hub-" + UUID.randomUUID(), clock);
    this.issuer = new MemoryIssuer(hub, clock);
  }

  @Override
  public TransportProvider provider() {
    return provider;
  }

  @Override
  public CredentialIssuer issuer() {
    return issuer;
  }

  @Override
  public Faults faults() {
    return hub;
  }

  @Override
  public @Nullable String setting(String name) {
    // Short, so that the rules on stalled peers do not take long.
    return name.equals(MemoryTransportProvider.SILENCE_MILLIS) ? "700" : null;
  }

  @Override
  public void close() {
    issuer.close();
  }
}
