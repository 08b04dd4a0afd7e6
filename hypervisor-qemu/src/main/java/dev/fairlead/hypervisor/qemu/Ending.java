// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.hypervisor.qemu;

import java.time.Duration;
import java.util.concurrent.Future;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * Ends a VM, with less and less patience: its power button, then QEMU's own {@code quit}, SIGTERM,
 * SIGKILL. Called by the {@link Watch} alone.
 */
final class Ending {

  private static final Duration QUIT = Duration.ofSeconds(3);
  private static final Duration TERM = Duration.ofSeconds(3);

  private final Watch watch;
  private final Supplier<QemuProcess> process;
  private Stage stage = Stage.RUNNING;
  private @Nullable Duration grace;
  private boolean held;
  private @Nullable Future<?> next;

  /** How far it has come. */
  private enum Stage {
    RUNNING,
    ASKED,
    QUIT,
    TERM,
    KILL
  }

  /**
   * Makes one that has not begun.
   *
   * @param process which one there is now
   */
  Ending(Watch watch, Supplier<QemuProcess> process) {
    this.watch = watch;
    this.process = process;
  }

  /** Whether the process is being ended. */
  boolean hasBegun() {
    return stage != Stage.RUNNING;
  }

  /**
   * Begins, or makes haste where it has begun.
   *
   * @param graceTime how long the guest may take for it; one that is longer than before changes
   *     nothing
   */
  void ask(Duration graceTime) {
    if (grace == null || graceTime.compareTo(grace) < 0) {
      grace = graceTime;
      if (!held && stage.compareTo(Stage.QUIT) < 0) {
        proceed(graceTime);
      }
    }
  }

  /** Waits, since another process takes the place of this one. */
  void hold() {
    held = true;
  }

  /** Goes on with what was asked meanwhile. */
  void resume() {
    held = false;
    if (grace != null) {
      proceed(grace);
    }
  }

  /** Ends the process at once. */
  void kill() {
    stage = Stage.KILL;
    process.get().kill();
  }

  /** Does nothing more: there is nothing to be ended. */
  void cancel() {
    if (next != null) {
      next.cancel(false);
    }
  }

  private void proceed(Duration graceTime) {
    cancel();
    Qmp monitor = process.get().openMonitor();
    if (graceTime.isZero() || monitor == null) {
      quit();
      return;
    }
    if (stage == Stage.RUNNING) {
      stage = Stage.ASKED;
      say(monitor, "system_powerdown");
    }
    next = watch.later(graceTime, this::quit);
  }

  private void quit() {
    stage = Stage.QUIT;
    Qmp monitor = process.get().openMonitor();
    if (monitor == null) {
      terminate();
      return;
    }
    say(monitor, "quit");
    next = watch.later(QUIT, this::terminate);
  }

  private void terminate() {
    stage = Stage.TERM;
    process.get().terminate();
    next = watch.later(TERM, this::kill);
  }

  /** Its reply may be lost; its effect is seen. */
  private static void say(Qmp monitor, String command) {
    var unused = monitor.execute(command).exceptionally(gone -> null);
  }
}
