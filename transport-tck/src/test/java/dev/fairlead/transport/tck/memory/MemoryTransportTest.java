// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.transport.tck.memory;

import dev.fairlead.transport.tck.Harness;
import dev.fairlead.transport.tck.TransportContract;

/** The reference keeps to the contract. */
class MemoryTransportTest extends TransportContract {

  MemoryTransportTest() {
    super("memory");
  }

  @Override
  protected Harness start() {
    return new MemoryHarness(new MemoryTransportProvider());
  }
}
