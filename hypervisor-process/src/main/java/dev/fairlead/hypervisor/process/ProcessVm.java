// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.hypervisor.process;

import dev.fairlead.hypervisor.api.Vm;
import dev.fairlead.hypervisor.api.VmChannel;
import dev.fairlead.hypervisor.api.VmEnd;
import dev.fairlead.hypervisor.api.VmEnd.Kind;
import dev.fairlead.hypervisor.api.VmListener;
import dev.fairlead.hypervisor.host.ConsoleFile;
import dev.fairlead.hypervisor.host.HostProcess;
import dev.fairlead.hypervisor.host.RunDirectory;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.time.InstantSource;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.ScheduledFuture;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/** One agent's process. All that happens to it is dealt with by one thread, the watch. */
final class ProcessVm implements Vm {

  private static final long LOOK_EVERY_MS = 100;
  private static final long TIDY_EVERY_MS = 1000;
  private static final int SIGNALLED = 128;
  private static final System.Logger LOG = System.getLogger(ProcessVm.class.getName());

  private final ScheduledExecutorService watch;
  private final InstantSource clock;
  private final RunDirectory directory;
  private final ConsoleFile console;
  private final VmFile file;
  private final HostProcess process;
  private final VmListener listener;
  private final CompletableFuture<VmEnd> ended = new CompletableFuture<>();
  private volatile boolean released;

  // From here on: the watch's own.
  private boolean stopAsked;
  private boolean neverBooted;
  private @Nullable Duration grace;
  private @Nullable ScheduledFuture<?> look;
  private @Nullable ScheduledFuture<?> step;

  ProcessVm(
      ScheduledExecutorService watch,
      InstantSource clock,
      RunDirectory directory,
      VmFile file,
      HostProcess process,
      VmListener listener) {
    this.watch = watch;
    this.clock = clock;
    this.directory = directory;
    this.console = new ConsoleFile(directory);
    this.file = file;
    this.process = process;
    this.listener = listener;
  }

  /** Begins to watch it; called once. */
  void follow() {
    onWatch(
        () ->
            look =
                watch.scheduleWithFixedDelay(
                    () -> guarded(this::look), 0, LOOK_EVERY_MS, TimeUnit.MILLISECONDS));
    var unused =
        process
            .ended()
            .thenAccept(exit -> onWatch(() -> finish(exit)))
            .exceptionally(letGo -> null);
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
    return process.identity().pid();
  }

  @Override
  public String accelerator() {
    return VmFile.HYPERVISOR;
  }

  @Override
  public Optional<VmChannel> channel() {
    return file.channel()
        ? Optional.of(ProcessHypervisor.channel(directory.path()))
        : Optional.empty();
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
    process.release();
    onWatch(this::cancelAll);
  }

  /** Looks for signs of life: an agent logs at once. */
  private void look() {
    if (isPast()) {
      return;
    }
    if (console.hasSpoken()) {
      cancel(look);
      look =
          watch.scheduleWithFixedDelay(
              () -> guarded(this::tidy), TIDY_EVERY_MS, TIDY_EVERY_MS, TimeUnit.MILLISECONDS);
    } else if (!clock.instant().isBefore(file.bootBy())) {
      cancel(look);
      neverBooted = true;
      process.killSession();
    }
  }

  private void tidy() {
    if (isPast()) {
      return;
    }
    try {
      console.trim();
    } catch (IOException e) {
      LOG.log(System.Logger.Level.WARNING, "The console's file cannot be cut", e);
    }
  }

  private void askToEnd(Duration graceTime) {
    if (isPast()) {
      return;
    }
    stopAsked = true;
    Duration before = grace;
    if (before != null && before.compareTo(graceTime) <= 0) {
      return;
    }
    grace = graceTime;
    cancel(step);
    if (graceTime.isZero()) {
      process.killSession();
      return;
    }
    if (before == null) {
      process.terminate();
    }
    step =
        watch.schedule(
            () -> guarded(process::killSession), graceTime.toMillis(), TimeUnit.MILLISECONDS);
  }

  private void finish(OptionalInt exit) {
    if (isPast()) {
      return;
    }
    cancelAll();
    // What it started must not outlive it.
    process.killSession();
    try {
      AgentFiles.removeSecrets(directory);
    } catch (IOException e) {
      LOG.log(System.Logger.Level.WARNING, "The credential of an ended agent stays behind", e);
    }
    VmEnd end = end(exit);
    guarded(() -> listener.ended(this, end));
    ended.complete(end);
  }

  private VmEnd end(OptionalInt exit) {
    String reason =
        exit.isEmpty()
            ? "gone"
            : exit.getAsInt() > SIGNALLED
                ? "signal-" + (exit.getAsInt() - SIGNALLED)
                : "exit-" + exit.getAsInt();
    if (neverBooted) {
      return new VmEnd(Kind.NEVER_BOOTED, "no-life", exit, clock.instant());
    }
    Kind kind = Kind.CRASHED;
    if (stopAsked) {
      kind = Kind.STOPPED;
    } else if (exit.isEmpty() || exit.getAsInt() > SIGNALLED) {
      kind = Kind.KILLED;
    } else if (exit.getAsInt() == 0) {
      kind = Kind.FINISHED;
    }
    return new VmEnd(kind, reason, exit, clock.instant());
  }

  private boolean isPast() {
    return released || ended.isDone();
  }

  private void cancelAll() {
    cancel(look);
    cancel(step);
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
      LOG.log(System.Logger.Level.ERROR, "A fault in the handling of an agent's process", e);
    }
  }

  private static void cancel(@Nullable ScheduledFuture<?> task) {
    if (task != null) {
      task.cancel(false);
    }
  }
}
