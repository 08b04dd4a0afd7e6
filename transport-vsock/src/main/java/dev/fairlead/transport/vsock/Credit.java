// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.transport.vsock;

import java.util.function.LongConsumer;
import org.jspecify.annotations.Nullable;

/**
 * What the hub may send over one connection ahead of the handlers, in bytes. What waits for them,
 * what the hub has left, and what is to be given back are always {@link #ALL} together. Takes what
 * handlers are done with; {@link Handlers} knows the connection by it. Safe for use by several
 * threads.
 */
final class Credit implements LongConsumer {

  static final long ALL = 8L << 20;

  /** It is given back in portions of at least this: all but one fit any message many times. */
  private static final long PORTION = ALL / 8;

  // All guarded by this.
  private long left;
  private long returned;
  private @Nullable LongConsumer hub;

  /**
   * Begins.
   *
   * @param waiting what came over earlier connections and is not done with
   * @return what the hub has from the beginning
   */
  synchronized long begin(long waiting) {
    left = Math.max(0, ALL - waiting);
    return left;
  }

  /** From now on the hub can be told what is given back. */
  void tell(LongConsumer hub) {
    synchronized (this) {
      this.hub = hub;
    }
    accept(0); // what handlers were done with meanwhile
  }

  /** A message has come; false where the hub had not so much left. */
  synchronized boolean spend(int cost) {
    left -= cost;
    return left >= 0;
  }

  /** Handlers are done with a message that has cost so much. */
  @Override
  public synchronized void accept(long cost) {
    returned += cost;
    if (hub != null && returned >= PORTION) {
      left += returned;
      hub.accept(returned);
      returned = 0;
    }
  }
}
