// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.hypervisor.qemu;

import dev.fairlead.hypervisor.api.HypervisorException;
import dev.fairlead.hypervisor.api.Vm;
import dev.fairlead.hypervisor.api.VmChannel;
import dev.fairlead.hypervisor.api.VmEnd;
import dev.fairlead.hypervisor.api.VmListener;
import dev.fairlead.hypervisor.host.ConsoleFile;
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
import java.util.concurrent.Future;
import java.util.concurrent.ScheduledExecutorService;
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

  private static final Duration LOOK_EVERY = Duration.ofMillis(100);
  private static final Duration TIDY_EVERY = Duration.ofSeconds(1);
  private static final System.Logger LOG = System.getLogger(QemuVm.class.getName());

  private final Watch watch;
  private final Accelerators accelerators;
  private final InstantSource clock;
  private final RunDirectory directory;
  private final ConsoleFile console;
  private final VmListener listener;
  private final @Nullable VsockKeeper vsock;
  private final CompletableFuture<VmEnd> ended = new CompletableFuture<>();

  private volatile VmFile file;
  private volatile QemuProcess qemu;
  private volatile boolean released;

  // From here on: the watch's own.
  private final GuestSigns signs = new GuestSigns();
  private final Ending ending;
  private boolean lives;
  private boolean done;
  private @Nullable Future<?> look;

  QemuVm(
      ScheduledExecutorService thread,
      Accelerators accelerators,
      InstantSource clock,
      RunDirectory directory,
      VmFile file,
      VmListener listener,
      Optional<VsockKeeper> vsock) {
    this.watch = new Watch(thread);
    this.accelerators = accelerators;
    this.clock = clock;
    this.directory = directory;
    this.console = new ConsoleFile(directory);
    this.file = file;
    this.listener = listener;
    this.vsock = vsock.orElse(null);
    this.qemu = new QemuProcess(watch, new Ear());
    this.ending = new Ending(watch, () -> qemu);
  }

  /** What the monitor of QEMU's first process is opened with. */
  Qmp.Listener ear() {
    return qemu.ear();
  }

  /** QEMU runs; called once, by the thread that started or found it. */
  void runs(Launch launch) {
    file = launch.file();
    QemuProcess first = qemu;
    first.runs(launch);
    onWatch(() -> follow(first));
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
    return qemu.pid();
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
    qemu.leave();
    watch.execute(
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

  private void follow(QemuProcess running) {
    running.follow();
    look = watch.every(Duration.ZERO, LOOK_EVERY, this::look);
    if (vsock != null) {
      vsock.begin(new VsockOwner());
    }
  }

  // --- its life ---

  /** Looks for signs of life: init prints at once. */
  private void look() {
    if (isOver()) {
      return;
    }
    if (console.hasSpoken()) {
      lives = true;
      cancelLook();
      removeFiles(INITRD, CREDENTIAL);
      look = watch.every(TIDY_EVERY, TIDY_EVERY, this::tidy);
    } else if (!clock.instant().isBefore(file.bootBy())) {
      cancelLook();
      noLife("no-life");
    }
  }

  private void tidy() {
    if (isOver()) {
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

  private void noLife(String why) {
    if (signs.isStopAsked()) {
      return;
    }
    if (file.accelerator() == Accelerator.KVM && accelerators.mayFallBack()) {
      restartWithTcg(why);
    } else {
      signs.neverBooted(why);
      ending.kill();
    }
  }

  // --- another start, without KVM ---

  private void restartWithTcg(String why) {
    ending.hold();
    cancelLook();
    VmFile before = file;
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
    // Starting blocks, which the watch must not.
    Thread starter = new Thread(() -> again(next, why), "qemu-again-" + computation());
    starter.setDaemon(true);
    qemu.replace(starter::start);
  }

  private void again(VmFile next, String why) {
    QemuProcess second = new QemuProcess(watch, new Ear());
    try {
      Launch launch = Launch.run(directory, next, second.ear());
      file = launch.file();
      second.runs(launch);
      qemu = second;
      watch.execute(() -> runsAgain(second, why));
    } catch (HypervisorException e) {
      LOG.log(System.Logger.Level.ERROR, "The VM cannot be started again with TCG", e);
      startedNoMore(e.code());
    } catch (RuntimeException e) {
      LOG.log(System.Logger.Level.ERROR, "A fault in starting a VM again with TCG", e);
      startedNoMore("internal");
    }
  }

  private void runsAgain(QemuProcess second, String why) {
    if (isOver()) {
      letGo();
      return;
    }
    follow(second);
    notice(
        "restarted-with-tcg",
        "The guest showed no life under KVM (%s), and was started again with TCG; on this"
                .formatted(why)
            + " host TCG is used until its next boot.");
    ending.resume();
  }

  private void startedNoMore(String code) {
    onWatch(
        () -> {
          signs.neverBooted(code);
          finish(OptionalInt.empty());
        });
  }

  // --- its end ---

  private boolean isOver() {
    return done || released;
  }

  private void finish(OptionalInt exit) {
    if (isOver()) {
      return;
    }
    done = true;
    letGo();
    if (vsock != null) {
      vsock.end();
    }
    removeFiles(QemuCommand.PID, QemuCommand.QMP, INITRD, CREDENTIAL);
    VmEnd end = signs.end(exit, clock.instant());
    Watch.guarded(() -> listener.ended(this, end));
    ended.complete(end);
  }

  private void askToEnd(Duration graceTime) {
    signs.stopAsked();
    ending.ask(graceTime);
  }

  private void letGo() {
    cancelLook();
    ending.cancel();
    qemu.release();
  }

  private void cancelLook() {
    if (look != null) {
      look.cancel(false);
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
    Watch.guarded(() -> listener.noticed(this, what, detail));
  }

  private void onWatch(Runnable task) {
    watch.execute(
        () -> {
          if (!isOver()) {
            task.run();
          }
        });
  }

  private static Path kernel(VmFile file) {
    return Path.of(file.command().get(file.command().indexOf("-kernel") + 1));
  }

  /** This VM, as the keeper of its vsock device sees it. */
  private final class VsockOwner implements VsockKeeper.Owner {

    @Override
    public @Nullable Qmp monitor() {
      return qemu.monitor();
    }

    @Override
    public void notice(String what, String detail) {
      QemuVm.this.notice(what, detail);
    }

    @Override
    public Executor watch() {
      return watch;
    }
  }

  /** What QEMU's processes tell: one after the other, so at any time only one does. */
  private final class Ear implements QemuProcess.Listener {

    @Override
    public void said(String event, JsonObject data) {
      switch (event) {
        case "SHUTDOWN" -> signs.shutdown(data.optionalString("reason").orElse("unknown"));
        case "GUEST_PANICKED" -> signs.panicked();
        case "DEVICE_DELETED" -> {
          if (vsock != null) {
            vsock.unplugged(data);
          }
        }
        default -> {}
      }
    }

    @Override
    public void internalError() {
      if (lives || console.hasSpoken()) {
        signs.hypervisorFailed("internal-error");
        ending.kill();
      } else {
        noLife("internal-error");
      }
    }

    @Override
    public void monitorLost() {
      // One that is being ended closes it first, and may take its time after that.
      if (!ending.hasBegun()) {
        notice(
            "monitor-lost",
            "QEMU runs, but its monitor has closed: its reason for ending will not be known.");
      }
    }

    @Override
    public void ended(OptionalInt exit) {
      finish(exit);
    }
  }
}
