// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.transport.api;

import org.jspecify.annotations.Nullable;
import org.osgi.annotation.versioning.ConsumerType;

/**
 * Told what happens to a transport. Called by one thread of the transport at a time; must not
 * block, and must not throw.
 */
@ConsumerType
public interface TransportListener {

  /**
   * The state has changed. Each change is told once, in order; {@code CLOSED} is the last.
   *
   * @param reason one sentence for a person
   */
  void stateChanged(Transport.State state, String reason);

  /**
   * The peer refused something: a connection, a send, a subscription. The transport goes on.
   *
   * @param address the address or pattern that was refused, null when it was the connection itself
   * @param refusal of category {@code REFUSED}
   */
  void refused(@Nullable String address, TransportException refusal);
}
