// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.transport.tck.memory;

import static dev.fairlead.transport.api.TransportException.Category.REFUSED;

import dev.fairlead.transport.access.AccessProvider;
import dev.fairlead.transport.access.CredentialIssuer;
import dev.fairlead.transport.api.TransportException;
import java.time.InstantSource;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/** The access side of the reference transport: starts a {@link MemoryHub}, and ends it. */
public final class MemoryAccessProvider implements AccessProvider {

  /** Setting: the hub's name, one segment of an address. Required. */
  public static final String HUB = "hub";

  /** Makes one. */
  public MemoryAccessProvider() {}

  @Override
  public String name() {
    return MemoryTransportProvider.NAME;
  }

  @Override
  public CredentialIssuer open(Function<String, @Nullable String> settings) {
    String name = settings.apply(HUB);
    if (name == null) {
      throw new TransportException(
          REFUSED, "no-hub", "Setting 'hub' is missing: give the hub a name.");
    }
    InstantSource clock = InstantSource.system();
    return new MemoryIssuer(MemoryHub.start(name, clock), clock);
  }
}
