// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.computations;

import dev.fairlead.transport.access.Credential;
import dev.fairlead.transport.access.CredentialIssuer;
import dev.fairlead.transport.access.Endpoint;
import dev.fairlead.transport.access.Grant;
import dev.fairlead.transport.api.Transport;
import dev.fairlead.transport.api.TransportListener;
import dev.fairlead.transport.api.TransportProvider;
import dev.fairlead.transport.tck.memory.MemoryIssuer;
import dev.fairlead.transport.tck.memory.MemoryTransportProvider;
import java.time.Duration;
import java.util.Set;
import java.util.function.Consumer;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/** The reference transport by another name, so that there can be several of it. */
final class NamedTransport {

  private final TransportProvider provider;
  private final CredentialIssuer issuer;

  /**
   * Makes one.
   *
   * @param behind issues its credentials; stays the caller's to close
   */
  NamedTransport(String name, MemoryIssuer behind) {
    this(name, behind, asked -> {});
  }

  /**
   * Makes one.
   *
   * @param asked told of each credential that is issued, and of each that is revoked, and whose it
   *     is
   */
  NamedTransport(String name, MemoryIssuer behind, Consumer<String> asked) {
    TransportProvider real = new MemoryTransportProvider();
    provider =
        new TransportProvider() {
          @Override
          public String name() {
            return name;
          }

          @Override
          public Set<Capability> capabilities() {
            return real.capabilities();
          }

          @Override
          public Transport open(
              Function<String, @Nullable String> settings, TransportListener listener) {
            return real.open(settings, listener);
          }
        };
    issuer =
        new CredentialIssuer() {
          @Override
          public String transport() {
            return name;
          }

          @Override
          public Endpoint endpoint() {
            return behind.endpoint();
          }

          @Override
          public Credential issue(Grant grant, Duration lifetime) {
            asked.accept("issue " + grant.subject());
            return behind.issue(grant, lifetime);
          }

          @Override
          public void revoke(String subject) {
            asked.accept("revoke " + subject);
            behind.revoke(subject);
          }

          @Override
          public void close() {}
        };
  }

  TransportProvider provider() {
    return provider;
  }

  CredentialIssuer issuer() {
    return issuer;
  }
}
