// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.delivery;

import dev.fairlead.transport.api.Message;

/**
 * Told of each message that an {@link Exchange} takes in, with the transport that brought it:
 * before anybody else sees it, and so before anything is dropped because it came twice. Called by
 * threads of transports, several at a time; must not block, throw, or consume the payload that it
 * shares with others ({@link Message#payload()} gives each caller a view of its own).
 */
@FunctionalInterface
public interface Arrivals {

  /** Tells nobody. */
  Arrivals NONE = (transport, line, message) -> {};

  /**
   * A message has come. One that matches several subscriptions is told for each.
   *
   * @param line tells what the exchange opened of that name from what it opened before: while one
   *     takes the place of another both may bring the same message, and neither has doubled it
   */
  void arrived(String transport, long line, Message message);
}
