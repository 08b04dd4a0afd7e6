// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.transport.tck;

import dev.fairlead.transport.access.CredentialIssuer;
import dev.fairlead.transport.api.TransportProvider;
import java.net.URI;

/** A harness whose subjects connect through relays. */
record TcpHarness(
    TransportProvider provider, CredentialIssuer issuer, TcpFaults faults, boolean stores)
    implements Harness {

  @Override
  public URI endpoint(String subject) {
    return faults.endpoint(subject);
  }

  @Override
  public void close() {
    faults.close();
    issuer.close();
  }
}
