// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.agent;

import java.nio.ByteBuffer;
import org.osgi.annotation.versioning.ProviderType;

/** An artefact on its way in. For one thread at a time. */
@ProviderType
public interface Upload extends AutoCloseable {

  /**
   * Takes the next bytes; blocks while they are written.
   *
   * @throws AgentException {@code TOO_LARGE}, code {@code too-large}, at the first byte beyond the
   *     limit; {@code WRONG_STATE} when the agent has moved on. The upload is then of no more use
   */
  void write(ByteBuffer bytes);

  /**
   * Ends it: the digest is compared with the manifest's, and the agent goes on to its next state.
   *
   * @return the artefact's SHA3-256 in lower-case hex
   * @throws AgentException {@code INVALID}, code {@code hash-mismatch}, when the digest is not the
   *     manifest's: the agent's state is unchanged, and the upload may be tried again. {@code
   *     WRONG_STATE} when another was faster
   */
  String complete();

  /** Forgets what has come so far, unless {@link #complete()} has succeeded. Idempotent. */
  @Override
  void close();
}
