// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.transport.vsock.hub;

/**
 * What was sent over one connection, and what of it is acknowledged: all of it, as soon as no
 * receiver holds it up. Thus its window, in time, is what a slow receiver leaves it.
 */
final class Flow {

  private final Sender sender;
  private final Outflow back;
  private final long window;
  // All guarded by this.
  private long count;
  private long acknowledged;
  private long bytes;
  private int present;
  private int holders;

  /**
   * Makes one.
   *
   * @param sender whose connection it is
   * @param back where acknowledgements go
   * @param window how many bytes may be without one
   */
  Flow(Sender sender, Outflow back, long window) {
    this.sender = sender;
    this.back = back;
    this.window = window;
  }

  Sender sender() {
    return sender;
  }

  Outflow back() {
    return back;
  }

  /**
   * Counts the bytes of a message that has come.
   *
   * @return its number, from 1; 0 when the sender has overdrawn its window
   */
  synchronized long came(int size) {
    present = size;
    return bytes + size > window ? 0 : count + 1;
  }

  /** The message that came last has been dealt with, and may be acknowledged. */
  synchronized void done() {
    count++;
    bytes += present;
  }

  /** A receiver asks to wait. */
  synchronized void hold() {
    holders++;
  }

  /** A receiver needs no more waiting. */
  void release() {
    synchronized (this) {
      holders--;
    }
    acknowledge();
  }

  /** Acknowledges all that has been dealt with, unless a receiver asks to wait. */
  void acknowledge() {
    long upTo;
    synchronized (this) {
      if (holders > 0 || acknowledged == count) {
        return;
      }
      acknowledged = count;
      bytes = 0;
      upTo = count;
    }
    back.acknowledge(upTo);
  }
}
