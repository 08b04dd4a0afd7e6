// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.agent.core;

import dev.fairlead.agent.run.RunLimits;

/**
 * What an agent is told by whoever deploys it.
 *
 * @param algorithmBytes the most bytes of an algorithm
 * @param datasetBytes the most bytes of one dataset
 * @param uploads the most uploads at once
 * @param run what a run may use; its time is the limit where the manifest has none, and the most
 *     that the manifest may ask for
 * @param bareSignatures whether the older form of role signatures is taken
 * @param manifestThroughDoors whether a manifest may come through a door
 */
public record AgentSettings(
    long algorithmBytes,
    long datasetBytes,
    int uploads,
    RunLimits run,
    boolean bareSignatures,
    boolean manifestThroughDoors) {

  /** Checks the ranges. */
  public AgentSettings {
    if (algorithmBytes < 1 || datasetBytes < 1 || uploads < 1) {
      throw new IllegalArgumentException("A limit of uploads is less than 1.");
    }
  }
}
