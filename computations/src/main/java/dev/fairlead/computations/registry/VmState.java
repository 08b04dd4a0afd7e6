// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.computations.registry;

import java.util.Locale;

/** What is known of a VM, from its manager and from its agent's first word. */
public enum VmState {
  /** Registered; whether its guest came up is not known yet. */
  STARTING,
  /** Its agent said hello. */
  BOOTED,
  /** Its manager reported the end. */
  ENDED;

  /** The word that is shown and stored: {@code booted}. */
  public String word() {
    return name().toLowerCase(Locale.ROOT);
  }

  static VmState of(String word) {
    return valueOf(word.toUpperCase(Locale.ROOT));
  }
}
