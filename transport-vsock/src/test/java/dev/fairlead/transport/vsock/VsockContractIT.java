// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.transport.vsock;

import dev.fairlead.transport.access.CredentialIssuer;
import dev.fairlead.transport.api.TransportProvider;
import dev.fairlead.transport.tck.Harness;
import dev.fairlead.transport.tck.TransportContract;
import dev.fairlead.transport.tck.UnixFaults;
import java.net.URI;

class VsockContractIT extends TransportContract {

  VsockContractIT() {
    super("vsock");
  }

  @Override
  protected Harness start() {
    HubProcess hub = HubProcess.start();
    return new VsockHarness(
        hub,
        new UnixFaults(hub.socket(), hub::kill, hub::restart, hub::stall, hub::resume),
        new VsockTransportProvider());
  }

  private record VsockHarness(HubProcess hub, UnixFaults faults, TransportProvider provider)
      implements Harness {

    @Override
    public CredentialIssuer issuer() {
      return hub.issuer();
    }

    @Override
    public URI endpoint(String subject) {
      return faults.endpoint(subject);
    }

    @Override
    public void close() {
      faults.close();
      hub.close();
    }
  }
}
