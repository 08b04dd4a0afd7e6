// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.hypervisor.qemu;

import dev.fairlead.hypervisor.api.HypervisorException;
import dev.fairlead.hypervisor.api.Vm;
import dev.fairlead.hypervisor.api.VmChannel;
import dev.fairlead.hypervisor.api.VmEnd;
import dev.fairlead.hypervisor.api.VmListener;
import dev.fairlead.hypervisor.host.ConsoleFile;
import dev.fairlead.hypervisor.host.HostProcess;
import dev.fairlead.hypervisor.host.RunDirectory;
import dev.fairlead.protocol.json.JsonObject;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.Executor;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.ScheduledFuture;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * One VM. All that happens to it is dealt with by one thread, the watch: what QEMU says, the end of
 * its process, the passing of time, the wish to end it. So nothing here is locked, and the listener
 * is called by one thread.
 */
final class QemuVm implements Vm {

  /** Files that hold the credential, in the run directory; gone once the guest has read them. */
  static final String INITRD = "initrd";

  static final String CREDENTIAL = "credential";

  private static final Duration QUIT = Duration.ofSeconds(3);
  private static final Duration TERM = Duration.ofSeconds(3);
  private static final Duration LAST_WORDS = Duration.ofMillis(500);
  private static final Duration MONITOR_LOST = Duration.ofSeconds(5);
  private static final long LOOK_EVERY_MS = 100;
  private static final long TIDY_EVERY_MS = 1000;
  private static final System.Logger LOG = System.getLogger(QemuVm.class.getName());

  private final ScheduledExecutorService watch;
  private final Accelerators accelerators;
  private final InstantSource clock;
  private final RunDirectory directory;
  private final ConsoleFile console;
  private final VmListener listener;
  private final @Nullable VsockKeeper vsock;
  private final CompletableFuture<VmEnd> ended = new CompletableFuture<>();

  private volatile VmFile file;
  private volatile @Nullable HostProcess process;
  private volatile @Nullable Qmp qmp;
  private volatile boolean released;

  // From here on: the watch's own.
  private final GuestSigns signs = new GuestSigns();
  private int generation;
  private boolean lives;
  private boolean done;
  private boolean monitorClosed;
  private boolean restarting;
  private @Nullable OptionalInt lastExit;
  private Stage stage = Stage.RUNNING;
  private Duration grace = Duration.ZERO;
  private @Nullable ScheduledFuture<?> look;
  private @Nullable ScheduledFuture<?> step;

  /** How far the ending has come. */
  private enum Stage {
    RUNNING,
    ASKED,
    QUIT,
    TERM,
    KILL
  }

  QemuVm(
      ScheduledExecutorService watch,
      Accelerators accelerators,
      InstantSource clock,
      RunDirectory directory,
      VmFile file,
      VmListener listener,
      Optional<VsockKeeper> vsock) {
    this.watch = watch;
    this.accelerators = accelerators;
    this.clock = clock;
    this.directory = directory;
    this.console = new ConsoleFile(directory);
    this.file = file;
    this.listener = listener;
    this.vsock = vsock.orElse(null);
  }

  /** What QEMU's first process says is heard by this. */
  Qmp.Listener ear() {
    return new Ear(0);
  }

  /** QEMU runs; called once, by the thread that started or found it. */
  void runs(Launch launch) {
    adopt(launch);
    onWatch(() -> follow(launch.process()));
  }

  @Override
  public String computation() {
    return file.computation();
  }

  @Override
  public Path runDirectory() {
    return directory.path();
  }

  @Override
  public long pid() {
    HostProcess current = process;
    return current == null ? -1 : current.identity().pid();
  }

  @Override
  public String accelerator() {
    return file.accelerator().word();
  }

  @Override
  public Optional<VmChannel> channel() {
    return file.vsock().map(device -> device.channel(directory.path()));
  }

  @Override
  public boolean isRunning() {
    return !ended.isDone();
  }

  @Override
  public CompletionStage<VmEnd> end(Duration graceTime) {
    onWatch(() -> askToEnd(graceTime));
    return ended();
  }

  @Override
  public CompletionStage<VmEnd> ended() {
    return ended.minimalCompletionStage();
  }

  @Override
  public void release() {
    released = true;
    // At once, not in its turn: the next manager may be at the door.
    closeMonitor();
    onWatch(
        () -> {
          if (!done) {
            done = true;
            letGo();
            if (vsock != null) {
              vsock.release();
            }
          }
        });
  }

  private void adopt(Launch launch) {
    file = launch.file();
    process = launch.process();
    qmp = launch.qmp();
  }

  private void follow(HostProcess current) {
    if (released) {
      return;
    }
    int now = generation;
    current
        .ended()
        .thenAccept(exit -> onWatch(() -> processEnded(now, exit)))
        .exceptionally(released -> null);
    look =
        watch.scheduleWithFixedDelay(
            () -> guarded(() -> look(now)), 0, LOOK_EVERY_MS, TimeUnit.MILLISECONDS);
    Qmp monitor = qmp;
    if (monitor != null) {
      askStatus(now, monitor);
    }
    if (vsock != null) {
      vsock.begin(new VsockOwner());
    }
  }

