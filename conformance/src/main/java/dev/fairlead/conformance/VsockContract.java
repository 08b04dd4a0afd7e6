// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.conformance;

import dev.fairlead.transport.tck.Harness;
import dev.fairlead.transport.tck.TransportContract;

/** vsock, over the UNIX socket of a hub that is a process of its own. */
public final class VsockContract extends TransportContract {

  /** Made by JUnit and by the {@link java.util.ServiceLoader}. */
  public VsockContract() {
    super("vsock");
  }

  @Override
  protected Harness start() {
    return HubHarness.start();
  }
}
