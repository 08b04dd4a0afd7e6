// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.hypervisor.qemu;

import dev.fairlead.hypervisor.api.HypervisorException;
import dev.fairlead.hypervisor.host.ConsoleFile;
import dev.fairlead.hypervisor.host.GuestSocket;
import dev.fairlead.hypervisor.host.RunDirectory;
import dev.fairlead.protocol.json.JsonObject;
import java.io.IOException;
import java.time.Duration;
import java.util.Objects;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Executor;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * Keeps one VM's vsock device working, and gives back what it took when the VM has ended.
 *
 * <p>When the program behind the device dies, QEMU and the guest go on without: QEMU 7.2 cannot
 * connect the same device again (it refuses {@code reconnect} for it). So the program is started
 * anew, and the device is pulled out of the running VM and plugged in again: the guest sees its
 * connections reset, and makes new ones.
 *
 * <p>All is called by the VM's watch, which nothing here blocks for longer than a file takes.
 */
final class VsockKeeper {

  private static final Duration PAUSE = Duration.ofMillis(500);
  private static final Duration LONG_PAUSE = Duration.ofSeconds(5);
  private static final Duration UNPLUG = Duration.ofSeconds(30);
  private static final CompletableFuture<@Nullable Void> NOTHING =
      CompletableFuture.completedFuture(null);
  private static final System.Logger LOG = System.getLogger(VsockKeeper.class.getName());

  /** The VM, as the keeper needs it. */
  interface Owner {

    /** QEMU's monitor; null while there is none. */
    @Nullable Qmp monitor();

    /** Says something about the VM. */
    void notice(String what, String detail);

    /** The VM's watch. */
    Executor watch();
  }

  private final ScheduledExecutorService watch;
  private final RunDirectory directory;
  private final Vsock vsock;
  private final CidLeases leases;
  private @Nullable VsockDaemon daemon;
  private @Nullable Owner owner;
  private @Nullable CompletableFuture<@Nullable Void> unplugged;
  private boolean lost;
  private boolean done;

  /**
   * Makes one.
   *
   * @param daemon as it runs; null where the kernel is the device, or where it has to be started
   */
  VsockKeeper(
      ScheduledExecutorService watch,
      RunDirectory directory,
      Vsock vsock,
      CidLeases leases,
      @Nullable VsockDaemon daemon) {
    this.watch = watch;
    this.directory = directory;
    this.vsock = vsock;
    this.leases = leases;
    this.daemon = daemon;
  }

  /** QEMU runs: begins to watch over its device. */
  void begin(Owner keeper) {
    if (owner != null || done || !vsock.isUser()) {
      return;
    }
    owner = keeper;
    if (daemon == null) {
      lost(keeper);
    } else {
      follow(keeper, daemon);
    }
  }

  /** QEMU let go of a device. */
  void unplugged(JsonObject event) {
    CompletableFuture<@Nullable Void> waiting = unplugged;
    if (waiting != null
        && event.optionalString("device").filter(Vsock.DEVICE::equals).isPresent()) {
      waiting.complete(null);
    }
  }

  /** To be called every second or so: what the program says has a bound. */
  void tidy() throws IOException {
    if (vsock.isUser()) {
      new ConsoleFile(directory, VsockDaemon.OUTPUT).trim();
    }
  }

  /** Stops watching; the program goes on. */
  void release() {
    done = true;
    VsockDaemon current = daemon;
    if (current != null) {
      current.process().release();
    }
  }

  /** The VM has ended, or never began: so does all that was there for it. */
  void end() {
    done = true;
    VsockDaemon current = daemon;
    if (current != null) {
      current.process().kill();
    }
    try {
      directory.remove(Vsock.SOCKET, GuestSocket.NAME);
      leases.release(directory.path());
    } catch (IOException | HypervisorException e) {
      LOG.log(System.Logger.Level.WARNING, "Something of a VM's vsock device stays behind", e);
    }
  }

