// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.transport.vsock.access;

import dev.fairlead.transport.access.AccessProvider;
import dev.fairlead.transport.access.CredentialIssuer;
import dev.fairlead.transport.vsock.VsockTransportProvider;
import java.security.SecureRandom;
import java.time.InstantSource;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;
import org.osgi.service.component.annotations.Component;

/**
 * Opens the access side of vsock; what it opens is a {@code PeerAdmission} too. Settings and limits
 * are in the README of this module.
 */
@Component(service = AccessProvider.class, property = "transport.name=vsock")
public final class VsockAccessProvider implements AccessProvider {

  /** Makes one; it holds nothing. */
  public VsockAccessProvider() {}

  @Override
  public String name() {
    return VsockTransportProvider.NAME;
  }

  @Override
  public CredentialIssuer open(Function<String, @Nullable String> settings) {
    return VsockIssuer.open(HubSettings.read(settings), InstantSource.system(), new SecureRandom());
  }
}
