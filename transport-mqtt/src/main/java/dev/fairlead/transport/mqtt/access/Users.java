// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.transport.mqtt.access;

import java.util.Collection;

/** A broker's users, as far as they are ours. Called under the issuer's lock. */
interface Users extends AutoCloseable {

  /**
   * Lets a user in whom the book already names.
   *
   * @throws dev.fairlead.transport.api.TransportException {@code RETRY} when the broker does not
   *     answer
   */
  void add(Member member, String password);

  /** Throws users out whom the book no longer names. */
  void remove(Collection<String> users);

  /** Removes all users of ours whom the book does not name. */
  void tidy();

  @Override
  void close();
}