  private void follow(Owner keeper, VsockDaemon current) {
    current
        .process()
        .ended()
        .thenAcceptAsync(
            exit -> {
              if (!done) {
                daemon = null;
                lost(keeper);
              }
            },
            keeper.watch())
        .exceptionally(released -> null);
  }

  private void lost(Owner keeper) {
    if (!lost) {
      lost = true;
      keeper.notice(
          "vsock-lost",
          "The program behind the VM's vsock device has died; it is started again, and the guest"
              + " has to connect anew.");
    }
    later(PAUSE, keeper);
  }

  private void later(Duration pause, Owner keeper) {
    var unused =
        watch.schedule(
            () -> keeper.watch().execute(() -> mend(keeper)),
            pause.toMillis(),
            TimeUnit.MILLISECONDS);
  }

  private void mend(Owner keeper) {
    if (done) {
      return;
    }
    if (daemon != null) {
      plugAgain(keeper);
      return;
    }
    // Starting blocks, which the watch must not.
    Thread starter = new Thread(() -> start(keeper), "vsock-again-" + vsock.cid());
    starter.setDaemon(true);
    starter.start();
  }

  private void start(Owner keeper) {
    try {
      VsockDaemon next = VsockDaemon.start(vsock, directory);
      keeper
          .watch()
          .execute(
              () -> {
                if (done) {
                  next.process().kill();
                  return;
                }
                daemon = next;
                follow(keeper, next);
                plugAgain(keeper);
              });
    } catch (HypervisorException e) {
      LOG.log(
          System.Logger.Level.WARNING, "A VM's vsock device is tried again: {0}", e.getMessage());
      later(LONG_PAUSE, keeper);
    }
  }

  private void plugAgain(Owner keeper) {
    Qmp monitor = keeper.monitor();
    if (done || monitor == null) {
      return;
    }
    VsockDaemon with = daemon;
    CompletableFuture<@Nullable Void> gone = new CompletableFuture<>();
    unplugged = gone;
    monitor
        .execute("device_del", JsonObject.builder().put("id", Vsock.DEVICE).build())
        .thenApply(reply -> true)
        // Where there is none, an earlier attempt came that far.
        .exceptionally(absent -> false)
        .thenCompose(was -> was ? gone.orTimeout(UNPLUG.toSeconds(), TimeUnit.SECONDS) : NOTHING)
        .thenCompose(
            unused ->
                monitor
                    .execute("chardev-remove", JsonObject.builder().put("id", Vsock.LINK).build())
                    .exceptionally(absent -> JsonObject.empty()))
        .thenCompose(unused -> monitor.execute("chardev-add", link()))
        .thenCompose(unused -> monitor.execute("device_add", device()))
        .whenCompleteAsync(
            (reply, failure) -> {
              if (done || !Objects.equals(daemon, with)) {
                return; // Its end, or its next death, goes its own way.
              }
              if (failure == null) {
                lost = false;
                keeper.notice("vsock-restored", "The VM's vsock device works again.");
              } else {
                LOG.log(
                    System.Logger.Level.WARNING,
                    "A VM's vsock device is plugged in again later: {0}",
                    failure.getMessage());
                later(LONG_PAUSE, keeper);
              }
            },
            keeper.watch())
        .exceptionally(refused -> null);
  }

  private JsonObject link() {
    return JsonObject.builder()
        .put("id", Vsock.LINK)
        .put(
            "backend",
            JsonObject.builder()
                .put("type", "socket")
                .put(
                    "data",
                    JsonObject.builder()
                        .put(
                            "addr",
                            JsonObject.builder()
                                .put("type", "unix")
                                .put(
                                    "data",
                                    JsonObject.builder()
                                        .put("path", directory.file(Vsock.SOCKET).toString())
                                        .build())
                                .build())
                        .put("server", false)
                        .build())
                .build())
        .build();
  }

  private static JsonObject device() {
    return JsonObject.builder()
        .put("driver", Vsock.USER)
        .put("id", Vsock.DEVICE)
        .put("chardev", Vsock.LINK)
        .put("bus", Vsock.PORT)
        .build();
  }
}
