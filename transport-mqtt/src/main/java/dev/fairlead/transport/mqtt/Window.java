// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.transport.mqtt;

import org.jspecify.annotations.Nullable;

/**
 * Bounds what is on its way to the broker. Paho throws at the broker's Receive Maximum instead of
 * waiting, and has remembered a topic's alias by then that the broker never hears of; so the limit
 * is kept here, two below the broker's: Paho counts a message down just after it has reported it.
 */
final class Window {

  private static final int MAX_MESSAGES = 4096;
  private static final long MAX_BYTES = 8L << 20;
  private static final int SLACK = 2;

  private final int most;
  private int messages;
  private long bytes;

  /**
   * Makes one for one connection.
   *
   * @param receiveMaximum how many messages the broker lets be under way, null for 65 535
   */
  Window(@Nullable Integer receiveMaximum) {
    int allowed = receiveMaximum == null ? 65_535 : receiveMaximum;
    this.most = Math.max(1, Math.min(MAX_MESSAGES, allowed - SLACK));
  }

  /** Takes room for a message; a single one of any size fits when there is no other. */
  synchronized boolean take(long size) {
    if (messages >= most || (messages > 0 && bytes + size > MAX_BYTES)) {
      return false;
    }
    messages++;
    bytes += size;
    return true;
  }

  /** Gives room back. */
  synchronized void give(long size) {
    messages--;
    bytes -= size;
  }

  synchronized int messages() {
    return messages;
  }
}