  /** Looks for signs of life: init prints at once. */
  private void look(int when) {
    if (isPast(when)) {
      return;
    }
    if (console.hasSpoken()) {
      lives = true;
      cancel(look);
      removeFiles(INITRD, CREDENTIAL);
      look =
          watch.scheduleWithFixedDelay(
              () -> guarded(() -> tidy(when)), TIDY_EVERY_MS, TIDY_EVERY_MS, TimeUnit.MILLISECONDS);
    } else if (!clock.instant().isBefore(file.bootBy())) {
      cancel(look);
      noLife("no-life");
    }
  }

  private void tidy(int when) {
    if (isPast(when)) {
      return;
    }
    try {
      console.trim();
      if (vsock != null) {
        vsock.tidy();
      }
    } catch (IOException e) {
      LOG.log(System.Logger.Level.WARNING, "The console's file cannot be cut", e);
    }
  }

  private void heard(int when, String event, JsonObject data) {
    if (isPast(when)) {
      return;
    }
    switch (event) {
      case "SHUTDOWN" -> signs.shutdown(data.optionalString("reason").orElse("unknown"));
      case "GUEST_PANICKED" -> signs.panicked();
      case "DEVICE_DELETED" -> {
        if (vsock != null) {
          vsock.unplugged(data);
        }
      }
      case "STOP" -> {
        Qmp monitor = qmp;
        if (monitor != null) {
          askStatus(when, monitor);
        }
      }
      default -> {}
    }
  }

  /** Where KVM gives up on a guest, QEMU stays, and only its status tells. */
  private void askStatus(int when, Qmp monitor) {
    monitor
        .execute("query-status")
        .thenAccept(
            reply -> {
              if (reply instanceof JsonObject status
                  && status.optionalString("status").filter("internal-error"::equals).isPresent()) {
                onWatch(() -> internalError(when));
              }
            })
        .exceptionally(gone -> null);
  }

  private void internalError(int when) {
    if (isPast(when)) {
      return;
    }
    if (lives || console.hasSpoken()) {
      signs.hypervisorFailed("internal-error");
      killProcess();
    } else {
      noLife("internal-error");
    }
  }

  private void noLife(String why) {
    if (signs.isStopAsked()) {
      return;
    }
    if (file.accelerator() == Accelerator.KVM && accelerators.mayFallBack()) {
      restartWithTcg(why);
    } else {
      signs.neverBooted(why);
      killProcess();
    }
  }

  private void restartWithTcg(String why) {
    generation++;
    restarting = true;
    monitorClosed = false;
    cancel(look);
    closeMonitor();
    HostProcess old = process;
    VmFile before = file;
    if (old == null) {
      return;
    }
    LOG.log(
        System.Logger.Level.WARNING,
        () ->
            "KVM does not run the guest of %s (%s); starting it again with TCG"
                .formatted(before.computation(), why));
    try {
      accelerators.unfit(kernel(before), "%s, %s".formatted(why, clock.instant()));
    } catch (IOException e) {
      LOG.log(System.Logger.Level.WARNING, "The verdict on KVM cannot be remembered", e);
    }
    Instant now = clock.instant();
    VmFile next =
        before.with(
            Accelerator.TCG, now, now.plus(Duration.between(before.startedAt(), before.bootBy())));
    int when = generation;
    old.ended()
        .thenAccept(
            exit -> {
              // Starting blocks, which the watch must not.
              Thread starter =
                  new Thread(() -> again(when, next, why), "qemu-again-" + computation());
              starter.setDaemon(true);
              starter.start();
            })
        .exceptionally(released -> null);
    old.kill();
  }

  private void again(int when, VmFile next, String why) {
    try {
      Launch launch = Launch.run(directory, next, new Ear(when));
      adopt(launch);
      onWatch(
          () -> {
            restarting = false;
            if (done || released) {
              letGo();
              return;
            }
            follow(launch.process());
            notice(
                "restarted-with-tcg",
                "The guest showed no life under KVM (%s), and was started again with TCG; on this"
                        .formatted(why)
                    + " host TCG is used until its next boot.");
            if (signs.isStopAsked()) {
              proceed(grace);
            }
          });
    } catch (HypervisorException e) {
      LOG.log(System.Logger.Level.ERROR, "The VM cannot be started again with TCG", e);
      onWatch(
          () -> {
            signs.neverBooted(e.code());
            finish(OptionalInt.empty());
          });
    }
  }

  private void processEnded(int when, OptionalInt exit) {
    if (isPast(when)) {
      return;
    }
    if (monitorClosed) {
      finish(exit);
    } else {
      // QEMU's last words, the reason, may still be in its socket.
      cancel(step);
      lastExit = exit;
      step = later(LAST_WORDS, () -> finish(exit));
    }
  }

