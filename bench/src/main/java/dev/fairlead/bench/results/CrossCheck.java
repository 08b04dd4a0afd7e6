// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.bench.results;

import static java.util.Objects.requireNonNull;

/**
 * What a client that is not ours found on the same machine, so that our figures can be believed.
 *
 * @param tool which, with its version: {@code mosquitto_pub 2.0.11}
 * @param command how it was run
 * @param payloadBytes bytes of a message
 * @param sent messages sent
 * @param received messages received
 * @param endToEndPerSecond messages a second, received
 */
public record CrossCheck(
    String tool,
    String command,
    int payloadBytes,
    long sent,
    long received,
    double endToEndPerSecond) {

  /** Checks for null. */
  public CrossCheck {
    requireNonNull(tool, "tool is null");
    requireNonNull(command, "command is null");
  }
}
