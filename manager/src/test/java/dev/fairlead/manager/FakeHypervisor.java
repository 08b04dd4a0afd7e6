// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.manager;

import dev.fairlead.hypervisor.api.Hypervisor;
import dev.fairlead.hypervisor.api.HypervisorException;
import dev.fairlead.hypervisor.api.Vm;
import dev.fairlead.hypervisor.api.VmChannel;
import dev.fairlead.hypervisor.api.VmEnd;
import dev.fairlead.hypervisor.api.VmListener;
import dev.fairlead.hypervisor.api.VmSpec;
import dev.fairlead.hypervisor.host.GuestSocket;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.ServerSocket;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import org.jspecify.annotations.Nullable;

/** VMs that are nothing but the ports they listen at. They outlive a manager, as real ones do. */
final class FakeHypervisor implements Hypervisor {

  final List<VmSpec> started = new CopyOnWriteArrayList<>();
  final Map<Path, FakeVm> running = new ConcurrentHashMap<>();
  private final AtomicLong pids = new AtomicLong(1000);
  final AtomicInteger busy = new AtomicInteger();
  volatile @Nullable HypervisorException refusal;
  volatile @Nullable VmEnd endAtOnce;
  volatile @Nullable VmChannel channel;
  volatile Runnable onStart = () -> {};
  final AtomicInteger strangersTake = new AtomicInteger();

  @Override
  public String name() {
    return "fake";
  }

  @Override
  public URI reach(URI endpoint, Path runDirectory) {
    String host = GuestSocket.internet(endpoint).getHostString();
    return host.equals("localhost") || host.equals("127.0.0.1")
        ? GuestSocket.withHost(endpoint, "broker.fairlead")
        : endpoint;
  }

  @Override
  public Vm start(VmSpec spec, VmListener listener) {
    HypervisorException refuse = refusal;
    if (refuse != null) {
      throw refuse;
    }
    if (strangersTake.getAndUpdate(n -> Math.max(0, n - 1)) > 0) {
      throw new HypervisorException(HypervisorException.Category.RETRY, "port-taken", "Taken.");
    }
    VmChannel opened = channel;
    if (opened != null) {
      listener.opening(opened);
    }
    onStart.run();
    FakeVm vm = new FakeVm(spec, listener);
    vm.listen();
    started.add(spec);
    running.put(spec.runDirectory(), vm);
    try {
      Files.writeString(spec.runDirectory().resolve("console.log"), "boot\n");
      Files.writeString(spec.runDirectory().resolve("qmp.sock"), "");
      Files.createDirectory(spec.runDirectory().resolve("work"));
      Files.writeString(spec.runDirectory().resolve("work").resolve("file"), "");
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    VmEnd end = endAtOnce;
    if (end != null) {
      vm.finish(end);
    }
    return vm;
  }

  @Override
  public Optional<Vm> adopt(Path runDirectory, VmListener listener) {
    if (Files.exists(runDirectory.resolve("unreadable"))) {
      throw new HypervisorException(HypervisorException.Category.BROKEN, "run-directory", "No.");
    }
    if (busy.getAndUpdate(n -> Math.max(0, n - 1)) > 0) {
      throw new HypervisorException(HypervisorException.Category.RETRY, "monitor-busy", "Busy.");
    }
    FakeVm vm = running.get(runDirectory);
    if (vm != null) {
      vm.listener = listener;
    }
    return Optional.ofNullable(vm);
  }

  FakeVm vm(String computation) {
    return running.values().stream()
        .filter(vm -> vm.computation().equals(computation))
        .findFirst()
        .orElseThrow();
  }

  void killAll() {
    running.values().forEach(vm -> vm.kill("test-over"));
  }

  final class FakeVm implements Vm {

    private final VmSpec spec;
    private final long pid = pids.incrementAndGet();
    private final CompletableFuture<VmEnd> ended = new CompletableFuture<>();
    private final List<ServerSocket> sockets = new ArrayList<>();
    private volatile @Nullable VmListener listener;
    volatile @Nullable Duration grace;
    volatile boolean stubborn;

    FakeVm(VmSpec spec, VmListener listener) {
      this.spec = spec;
      this.listener = listener;
    }

    private void listen() {
      for (VmSpec.Forward forward : spec.forwards()) {
        try {
          ServerSocket socket = new ServerSocket();
          sockets.add(socket);
          socket.setReuseAddress(true);
          socket.bind(forward.host());
        } catch (IOException e) {
          close();
          throw new HypervisorException(
              HypervisorException.Category.RETRY, "port-taken", forward + " is taken.", e);
        }
      }
    }

    private void close() {
      for (ServerSocket socket : sockets) {
        try {
          socket.close();
        } catch (IOException e) {
          throw new UncheckedIOException(e);
        }
      }
    }

    void kill(String reason) {
      finish(new VmEnd(VmEnd.Kind.KILLED, reason, OptionalInt.of(137), Instant.now()));
    }

    void finish(VmEnd end) {
      running.remove(spec.runDirectory());
      close();
      if (ended.complete(end)) {
        VmListener told = listener;
        if (told != null) {
          told.ended(this, end);
        }
      }
    }

    @Override
    public String computation() {
      return spec.computation();
    }

    @Override
    public Path runDirectory() {
      return spec.runDirectory();
    }

    @Override
    public long pid() {
      return pid;
    }

    @Override
    public String accelerator() {
      return "fake";
    }

    @Override
    public Optional<VmChannel> channel() {
      return Optional.ofNullable(channel);
    }

    @Override
    public boolean isRunning() {
      return !ended.isDone();
    }

    @Override
    public CompletionStage<VmEnd> end(Duration within) {
      grace = within;
      if (!stubborn) {
        finish(new VmEnd(VmEnd.Kind.STOPPED, "host-qmp-quit", OptionalInt.of(0), Instant.now()));
      }
      return ended;
    }

    @Override
    public CompletionStage<VmEnd> ended() {
      return ended;
    }

    @Override
    public void release() {
      listener = null;
    }
  }
}
