// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.itest;

/** NATS, over a real nats-server. */
@InFelix({"transport-api", "transport-base", "transport-nats"})
class NatsInFelixIT extends TransportInFelix {

  NatsInFelixIT() {
    super("nats");
  }
}
