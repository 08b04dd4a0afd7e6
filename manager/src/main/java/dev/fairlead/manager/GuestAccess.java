// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.manager;

import dev.fairlead.protocol.Registration;

/**
 * Where the VMs of a host do not connect as the registry says, but by a way of this host: gives
 * them that way. An OSGi service. Safe for use by several threads; methods may block for some
 * seconds.
 */
public interface GuestAccess {

  /**
   * A VM is about to start.
   *
   * @param registration as the registry gave it
   * @return the same computation, with this host's own way and a credential for it
   * @throws dev.fairlead.transport.api.TransportException when there is none now
   */
  Registration admit(Registration registration);

  /** A VM of before runs on. */
  void adopt(String computation);

  /** A VM has ended: its way and its credential end. Nothing happens where there was none. */
  void dismiss(String computation);
}
