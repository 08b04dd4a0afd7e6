// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.conformance;

import dev.fairlead.transport.tck.Harness;
import dev.fairlead.transport.tck.TransportContract;

/** vsock, over a hub in a process of its own, and UNIX sockets. */
public final class VsockContract extends TransportContract {

  /** Made by JUnit and by the {@link java.util.ServiceLoader}. */
  public VsockContract() {
    super("vsock");
  }

  @Override
  protected Harness start() {
    return HubHarness.start(
        "vsock", "dev.fairlead.transport.vsock/dev.fairlead.transport.vsock.access.Main");
  }
}
