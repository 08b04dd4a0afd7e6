// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.transport.template;

import dev.fairlead.transport.tck.Harness;
import dev.fairlead.transport.tck.TcpFaults;
import dev.fairlead.transport.tck.TransportContract;

/** All that it takes to hold a transport to the contract. */
class TemplateContractTest extends TransportContract {

  TemplateContractTest() {
    super("template");
  }

  @Override
  protected Harness start() {
    TemplateHub hub = new TemplateHub();
    return Harness.overTcp(
        new TemplateTransportProvider(),
        hub,
        new TcpFaults(hub.endpoint().uri(), hub::kill, hub::restart));
  }
}
