// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.conformance;

import dev.fairlead.transport.tck.Harness;
import dev.fairlead.transport.tck.TransportContract;
import java.util.Map;

/** NATS, over a nats-server that its access side starts. */
public final class NatsContract extends TransportContract {

  /** Made by JUnit and by the {@link java.util.ServiceLoader}. */
  public NatsContract() {
    super("nats");
  }

  @Override
  protected Harness start() {
    return BrokerHarness.start(
        "nats",
        "nats-server",
        Map.of("store", Harness.STORED, "store.reader", Harness.STORED_READER, "store.mib", "16"));
  }
}
