// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.agent.core;

import static dev.fairlead.protocol.AgentState.COMPLETE;
import static dev.fairlead.protocol.AgentState.CONSUMING_RESULTS;
import static dev.fairlead.protocol.AgentState.FAILED;
import static dev.fairlead.protocol.AgentState.IDLE;
import static dev.fairlead.protocol.AgentState.RECEIVING_ALGORITHM;
import static dev.fairlead.protocol.AgentState.RECEIVING_DATA;
import static dev.fairlead.protocol.AgentState.RECEIVING_MANIFEST;
import static dev.fairlead.protocol.AgentState.RUNNING;

import dev.fairlead.agent.AgentException;
import dev.fairlead.protocol.AgentState;
import java.util.Optional;

/** The agent's states as a pure function: (state, trigger) to the next state, or a refusal. */
public final class AgentStateMachine {

  private AgentStateMachine() {}

  /** The state that follows, or nothing where the trigger does not fit the state. */
  public static Optional<AgentState> next(AgentState state, Trigger trigger) {
    return Optional.ofNullable(
        switch (trigger) {
          case START -> state == IDLE ? RECEIVING_MANIFEST : null;
          case MANIFEST_RECEIVED -> state == RECEIVING_MANIFEST ? RECEIVING_ALGORITHM : null;
          case ALGORITHM_RECEIVED -> state == RECEIVING_ALGORITHM ? RECEIVING_DATA : null;
          case ALGORITHM_RECEIVED_ALONE -> state == RECEIVING_ALGORITHM ? RUNNING : null;
          case DATA_RECEIVED -> state == RECEIVING_DATA ? RUNNING : null;
          case RUN_COMPLETE -> state == RUNNING ? CONSUMING_RESULTS : null;
          case RUN_FAILED ->
              state == RECEIVING_ALGORITHM || state == RECEIVING_DATA || state == RUNNING
                  ? FAILED
                  : null;
          case RESULTS_CONSUMED -> state == CONSUMING_RESULTS ? COMPLETE : null;
          case STOP -> IDLE;
        });
  }

  /** The refusal of something that is not done in this state; names the state. */
  public static AgentException refusal(AgentState state, String what) {
    return new AgentException(
        AgentException.Reason.WRONG_STATE,
        "wrong-state",
        "%s is not possible in state %s; %s".formatted(what, state.wireName(), advice(state)));
  }

  private static String advice(AgentState state) {
    return switch (state) {
      case IDLE -> "the agent is about to start.";
      case RECEIVING_MANIFEST -> "the agent waits for its manifest.";
      case RECEIVING_ALGORITHM -> "the agent waits for the algorithm.";
      case RECEIVING_DATA -> "the agent waits for datasets.";
      case RUNNING -> "wait until the run has ended.";
      case CONSUMING_RESULTS -> "fetch the result.";
      case COMPLETE -> "the computation is complete; only its result can be read.";
      case FAILED -> "the run has failed; stop it, or restart the computation.";
    };
  }
}
