// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.computations;

import java.util.concurrent.CompletionStage;

/** Moves an agent from one transport to another. */
interface Mover {

  /**
   * Orders it. Blocks for as long as an issuer takes.
   *
   * @param computation whose agent it is
   * @param transport where it is to go
   * @return completes when the agent is there; fails with what hinders it
   */
  CompletionStage<Void> move(String computation, String transport);

  /**
   * Revokes at once what earlier moves have left over on a transport: to be called before another
   * credential is issued there, which would be revoked with it. Blocks for as long as an issuer
   * takes, and throws its refusal.
   */
  void clean(String computation, String transport);
}
