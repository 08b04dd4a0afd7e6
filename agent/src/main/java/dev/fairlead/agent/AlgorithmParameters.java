// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.agent;

import static dev.fairlead.agent.AgentException.Reason.INVALID;

import java.util.List;

/**
 * How an algorithm wants to be run. Where the manifest says it too, the manifest is right.
 *
 * @param kind the name of an {@code AlgorithmKind}; {@code bin} when nobody says anything else
 * @param arguments at most {@value #MAX_ARGUMENTS}, of at most {@value #MAX_ARGUMENT} characters
 */
public record AlgorithmParameters(String kind, List<String> arguments) {

  /** The most arguments. */
  public static final int MAX_ARGUMENTS = 256;

  /** The most characters of one argument. */
  public static final int MAX_ARGUMENT = 4096;

  /** What is meant when nothing is said. */
  public static final AlgorithmParameters DEFAULT = new AlgorithmParameters("bin", List.of());

  /**
   * Checks the limits.
   *
   * @throws AgentException {@code INVALID}, code {@code bad-arguments}
   */
  public AlgorithmParameters {
    arguments = List.copyOf(arguments);
    boolean fits = arguments.size() <= MAX_ARGUMENTS && kind.length() <= 32;
    for (String argument : arguments) {
      fits &= argument.length() <= MAX_ARGUMENT && argument.indexOf('\0') < 0;
    }
    if (!fits) {
      throw new AgentException(
          INVALID,
          "bad-arguments",
          "An algorithm takes at most %d arguments of at most %d characters, without NUL."
              .formatted(MAX_ARGUMENTS, MAX_ARGUMENT));
    }
  }
}
