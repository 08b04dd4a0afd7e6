// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.manager;

import java.util.Locale;

/** What a manager knows of a VM. */
public enum VmState {
  /** It is being started, or runs and its agent has not been heard. */
  STARTING,
  /** Its agent said hello. */
  BOOTED,
  /** It was asked to end. */
  ENDING,
  /** It has ended. */
  ENDED;

  /** The word that is shown: {@code booted}. */
  public String word() {
    return name().toLowerCase(Locale.ROOT);
  }
}
