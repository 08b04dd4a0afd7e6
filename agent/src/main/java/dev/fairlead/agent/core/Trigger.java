// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.agent.core;

/** What may move an agent from one state to another. */
public enum Trigger {
  /** The agent begins. */
  START("Start"),
  /** A manifest was accepted. */
  MANIFEST_RECEIVED("ManifestReceived"),
  /** The algorithm is here; datasets are still to come. */
  ALGORITHM_RECEIVED("AlgorithmReceived"),
  /** The algorithm is here, and the manifest names no datasets. */
  ALGORITHM_RECEIVED_ALONE("AlgorithmReceived"),
  /** The last dataset is here. */
  DATA_RECEIVED("DataReceived"),
  /** The algorithm ended well, and its result is packed. */
  RUN_COMPLETE("RunComplete"),
  /** The run cannot succeed any more. */
  RUN_FAILED("RunFailed"),
  /** A consumer has the whole result. */
  RESULTS_CONSUMED("ResultsConsumed"),
  /** Everything shall end. */
  STOP("Stop");

  private final String word;

  Trigger(String word) {
    this.word = word;
  }

  /** The word for a person. */
  public String word() {
    return word;
  }
}
