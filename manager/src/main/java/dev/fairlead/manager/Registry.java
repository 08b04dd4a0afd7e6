// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.manager;

import dev.fairlead.protocol.Registration;

/**
 * Who knows the computations, and lets their agents in. Methods block until there is an answer, at
 * most for some seconds; safe for use by several threads.
 */
public interface Registry {

  /**
   * Registers a computation.
   *
   * @param manifest its exact bytes
   * @return its id and what its VM needs; a secret is in it
   * @throws ManagerException {@code RETRY} when nobody answers, {@code REFUSED} when it was refused
   */
  Registration register(byte[] manifest);

  /**
   * Begins a new run of a computation whose VM has ended.
   *
   * @throws ManagerException as {@link #register}
   */
  Registration renew(String computation);

  /**
   * Says that a VM has ended, or was never started: its credentials end.
   *
   * @param request names this report; the same report under the same name counts once
   * @throws ManagerException as {@link #register}
   */
  void ended(String request, String computation, String kind, String reason);

  /** Whether it can be asked now. */
  boolean isConnected();
}
