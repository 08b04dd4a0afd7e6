// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.hypervisor.qemu;

import dev.fairlead.hypervisor.host.HostProcess;
import dev.fairlead.protocol.json.JsonObject;
import java.io.IOException;
import java.time.Duration;
import java.util.OptionalInt;
import java.util.concurrent.Future;
import org.jspecify.annotations.Nullable;

/**
 * One process of QEMU with its monitor: what it says, and that it has ended, once nothing more is
 * to be heard of it.
 *
 * <p>Where nothing else is said, its methods are called by the {@link Watch}, as its listener is.
 */
final class QemuProcess {

  private static final Duration LAST_WORDS = Duration.ofMillis(500);
  private static final Duration MONITOR_LOST = Duration.ofSeconds(5);
  private static final System.Logger LOG = System.getLogger(QemuProcess.class.getName());

  private final Watch watch;
  private final Listener listener;
  private volatile @Nullable HostProcess process;
  private volatile @Nullable Qmp monitor;

  /** Nobody wants to hear of it any more. */
  private volatile boolean over;

  // From here on: the watch's own.
  private boolean monitorClosed;
  private @Nullable OptionalInt exit;
  private @Nullable Future<?> lastWords;

  /** Told of one process, by the watch. */
  interface Listener {

    /** QEMU said something: an event, by QEMU's name for it. */
    void said(String event, JsonObject data);

    /** The accelerator gave up on the guest; QEMU stays. */
    void internalError();

    /** The monitor has been closed for some seconds, and the process has not ended. */
    void monitorLost();

    /** The process has ended, and its monitor has nothing more to say; told last. */
    void ended(OptionalInt exit);
  }

  /** Makes one that does not run yet. */
  QemuProcess(Watch watch, Listener listener) {
    this.watch = watch;
    this.listener = listener;
  }

  /** What its monitor is opened with; called by any thread. */
  Qmp.Listener ear() {
    return new Qmp.Listener() {
      @Override
      public void event(String name, JsonObject data) {
        onWatch(() -> heard(name, data));
      }

      @Override
      public void closed() {
        onWatch(QemuProcess.this::monitorClosed);
      }
    };
  }

  /** It runs; called by the thread that started or found it, before {@link #follow}. */
  void runs(Launch launch) {
    process = launch.process();
    monitor = launch.qmp();
  }

  /** Begins to wait for its end. */
  void follow() {
    HostProcess running = process;
    if (running != null) {
      var unused =
          running
              .ended()
              .thenAccept(code -> onWatch(() -> processEnded(code)))
              .exceptionally(released -> null);
    }
    askStatus();
  }

  private void onWatch(Runnable task) {
    watch.execute(
        () -> {
          if (!over) {
            task.run();
          }
        });
  }

  private void heard(String event, JsonObject data) {
    if (event.equals("STOP")) {
      askStatus();
    }
    listener.said(event, data);
  }

  /** Where KVM gives up on a guest, QEMU stays, and only its status tells. */
  private void askStatus() {
    Qmp open = monitor;
    if (open == null) {
      return;
    }
    var unused =
        open.execute("query-status")
            .thenAccept(
                reply -> {
                  if (reply instanceof JsonObject status
                      && status
                          .optionalString("status")
                          .filter("internal-error"::equals)
                          .isPresent()) {
                    onWatch(listener::internalError);
                  }
                })
            .exceptionally(gone -> null);
  }

  private void processEnded(OptionalInt code) {
    exit = code;
    if (monitorClosed) {
      listener.ended(code);
    } else {
      // QEMU's last words, the reason, may still be in its socket.
      lastWords = watch.later(LAST_WORDS, () -> onWatch(() -> listener.ended(code)));
    }
  }

  private void monitorClosed() {
    monitorClosed = true;
    OptionalInt code = exit;
    if (code != null) {
      listener.ended(code);
    } else {
      var unused = watch.later(MONITOR_LOST, () -> onWatch(listener::monitorLost));
    }
  }

  /** Its number; -1 before it runs; called by any thread. */
  long pid() {
    HostProcess running = process;
    return running == null ? -1 : running.identity().pid();
  }

  /** Its monitor, even where that has closed; null before it runs. */
  @Nullable Qmp monitor() {
    return monitor;
  }

  /** Its monitor; null where nobody listens there. */
  @Nullable Qmp openMonitor() {
    return monitorClosed ? null : monitor;
  }

  /** Sends SIGTERM. */
  void terminate() {
    HostProcess running = process;
    if (running != null) {
      running.terminate();
    }
  }

  /** Sends SIGKILL. */
  void kill() {
    HostProcess running = process;
    if (running != null) {
      running.kill();
    }
  }

  /** Kills it, and tells only the given task when it is gone: another takes its place. */
  void replace(Runnable whenGone) {
    leave();
    HostProcess running = process;
    if (running == null) {
      whenGone.run();
      return;
    }
    var unused = running.ended().thenRun(whenGone).exceptionally(released -> null);
    running.kill();
  }

  /** Leaves its monitor to others, and tells no more of it; called by any thread. */
  void leave() {
    over = true;
    Qmp open = monitor;
    if (open != null) {
      try {
        open.close();
      } catch (IOException e) {
        LOG.log(System.Logger.Level.DEBUG, "The monitor does not close", e);
      }
    }
  }

  /** Leaves it, which goes on. Idempotent. */
  void release() {
    leave();
    if (lastWords != null) {
      lastWords.cancel(false);
    }
    HostProcess running = process;
    if (running != null) {
      running.release();
    }
  }
}
