// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.delivery;

import static java.util.Objects.requireNonNull;

import java.util.List;
import java.util.function.LongSupplier;
import java.util.function.UnaryOperator;

/**
 * Says by which of several transports a message leaves. Safe for use by several threads; nothing
 * blocks. The list of those that are connected is never empty, and in the order of their names.
 */
public interface Ways {

  /** Something came from a peer. */
  default void heard(String address, String transport) {}

  /**
   * The transports that a message leaves by.
   *
   * @param address of the message
   * @param connected those over which messages flow now
   * @return some of these; none when whoever is there is reached by none of them now
   */
  List<String> choose(String address, List<String> connected);

  /**
   * Whether what was sent to an address may be lost, or goes another way, since messages flow over
   * a transport again, or no longer.
   */
  boolean isMoved(String address, String transport, boolean connected);

  /** All by one: that which is named, else the first. */
  static Ways inOrder(String first) {
    requireNonNull(first, "first is null");
    return new Ways() {
      @Override
      public List<String> choose(String address, List<String> connected) {
        return List.of(connected.contains(first) ? first : connected.get(0));
      }

      @Override
      public boolean isMoved(String address, String transport, boolean connected) {
        return true;
      }
    };
  }

  /**
   * Each peer by the transport on which it was heard last, and for some seconds more also by those
   * before: it may just be moving, or speak on two. One that was never heard, by all.
   *
   * @param peer says of an address which peer's it is
   * @param nanos a clock that never goes back: {@code System::nanoTime}
   */
  static Ways whereHeard(UnaryOperator<String> peer, LongSupplier nanos) {
    return new WhereHeard(peer, nanos);
  }
}
