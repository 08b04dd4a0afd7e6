// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.computations.parity;

import static java.util.Objects.requireNonNull;

/**
 * One numbering of one stream.
 *
 * @param computation its id
 * @param stream its name: {@code logs}, {@code events}
 * @param epoch of the numbering
 */
public record StreamKey(String computation, String stream, String epoch) {

  /** Checks for null. */
  public StreamKey {
    requireNonNull(computation, "computation is null");
    requireNonNull(stream, "stream is null");
    requireNonNull(epoch, "epoch is null");
  }
}
