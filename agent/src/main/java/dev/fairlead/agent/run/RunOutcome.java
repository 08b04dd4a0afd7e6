// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.agent.run;

/** How a run ended. */
public sealed interface RunOutcome {

  /** It ended well. */
  record Success(ResultArchive.Packed result) implements RunOutcome {}

  /**
   * It failed.
   *
   * @param code stable: {@code exit-code}, {@code timeout}, {@code output-limit}, {@code
   *     memory-limit}, {@code bad-result}, {@code stopped}, {@code not-started}
   * @param sentence for a person
   */
  record Failure(String code, String sentence) implements RunOutcome {}
}
