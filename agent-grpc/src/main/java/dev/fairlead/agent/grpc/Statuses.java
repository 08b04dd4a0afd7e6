// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.agent.grpc;

import dev.fairlead.agent.AgentException;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;

/** The agent's refusals as gRPC says them. The description begins with the stable code. */
final class Statuses {

  private static final System.Logger LOG = System.getLogger(Statuses.class.getName());

  private Statuses() {}

  static StatusRuntimeException of(RuntimeException e) {
    if (e instanceof AgentException refusal) {
      Status status =
          switch (refusal.reason()) {
            case WRONG_STATE -> Status.FAILED_PRECONDITION;
            case NOT_PERMITTED -> Status.PERMISSION_DENIED;
            case INVALID -> Status.INVALID_ARGUMENT;
            case TOO_LARGE -> Status.RESOURCE_EXHAUSTED;
            case BUSY -> Status.UNAVAILABLE;
            case INTERNAL -> Status.INTERNAL;
          };
      return status
          .withDescription(refusal.code() + ": " + refusal.sentence())
          .asRuntimeException();
    }
    // The caller is a stranger: what failed inside is told to the log alone.
    LOG.log(System.Logger.Level.ERROR, "A call failed for a reason within the agent", e);
    return Status.INTERNAL
        .withDescription("internal: The agent failed; its log says why.")
        .asRuntimeException();
  }
}
