// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.agent.core;

import static java.lang.System.Logger.Level.INFO;

import dev.fairlead.agent.run.ResultArchive;
import dev.fairlead.protocol.AgentState;
import dev.fairlead.protocol.json.JsonObject;
import org.jspecify.annotations.Nullable;

/**
 * Where the agent stands in its {@link AgentStateMachine}: each step is told as an event before the
 * next can be taken. Any thread may ask; steps are taken by whoever holds the agent's lock.
 */
final class Lifecycle {

  private static final System.Logger log = System.getLogger(Lifecycle.class.getName());

  private final AgentEvents events;
  private volatile Standing now = new Standing(AgentState.IDLE, null, null, null);

  /**
   * What is known in one state.
   *
   * @param manifestSha256 of the manifest in force; null before it came
   * @param failure why the run failed; null unless it has
   * @param resultSha3 null while there is no result
   */
  record Standing(
      AgentState state,
      @Nullable String manifestSha256,
      @Nullable String failure,
      @Nullable String resultSha3) {

    /** Whether the run is over, for better or worse. */
    boolean isOver() {
      return state == AgentState.CONSUMING_RESULTS
          || state == AgentState.COMPLETE
          || state == AgentState.FAILED;
    }
  }

  Lifecycle(AgentEvents events) {
    this.events = events;
  }

  /** Where it stands. */
  Standing now() {
    return now;
  }

  /**
   * Lets nobody pass in any other state.
   *
   * @param what is to be done, for a person
   */
  void require(AgentState wanted, String what) {
    AgentState state = now.state();
    if (state != wanted) {
      throw AgentStateMachine.refusal(state, what);
    }
  }

  /** A manifest is in force. */
  void manifestReceived(ManifestInForce manifest) {
    step(
        Trigger.MANIFEST_RECEIVED,
        manifest.sha256(),
        null,
        null,
        JsonObject.builder()
            .put("manifest_sha256", manifest.sha256())
            .put("datasets", manifest.datasets().size())
            .build());
  }

  /** The run has a result. */
  void runCompleted(ResultArchive.Packed result, JsonObject details) {
    step(Trigger.RUN_COMPLETE, now.manifestSha256(), null, result.sha3(), details);
  }

  /**
   * The run cannot succeed.
   *
   * @param why one sentence
   */
  void runFailed(String why, JsonObject details) {
    step(Trigger.RUN_FAILED, now.manifestSha256(), why, null, details);
  }

  /** All is forgotten. */
  void stopped(String reason) {
    step(Trigger.STOP, null, null, null, JsonObject.builder().put("reason", reason).build());
  }

  /** Takes a step that leaves what is known as it is. */
  void step(Trigger trigger, JsonObject details) {
    Standing last = now;
    step(trigger, last.manifestSha256(), last.failure(), last.resultSha3(), details);
  }

  private void step(
      Trigger trigger,
      @Nullable String manifestSha256,
      @Nullable String failure,
      @Nullable String resultSha3,
      JsonObject details) {
    AgentState last = now.state();
    AgentState next =
        AgentStateMachine.next(last, trigger)
            .orElseThrow(() -> AgentStateMachine.refusal(last, trigger.word()));
    now = new Standing(next, manifestSha256, failure, resultSha3);
    log.log(INFO, "{0} -> {1} ({2})", last, next, trigger.word());
    if (trigger == Trigger.STOP) {
      events.tell("Stopped", "Stopped", details);
    } else {
      events.tell(next.wireName(), word(next), details);
    }
  }

  private static String word(AgentState state) {
    return switch (state) {
      case IDLE -> "IdleState";
      case RECEIVING_MANIFEST, RECEIVING_ALGORITHM, RECEIVING_DATA, RUNNING -> "InProgress";
      case CONSUMING_RESULTS -> "Ready";
      case COMPLETE -> "Completed";
      case FAILED -> "Failed";
    };
  }
}
