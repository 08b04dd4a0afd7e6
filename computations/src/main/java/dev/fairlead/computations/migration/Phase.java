// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.computations.migration;

import java.util.Arrays;
import java.util.Locale;

/** How far a migration is. */
public enum Phase {
  /** It was asked for; nobody has followed yet. */
  STARTED,
  /** The chosen ones send copies over the new transport; nobody was moved. */
  SHADOWING,
  /** Some were moved. */
  ADVANCING,
  /** All are to be on the new transport. */
  CUT_OVER,
  /** All are to be on the old transport again. */
  ROLLED_BACK;

  /** The word in documents. */
  public String word() {
    return name().toLowerCase(Locale.ROOT).replace('_', '-');
  }

  /** Whether there is nothing more to decide. */
  public boolean isOver() {
    return this == CUT_OVER || this == ROLLED_BACK;
  }

  static Phase of(String word) {
    return Arrays.stream(values())
        .filter(phase -> phase.word().equals(word))
        .findFirst()
        .orElseThrow(() -> new IllegalArgumentException("No such phase: " + word));
  }
}
