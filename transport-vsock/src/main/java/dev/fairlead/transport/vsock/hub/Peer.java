// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.transport.vsock.hub;

import dev.fairlead.transport.vsock.wire.Place;
import org.jspecify.annotations.Nullable;

/**
 * Who stands behind a door: the host itself, or one VM. A VM may hold a few connections at a time,
 * and make so many in a second: the rest is turned away at once.
 */
final class Peer {

  private static final int MAX_CONNECTIONS = 4;
  private static final int MAX_A_SECOND = 20;
  private static final long SECOND = 1_000_000_000L;

  private final @Nullable Place place;
  private final @Nullable String subject;
  // All guarded by this.
  private int connections;
  private int lately;
  private long since;

  private Peer(@Nullable Place place, @Nullable String subject) {
    this.place = place;
    this.subject = subject;
  }

  /** The host's own ends: whatever subject their credentials are for. */
  static Peer host() {
    return new Peer(null, null);
  }

  static Peer vm(Place place, String subject) {
    return new Peer(place, subject);
  }

  boolean isHost() {
    return place == null;
  }

  /** The one subject that may come from here, null when any may. */
  @Nullable String subject() {
    return subject;
  }

  /** Takes room for a connection; false when it must be turned away. */
  synchronized boolean enter(long now) {
    if (isHost()) {
      return true;
    }
    if (now - since > SECOND) {
      since = now;
      lately = 0;
    }
    if (connections >= MAX_CONNECTIONS || lately >= MAX_A_SECOND) {
      return false;
    }
    connections++;
    lately++;
    return true;
  }

  synchronized void leave() {
    connections--;
  }

  @Override
  public String toString() {
    return place == null ? "the host" : place + " (" + subject + ")";
  }
}
