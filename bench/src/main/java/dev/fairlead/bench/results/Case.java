// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.bench.results;

import static java.util.Objects.requireNonNull;

import java.util.Locale;

/**
 * What was done: only runs of the same case can be compared.
 *
 * @param scenario one of {@link Scenarios}, or another name
 * @param payloadBytes bytes of a record's encoded line
 * @param ratePerSecond records a second of each agent, 0 for as many as there can be
 * @param agents how many agents, at least 1
 */
public record Case(String scenario, int payloadBytes, long ratePerSecond, int agents) {

  /** Checks the name. */
  public Case {
    requireNonNull(scenario, "scenario is null");
  }

  /** The case in words: {@code fixed-rate 200 B 2,000/s}. */
  public String label() {
    StringBuilder label = new StringBuilder(scenario).append(' ').append(payloadBytes).append(" B");
    if (ratePerSecond > 0) {
      label.append(String.format(Locale.ROOT, " %,d/s", ratePerSecond));
    }
    if (agents > 1) {
      label.append(String.format(Locale.ROOT, " ×%,d", agents));
    }
    return label.toString();
  }
}
