// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.bench.results;

import java.util.Optional;

/**
 * Something that is aimed at, and what was measured.
 *
 * @param transport ours
 * @param what in a few words
 * @param aim the bound, with its direction
 * @param measured the figure, or {@code not measured}
 * @param met empty where it was not measured
 */
public record Target(
    String transport, String what, String aim, String measured, Optional<Boolean> met) {

  /** {@code met}, {@code MISSED} or {@code –}. */
  public String verdict() {
    return met.map(yes -> yes ? "met" : "MISSED").orElse("–");
  }
}
