// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.agent;

import org.osgi.annotation.versioning.ProviderType;

/**
 * The agent, as its doors see it. An OSGi service from the moment at which the agent has said
 * hello. Safe for use by several threads.
 */
@ProviderType
public interface AgentService {

  /** Where it stands now. Never blocks. */
  AgentStatus status();

  /**
   * Takes a computation that came through a door, not through the transport, as the manifest.
   *
   * @param computation JSON, at most 1 MiB
   * @return the computation's digest by the rule of the first Cocos releases, in lower-case hex
   * @throws AgentException {@code INVALID} when it is not a computation, {@code WRONG_STATE} when
   *     no manifest is waited for, {@code TOO_LARGE}
   */
  String acceptManifest(byte[] computation);

  /**
   * Gives a nonce to sign.
   *
   * @throws AgentException {@code WRONG_STATE} when nobody of this role has anything to do now
   */
  Challenge challenge(Role role);

  /**
   * Begins the upload of the algorithm. The signature is checked before a byte is taken.
   *
   * @throws AgentException {@code WRONG_STATE}, {@code NOT_PERMITTED}, {@code INVALID} for an
   *     unknown kind, {@code BUSY} when too many uploads are under way
   */
  Upload uploadAlgorithm(RoleProof proof, AlgorithmParameters parameters);

  /**
   * Begins the upload of a dataset. The signature is checked before a byte is taken.
   *
   * @param filename the manifest's name for it; empty where the key alone tells which it is
   * @throws AgentException as {@link #uploadAlgorithm}
   */
  Upload uploadDataset(RoleProof proof, String filename);

  /**
   * Opens the result.
   *
   * @throws AgentException {@code NOT_PERMITTED}; {@code WRONG_STATE}, code {@code run-failed} with
   *     the run's error when there is none, code {@code wrong-state} when there is none yet
   */
  ResultReading openResult(RoleProof proof);
}
