// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.hypervisor.api;

import java.time.Instant;
import java.util.OptionalInt;

/**
 * How a VM ended, as seen from outside.
 *
 * @param kind what the end means
 * @param reason the hypervisor's own word: {@code guest-shutdown}, {@code guest-panic}, {@code
 *     signal-9}
 * @param exitCode of the process, absent when it was not this process's child
 * @param at when the end was noticed, by this host's clock
 */
public record VmEnd(Kind kind, String reason, OptionalInt exitCode, Instant at) {

  /** What an end means. */
  public enum Kind {
    /** The guest powered off by itself. */
    FINISHED,
    /** The guest panicked or reset: its agent died, or its kernel. */
    CRASHED,
    /** Someone on the host asked for it through the hypervisor. */
    STOPPED,
    /** The process was killed, or died. */
    KILLED,
    /** The guest never came to life within its boot deadline. */
    NEVER_BOOTED
  }
}
