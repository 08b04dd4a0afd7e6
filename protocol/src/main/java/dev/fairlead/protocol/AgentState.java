// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.protocol;

import dev.fairlead.protocol.json.ProtocolException;
import java.util.Arrays;
import java.util.Locale;

/** Where an agent stands in its work. What leads from one to the next is the agent's own affair. */
public enum AgentState {
  /** Nothing was asked of it yet. */
  IDLE("Idle"),
  /** It waits for its manifest. */
  RECEIVING_MANIFEST("ReceivingManifest"),
  /** It waits for the algorithm. */
  RECEIVING_ALGORITHM("ReceivingAlgorithm"),
  /** It waits for the datasets that the manifest names. */
  RECEIVING_DATA("ReceivingData"),
  /** The algorithm runs. */
  RUNNING("Running"),
  /** The result waits for its consumers. */
  CONSUMING_RESULTS("ConsumingResults"),
  /** All is done. */
  COMPLETE("Complete"),
  /** The algorithm failed; its error may be read. */
  FAILED("Failed");

  private final String wireName;

  AgentState(String wireName) {
    this.wireName = wireName;
  }

  /** The name in messages: {@code ReceivingManifest}. */
  public String wireName() {
    return wireName;
  }

  /** Whether nothing further happens by itself. */
  public boolean isFinal() {
    return this == COMPLETE || this == FAILED;
  }

  /**
   * The state of a wire name.
   *
   * @throws ProtocolException code {@code bad-state}
   */
  public static AgentState parse(String wireName) {
    return Arrays.stream(values())
        .filter(state -> state.wireName.equals(wireName))
        .findFirst()
        .orElseThrow(
            () ->
                new ProtocolException(
                    "bad-state",
                    "There is no such state of an agent; the states are %s."
                        .formatted(
                            Arrays.toString(
                                    Arrays.stream(values()).map(AgentState::wireName).toArray())
                                .toLowerCase(Locale.ROOT))));
  }

  @Override
  public String toString() {
    return wireName;
  }
}
