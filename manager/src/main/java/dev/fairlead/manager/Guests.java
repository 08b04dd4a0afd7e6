// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.manager;

import static dev.fairlead.manager.ManagerException.Category.RETRY;

import dev.fairlead.protocol.Registration;
import java.util.HashSet;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * How VMs connect: as the registry says, or by a way of this host, which may come later than the
 * manager and go before it.
 */
final class Guests implements GuestAccess {

  private final boolean relayed;
  private final Set<String> adopted = new HashSet<>();
  private @Nullable GuestAccess way;

  /**
   * Makes one.
   *
   * @param relayed whether VMs start by a way of this host only
   */
  Guests(boolean relayed) {
    this.relayed = relayed;
  }

  /** There is a way. */
  synchronized void use(GuestAccess bound) {
    way = bound;
    adopted.forEach(bound::adopt);
  }

  /** It goes. */
  synchronized void forget(GuestAccess gone) {
    if (way == gone) {
      way = null;
    }
  }

  @Override
  public synchronized Registration admit(Registration registration) {
    if (!relayed) {
      return registration;
    }
    GuestAccess now = way;
    if (now == null) {
      throw new ManagerException(
          RETRY,
          "relay-not-ready",
          "VMs of this host connect through its relay, which does not run: see its configuration,"
              + " and try again.");
    }
    Registration own = now.admit(registration);
    adopted.add(registration.computation());
    return own;
  }

  @Override
  public synchronized void adopt(String computation) {
    adopted.add(computation);
    GuestAccess now = way;
    if (relayed && now != null) {
      now.adopt(computation);
    }
  }

  @Override
  public synchronized void dismiss(String computation) {
    adopted.remove(computation);
    GuestAccess now = way;
    if (now != null) {
      now.dismiss(computation);
    }
  }
}
