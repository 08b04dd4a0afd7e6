// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.transport.tck.memory;

import dev.fairlead.transport.tck.Harness;
import dev.fairlead.transport.tck.TransportContract;
import java.util.Set;

/** What a transport lacks is tested to fail as declared: here, everything. */
class ModestMemoryTransportTest extends TransportContract {

  ModestMemoryTransportTest() {
    super("memory-modest");
  }

  @Override
  protected Harness start() {
    return new MemoryHarness(new MemoryTransportProvider(Set.of()));
  }
}
