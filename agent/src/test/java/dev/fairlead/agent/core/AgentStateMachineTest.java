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
import static org.assertj.core.api.Assertions.assertThat;

import dev.fairlead.protocol.AgentState;
import java.util.EnumSet;
import java.util.Map;
import java.util.Set;
import org.junit.jupiter.api.Test;

class AgentStateMachineTest {

  private record Step(AgentState from, Trigger trigger) {}

  /** The whole table; what does not stand here is refused. */
  private static final Map<Step, AgentState> TABLE =
      Map.ofEntries(
          step(IDLE, Trigger.START, RECEIVING_MANIFEST),
          step(RECEIVING_MANIFEST, Trigger.MANIFEST_RECEIVED, RECEIVING_ALGORITHM),
          step(RECEIVING_ALGORITHM, Trigger.ALGORITHM_RECEIVED, RECEIVING_DATA),
          step(RECEIVING_ALGORITHM, Trigger.ALGORITHM_RECEIVED_ALONE, RUNNING),
          step(RECEIVING_DATA, Trigger.DATA_RECEIVED, RUNNING),
          step(RUNNING, Trigger.RUN_COMPLETE, CONSUMING_RESULTS),
          step(CONSUMING_RESULTS, Trigger.RESULTS_CONSUMED, COMPLETE),
          step(RECEIVING_ALGORITHM, Trigger.RUN_FAILED, FAILED),
          step(RECEIVING_DATA, Trigger.RUN_FAILED, FAILED),
          step(RUNNING, Trigger.RUN_FAILED, FAILED));

  private static Map.Entry<Step, AgentState> step(AgentState from, Trigger trigger, AgentState to) {
    return Map.entry(new Step(from, trigger), to);
  }

  @Test
  void everyStateAnswersEveryTriggerAsTheTableSays() {
    for (AgentState from : AgentState.values()) {
      for (Trigger trigger : EnumSet.complementOf(EnumSet.of(Trigger.STOP))) {
        AgentState expected = TABLE.get(new Step(from, trigger));
        assertThat(AgentStateMachine.next(from, trigger).orElse(null))
            .as("%s + %s", from, trigger)
            .isEqualTo(expected);
      }
    }
  }

  @Test
  void stopLeadsToIdleFromEverywhere() {
    for (AgentState from : AgentState.values()) {
      assertThat(AgentStateMachine.next(from, Trigger.STOP)).contains(IDLE);
    }
  }

  @Test
  void aRefusalNamesTheState() {
    for (AgentState state : Set.of(AgentState.values())) {
      assertThat(AgentStateMachine.refusal(state, "An upload"))
          .hasMessageContaining(state.wireName())
          .extracting("code")
          .isEqualTo("wrong-state");
    }
  }
}
