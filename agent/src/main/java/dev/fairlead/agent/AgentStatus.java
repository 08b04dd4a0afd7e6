// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.agent;

import dev.fairlead.protocol.AgentState;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * What can be said of an agent to anyone.
 *
 * @param computation whose agent this is
 * @param epoch changes with each start of the agent
 * @param state where it stands
 * @param manifestSha256 SHA-256 of the manifest in force, in lower-case hex; null before it came
 * @param failure why the run failed; null unless the state is {@code FAILED}
 * @param resultSha3 SHA3-256 of the result, in lower-case hex; null while there is none
 * @param uptimeMillis since the agent's start
 * @param books by the stream's name: {@code events}, {@code logs}
 */
public record AgentStatus(
    String computation,
    String epoch,
    AgentState state,
    @Nullable String manifestSha256,
    @Nullable String failure,
    @Nullable String resultSha3,
    long uptimeMillis,
    Map<String, StreamBooks> books) {

  /** Takes a copy. */
  public AgentStatus {
    books = Map.copyOf(books);
  }
}
