// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.transport.nats;

import io.nats.client.impl.NatsStatistics;
import java.util.concurrent.atomic.AtomicLong;

/**
 * Bounds what jnats may hold that is not yet handed to the socket. Its own queue blocks the caller
 * when it is full, and asking it for its length blocks as well while a write is stalled; so the
 * count is kept here, fed by the statistics that jnats' writer reports for each message.
 */
final class OutgoingWindow extends NatsStatistics {

  /** Below jnats' own bound of 5000, so that its queue is never found full. */
  static final int MAX_MESSAGES = 4096;

  static final long MAX_BYTES = 8L << 20;

  /** PING and PONG with their line ends: the only ones that jnats sends unasked. */
  private static final int KEEP_ALIVE_BYTES = 6;

  private final AtomicLong messages = new AtomicLong();
  private final AtomicLong bytes = new AtomicLong();

  /** Takes room for a message; a single one of any size fits when there is no other. */
  boolean take(long size) {
    if (messages.get() >= MAX_MESSAGES) {
      return false;
    }
    long held = bytes.get();
    if (held > 0 && held + size > MAX_BYTES) {
      return false;
    }
    messages.incrementAndGet();
    bytes.addAndGet(size);
    return true;
  }

  /** Gives room back. */
  void give(long size) {
    lower(messages, 1);
    lower(bytes, size);
  }

  @Override
  public void incrementOut(long size) {
    if (size > KEEP_ALIVE_BYTES) {
      give(size);
    }
  }

  long messages() {
    return messages.get();
  }

  long bytes() {
    return bytes.get();
  }

  // A subscription is counted out without having been counted in: never below zero.
  private static void lower(AtomicLong counter, long by) {
    long now;
    do {
      now = counter.get();
    } while (!counter.compareAndSet(now, Math.max(0, now - by)));
  }
}
