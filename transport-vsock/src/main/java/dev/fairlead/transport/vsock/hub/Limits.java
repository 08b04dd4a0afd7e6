// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.transport.vsock.hub;

import dev.fairlead.transport.vsock.wire.Wire;

/**
 * How much the hub holds, in bytes.
 *
 * @param window per connection, what it may have sent that is not acknowledged
 * @param lane per sender and receiver, what may wait before the sender's acknowledgements do
 * @param queue per receiver that nobody waits for, what may wait before it is cut off
 * @param memory in all, before whoever holds up most is cut off
 */
public record Limits(long window, long lane, long queue, long memory) {

  /** What holds unless a test says otherwise. */
  public static final Limits DEFAULT = new Limits(2L << 20, 512L << 10, 16L << 20, 256L << 20);

  /** Per sender, what may wait of it in all when it comes in once more. */
  long leftBehind() {
    return 4 * window;
  }

  /** Checks that one message of any size passes. */
  public Limits {
    if (window < Wire.MAX_MESSAGE || queue < Wire.MAX_MESSAGE || memory < queue || lane < 1) {
      throw new IllegalArgumentException("A message of full size must fit every limit.");
    }
  }
}
