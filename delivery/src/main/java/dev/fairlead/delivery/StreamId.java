// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.delivery;

import dev.fairlead.transport.api.Message;

/**
 * One numbering of records.
 *
 * @param address to which its batches are sent
 * @param epoch {@code [A-Za-z0-9_-]{1,64}}
 */
public record StreamId(String address, String epoch) {

  /** Checks both. */
  public StreamId {
    Message.requireAddress(address);
    Headers.requireEpoch(epoch);
  }
}
