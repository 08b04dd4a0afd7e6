// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.hypervisor.qemu;

import dev.fairlead.hypervisor.api.VmEnd;
import dev.fairlead.hypervisor.api.VmEnd.Kind;
import java.time.Instant;
import java.util.OptionalInt;
import org.jspecify.annotations.Nullable;

/**
 * What was seen of a guest until its end, and what that means. QEMU's exit code alone cannot tell a
 * crash from a good end: both are 0. Used by one thread.
 */
final class GuestSigns {

  private @Nullable String shutdown;
  private boolean panicked;
  private boolean stopAsked;
  private @Nullable String neverBooted;
  private @Nullable String hypervisorFailed;

  /** QEMU said {@code SHUTDOWN} with this reason. */
  void shutdown(String reason) {
    shutdown = reason;
  }

  /** QEMU said {@code GUEST_PANICKED}. */
  void panicked() {
    panicked = true;
  }

  /** Somebody asked us to end it. */
  void stopAsked() {
    stopAsked = true;
  }

  /** Whether somebody asked us to end it. */
  boolean isStopAsked() {
    return stopAsked;
  }

  /** It showed no life in its time, and is being killed. */
  void neverBooted(String why) {
    neverBooted = why;
  }

  /** The accelerator gave up on a guest that had lived, and it is being killed. */
  void hypervisorFailed(String why) {
    hypervisorFailed = why;
  }

  /**
   * What the end means.
   *
   * @param exit the process's exit code, if somebody told
   */
  VmEnd end(OptionalInt exit, Instant at) {
    if (neverBooted != null) {
      return new VmEnd(Kind.NEVER_BOOTED, neverBooted, exit, at);
    }
    if (hypervisorFailed != null) {
      return new VmEnd(Kind.CRASHED, hypervisorFailed, exit, at);
    }
    if (panicked) {
      return new VmEnd(Kind.CRASHED, "guest-panic", exit, at);
    }
    String reason = shutdown != null ? shutdown : ofExit(exit);
    return new VmEnd(stopAsked ? Kind.STOPPED : kind(reason), reason, exit, at);
  }

  private static Kind kind(String reason) {
    return switch (reason) {
      case "guest-shutdown" -> Kind.FINISHED;
      case "guest-reset", "guest-panic" -> Kind.CRASHED;
      case "host-qmp-quit" -> Kind.STOPPED;
      default -> Kind.KILLED;
    };
  }

  private static String ofExit(OptionalInt exit) {
    if (exit.isEmpty()) {
      return "gone";
    }
    int code = exit.getAsInt();
    return code > 128 ? "signal-" + (code - 128) : "exit-" + code;
  }
}
