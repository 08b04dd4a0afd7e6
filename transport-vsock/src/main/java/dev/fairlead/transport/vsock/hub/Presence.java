// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.transport.vsock.hub;

/**
 * The connections of one {@link Sender} that stand, in the order in which they came. Says which
 * last wills still count: that of a connection after which a later one has said something does not,
 * since the end is there, or has told itself what became of it.
 */
final class Presence {

  private final Sender sender;

  /** How many stand; guarded by the hub's map of them. */
  int connections;

  // Guarded by this.
  private long came;
  private long spoke;

  Presence(Sender sender) {
    this.sender = sender;
  }

  Sender sender() {
    return sender;
  }

  /** One more connection; gives its number. */
  synchronized long come() {
    return ++came;
  }

  /** A connection is about to say something for the first time. */
  synchronized void speaks(long connection) {
    spoke = Math.max(spoke, connection);
  }

  /** Says a connection's last will before whatever later ones say, or not at all. */
  synchronized void sayLastWill(long connection, Runnable will) {
    if (spoke <= connection) {
      will.run();
    }
  }
}