  private void monitorClosed(int when) {
    if (isPast(when)) {
      return;
    }
    monitorClosed = true;
    OptionalInt exit = lastExit;
    if (exit != null) {
      finish(exit);
    } else {
      var unused =
          later(
              MONITOR_LOST,
              () -> {
                // One that is being ended closes it first, and may take its time after that.
                if (!isPast(when) && !restarting && stage == Stage.RUNNING) {
                  notice(
                      "monitor-lost",
                      "QEMU runs, but its monitor has closed: its reason for ending will not be known.");
                }
              });
    }
  }

  private boolean isPast(int when) {
    return done || released || when != generation;
  }

  private void finish(OptionalInt exit) {
    if (done || released) {
      return;
    }
    done = true;
    letGo();
    if (vsock != null) {
      vsock.end();
    }
    removeFiles(QemuCommand.PID, QemuCommand.QMP, INITRD, CREDENTIAL);
    VmEnd end = signs.end(exit, clock.instant());
    guarded(() -> listener.ended(this, end));
    ended.complete(end);
  }

  private void askToEnd(Duration graceTime) {
    if (done || released) {
      return;
    }
    boolean first = !signs.isStopAsked();
    signs.stopAsked();
    if (first || graceTime.compareTo(grace) < 0) {
      grace = graceTime;
      if (!restarting && stage.compareTo(Stage.QUIT) < 0) {
        proceed(graceTime);
      }
    }
  }

  private void proceed(Duration graceTime) {
    cancel(step);
    Qmp monitor = qmp;
    if (graceTime.isZero() || monitor == null || monitorClosed) {
      quit();
      return;
    }
    if (stage == Stage.RUNNING) {
      stage = Stage.ASKED;
      forget(monitor.execute("system_powerdown"));
    }
    step = later(graceTime, this::quit);
  }

  private void quit() {
    stage = Stage.QUIT;
    Qmp monitor = qmp;
    if (monitor == null || monitorClosed) {
      terminate();
      return;
    }
    // Its reply may be lost; its effect is seen.
    forget(monitor.execute("quit"));
    step = later(QUIT, this::terminate);
  }

  private void terminate() {
    if (done) {
      return;
    }
    stage = Stage.TERM;
    HostProcess current = process;
    if (current != null) {
      current.terminate();
    }
    step = later(TERM, this::killProcess);
  }

  private void killProcess() {
    HostProcess current = process;
    if (!done && current != null) {
      stage = Stage.KILL;
      current.kill();
    }
  }

  private void letGo() {
    cancel(look);
    cancel(step);
    closeMonitor();
    HostProcess current = process;
    if (current != null) {
      current.release();
    }
  }

  private void closeMonitor() {
    Qmp monitor = qmp;
    if (monitor != null) {
      try {
        monitor.close();
      } catch (IOException e) {
        LOG.log(System.Logger.Level.DEBUG, "The monitor does not close", e);
      }
    }
  }

  private void removeFiles(String... names) {
    try {
      directory.remove(names);
    } catch (IOException e) {
      LOG.log(System.Logger.Level.WARNING, "Files of an ended or booted VM stay behind", e);
    }
  }

  private void notice(String what, String detail) {
    guarded(() -> listener.noticed(this, what, detail));
  }

  private ScheduledFuture<?> later(Duration delay, Runnable task) {
    return watch.schedule(() -> guarded(task), delay.toMillis(), TimeUnit.MILLISECONDS);
  }

  private void onWatch(Runnable task) {
    try {
      watch.execute(() -> guarded(task));
    } catch (RejectedExecutionException e) {
      // The hypervisor is closed: it has let go of all its VMs.
      LOG.log(System.Logger.Level.DEBUG, "Too late for {0}", computation());
    }
  }

  /** A fault in one VM's handling must not end the watch of the others. */
  private static void guarded(Runnable task) {
    try {
      task.run();
    } catch (RuntimeException e) {
      LOG.log(System.Logger.Level.ERROR, "A fault in the handling of a VM", e);
    }
  }

  private static void forget(CompletableFuture<?> reply) {
    var unused = reply.exceptionally(gone -> null);
  }

  private static void cancel(@Nullable ScheduledFuture<?> task) {
    if (task != null) {
      task.cancel(false);
    }
  }

  private static Path kernel(VmFile file) {
    return Path.of(file.command().get(file.command().indexOf("-kernel") + 1));
  }

  /** This VM, as the keeper of its vsock device sees it. */
  private final class VsockOwner implements VsockKeeper.Owner {

    @Override
    public @Nullable Qmp monitor() {
      return qmp;
    }

    @Override
    public void notice(String what, String detail) {
      QemuVm.this.notice(what, detail);
    }

    @Override
    public Executor watch() {
      return QemuVm.this::onWatch;
    }
  }

  /** Hears one process's monitor, and says so on the watch. */
  private final class Ear implements Qmp.Listener {

    private final int when;

    Ear(int when) {
      this.when = when;
    }

    @Override
    public void event(String name, JsonObject data) {
      onWatch(() -> heard(when, name, data));
    }

    @Override
    public void closed() {
      onWatch(() -> monitorClosed(when));
    }
  }
}
