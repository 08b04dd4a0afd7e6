// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.transport.tck.memory;

import dev.fairlead.transport.tck.Harness;
import dev.fairlead.transport.tck.TransportContract;

/** The reference keeps to the contract. */
public final class MemoryContract extends TransportContract {

  /** Made by JUnit and by the {@link java.util.ServiceLoader}. */
  public MemoryContract() {
    super("memory");
  }

  @Override
  protected Harness start() {
    return new MemoryHarness(new MemoryTransportProvider());
  }
}
