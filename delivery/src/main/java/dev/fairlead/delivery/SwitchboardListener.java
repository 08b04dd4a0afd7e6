// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.delivery;

import dev.fairlead.transport.api.Transport;
import dev.fairlead.transport.api.TransportException;
import org.jspecify.annotations.Nullable;

/**
 * Told what happens to the transports of a switchboard, by name. Called by one thread at a time;
 * must not block.
 */
public interface SwitchboardListener {

  /** Tells nobody. */
  SwitchboardListener NONE =
      new SwitchboardListener() {
        @Override
        public void stateChanged(String transport, Transport.State state, String reason) {}

        @Override
        public void refused(
            String transport, @Nullable String address, TransportException refusal) {}
      };

  /** A transport's state has changed. */
  void stateChanged(String transport, Transport.State state, String reason);

  /** A transport's peer refused something; null is the connection itself. */
  void refused(String transport, @Nullable String address, TransportException refusal);
}
