// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.agent;

/** Where an agent stands. */
public enum AgentState {
  /** Nothing has begun, or everything was stopped. */
  IDLE("Idle"),
  /** It waits for its manifest. */
  RECEIVING_MANIFEST("ReceivingManifest"),
  /** It waits for the algorithm that the manifest names. */
  RECEIVING_ALGORITHM("ReceivingAlgorithm"),
  /** It waits for the datasets that the manifest names. */
  RECEIVING_DATA("ReceivingData"),
  /** The algorithm runs. */
  RUNNING("Running"),
  /** The result waits to be read. */
  CONSUMING_RESULTS("ConsumingResults"),
  /** The result has been read once, and may be read again. */
  COMPLETE("Complete"),
  /** The run failed; the reason may be asked for. */
  FAILED("Failed");

  private final String word;

  AgentState(String word) {
    this.word = word;
  }

  /** The word that stands in events, heartbeats and answers. */
  public String word() {
    return word;
  }
}
