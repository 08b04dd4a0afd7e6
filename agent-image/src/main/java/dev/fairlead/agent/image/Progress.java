// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.agent.image;

/** Hears what a long build is about to do. Called by the thread that builds. */
@FunctionalInterface
public interface Progress {

  /** Begins a step: one short sentence for a person, without a full stop. */
  void step(String sentence);
}
