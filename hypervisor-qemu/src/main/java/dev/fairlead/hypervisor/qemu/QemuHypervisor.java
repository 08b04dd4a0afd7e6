// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.hypervisor.qemu;

import static java.nio.charset.StandardCharsets.UTF_8;

import dev.fairlead.hypervisor.api.Hypervisor;
import dev.fairlead.hypervisor.api.HypervisorException;
import dev.fairlead.hypervisor.api.HypervisorException.Category;
import dev.fairlead.hypervisor.api.Vm;
import dev.fairlead.hypervisor.api.VmListener;
import dev.fairlead.hypervisor.api.VmSpec;
import dev.fairlead.hypervisor.api.VmSpec.SecretChannel;
import dev.fairlead.hypervisor.host.GuestSocket;
import dev.fairlead.hypervisor.host.HostProcess;
import dev.fairlead.hypervisor.host.ProcessIdentity;
import dev.fairlead.hypervisor.host.RunDirectory;
import dev.fairlead.protocol.json.JsonObject;
import dev.fairlead.protocol.json.JsonValue;
import dev.fairlead.protocol.json.ProtocolException;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/** Starts VMs by QEMU and finds them again. Safe for use by several threads. */
public final class QemuHypervisor implements Hypervisor, AutoCloseable {

  /** The name under which deployments choose it. */
  public static final String NAME = VmFile.HYPERVISOR;

  private static final int CID_ATTEMPTS = 20;

  private static final String VSOCK_HINT =
      "Debian has it from version 13 on, as apt-get install -y vhost-device-vsock; on older ones"
          + " './fairlead doctor --fetch' fetches it. Or set 'vsock.daemon'";

  private static final Duration MONITOR = Duration.ofSeconds(5);
  private static final System.Logger LOG = System.getLogger(QemuHypervisor.class.getName());

  private final QemuSettings settings;
  private final Path root;
  private final Accelerators accelerators;
  private final InstantSource clock;
  private final Supplier<UUID> uuids;
  private final CidLeases cids;
  private final Set<QemuVm> vms = ConcurrentHashMap.newKeySet();
  private final ScheduledExecutorService watch =
      Executors.newSingleThreadScheduledExecutor(
          task -> {
            Thread thread = new Thread(task, "hypervisor-qemu");
            thread.setDaemon(true);
            return thread;
          });

  /**
   * Makes one.
   *
   * @param uuids a new one for each VM
   */
  public QemuHypervisor(QemuSettings settings, InstantSource clock, Supplier<UUID> uuids) {
    this(settings, Path.of("/"), clock, uuids);
  }

  /**
   * Makes one.
   *
   * @param root of the file system in which this host's devices are looked for
   */
  QemuHypervisor(QemuSettings settings, Path root, InstantSource clock, Supplier<UUID> uuids) {
    this.settings = settings;
    this.root = root;
    this.accelerators = new Accelerators(root, settings.state(), settings.accelerator());
    this.clock = clock;
    this.uuids = uuids;
    this.cids = new CidLeases(settings.state());
  }

  @Override
  public String name() {
    return NAME;
  }

  @Override
  public URI reach(URI endpoint, Path runDirectory) {
    if (GuestSocket.reaches(endpoint)) {
      var unused = GuestSocket.arrival(GuestSocket.of(runDirectory), endpoint);
      return endpoint;
    }
    return GuestSocket.withHost(
        endpoint, GuestNetwork.reach(GuestSocket.internet(endpoint).getHostString()));
  }

  @Override
  public Vm start(VmSpec spec, VmListener listener) {
    RunDirectory directory = RunDirectory.of(spec.runDirectory());
    checkFree(directory);
    settings.image().check();
    for (int attempt = 1; ; attempt++) {
      try {
        return attempt(spec, directory, listener);
      } catch (HypervisorException e) {
        // Another user of this host has the number; the next attempt takes the next.
        if (!Launch.isForTakenCid(e) || attempt == CID_ATTEMPTS) {
          throw e;
        }
        LOG.log(System.Logger.Level.INFO, "Another vsock number is tried: {0}", e.getMessage());
      }
    }
  }

  private Vm attempt(VmSpec spec, RunDirectory directory, VmListener listener) {
    Accelerator accelerator = accelerators.choose(settings.kernel());
    Optional<Vsock> vsock =
        GuestSocket.isWanted(spec.endpoints()) ? Optional.of(vsock(directory)) : Optional.empty();
    VsockDaemon daemon = null;
    boolean started = false;
    try {
      QemuCommand command = compose(spec, directory, accelerator, vsock);
      vsock.ifPresent(device -> listener.opening(device.channel(directory.path())));
      daemon =
          vsock.filter(Vsock::isUser).isPresent()
              ? VsockDaemon.start(vsock.get(), directory)
              : null;
      bringCredential(spec, directory);
      Instant now = clock.instant();
      VmFile file =
          new VmFile(
              spec.computation(),
              command.uuid(),
              accelerator,
              now,
              now.plus(spec.bootDeadline()),
              command.arguments(),
              vsock,
              Optional.empty());
      QemuVm vm =
          new QemuVm(
              watch,
              accelerators,
              clock,
              directory,
              file,
              listener,
              keeper(directory, vsock, daemon));
      vm.runs(launch(directory, file, vm));
      started = true;
      return keep(vm);
    } catch (IOException e) {
      throw new HypervisorException(
          Category.BROKEN,
          "run-directory",
          "The VM's files cannot be written to %s: %s".formatted(directory.path(), e.getMessage()),
          e);
    } finally {
      if (!started) {
        keeper(directory, vsock, daemon).ifPresent(VsockKeeper::end);
        clear(directory);
      }
    }
  }

  @Override
  public Optional<Vm> adopt(Path runDirectory, VmListener listener) {
    RunDirectory directory = RunDirectory.of(runDirectory);
    try {
      Optional<VmFile> found = read(directory);
      if (found.isEmpty()) {
        return Optional.empty();
      }
      Optional<VmFile> running = withProcess(directory, found.get());
      if (running.isEmpty()) {
        keeper(directory, found.get().vsock(), daemon(found.get())).ifPresent(VsockKeeper::end);
        directory.remove(QemuCommand.PID, QemuCommand.QMP, QemuVm.INITRD, QemuVm.CREDENTIAL);
        return Optional.empty();
      }
      return adopt(directory, running.get(), listener);
    } catch (IOException e) {
      throw new HypervisorException(
          Category.BROKEN,
          "run-directory",
          "%s cannot be read: %s".formatted(runDirectory, e.getMessage()),
          e);
    } catch (ProtocolException e) {
      throw new HypervisorException(
          Category.BROKEN,
          "vm-file-damaged",
          "%s in %s is damaged, so its VM cannot be told apart from others: %s"
              .formatted(VmFile.NAME, runDirectory, e.getMessage()),
          e);
    }
  }

  /** Reads the VM's file; one that is damaged is written anew where the VM itself tells it. */
  private Optional<VmFile> read(RunDirectory directory) throws IOException {
    try {
      return VmFile.read(directory.file(VmFile.NAME));
    } catch (ProtocolException e) {
      VmFile told = ToldAgain.of(directory, clock.instant()).orElseThrow(() -> e);
      LOG.log(
          System.Logger.Level.WARNING,
          "{0} in {1} is damaged; it is told again by the VM, which runs: {2}",
          VmFile.NAME,
          directory.path(),
          e.getMessage());
      told.write(directory);
      return Optional.of(told);
    }
  }

  /** Lets go of all VMs, which go on. */
  @Override
  public void close() {
    vms.forEach(QemuVm::release);
    watch.shutdown();
  }

  /** Remembers a VM for as long as it is watched. */
  private Vm keep(QemuVm vm) {
    vms.add(vm);
    var unused = vm.ended().thenAccept(end -> vms.remove(vm));
    return vm;
  }

  private Launch launch(RunDirectory directory, VmFile file, QemuVm vm) throws IOException {
    try {
      return Launch.run(directory, file, vm.ear());
    } catch (HypervisorException e) {
      if (file.accelerator() != Accelerator.KVM
          || !accelerators.mayFallBack()
          || !Launch.isForLackOfKvm(e)) {
        throw e;
      }
      LOG.log(
          System.Logger.Level.WARNING, "KVM does not start here; TCG is used: " + e.getMessage());
      accelerators.unfit(settings.kernel(), String.valueOf(e.getMessage()));
      return Launch.run(
          directory, file.with(Accelerator.TCG, file.startedAt(), file.bootBy()), vm.ear());
    }
  }

  private Vsock vsock(RunDirectory directory) {
    int cid = cids.lease(directory.path());
    if (Vsock.isInKernel(root)) {
      return Vsock.kernel(cid);
    }
    boolean found = false;
    try {
      Path program = Programs.find(settings.vsockDaemon(), VSOCK_HINT);
      found = true;
      return Vsock.user(cid, program, directory.path());
    } finally {
      if (!found) {
        cids.release(directory.path());
      }
    }
  }

  private Optional<VsockKeeper> keeper(
      RunDirectory directory, Optional<Vsock> vsock, @Nullable VsockDaemon daemon) {
    return vsock.map(device -> new VsockKeeper(watch, directory, device, cids, daemon));
  }

  private @Nullable VsockDaemon daemon(VmFile file) {
    return file.vsock()
        .filter(Vsock::isUser)
        .flatMap(vsock -> VsockDaemon.find(vsock, watch))
        .orElse(null);
  }

  private QemuCommand compose(
      VmSpec spec, RunDirectory directory, Accelerator accelerator, Optional<Vsock> vsock) {
    List<InetSocketAddress> endpoints =
        spec.endpoints().stream()
            .filter(endpoint -> !GuestSocket.reaches(endpoint))
            .map(GuestSocket::internet)
            .toList();
    GuestNetwork network =
        new GuestNetwork(spec.forwards(), endpoints, relay(!endpoints.isEmpty()));
    boolean inCommandLine = spec.channel() == SecretChannel.CMDLINE;
    if (inCommandLine) {
      LOG.log(
          System.Logger.Level.WARNING,
          "The credential of {0} goes on the kernel command line: every user of this host, and"
              + " every process in the guest, can read it. The channel initrd hides it.",
          spec.computation());
    }
    return new QemuCommand(
        Programs.find(
            settings.qemu(), "apt-get install -y --no-install-recommends qemu-system-x86"),
        spec.computation(),
        uuids.get(),
        accelerator,
        spec.cpus(),
        spec.memoryMib(),
        settings.kernel().toAbsolutePath(),
        spec.channel() == SecretChannel.INITRD
            ? directory.file(QemuVm.INITRD)
            : settings.initramfs().toAbsolutePath(),
        KernelCommandLine.compose(
            spec.facts(),
            network.hosts(),
            inCommandLine ? Optional.of(credential(spec)) : Optional.empty()),
        network,
        vsock,
        spec.channel() == SecretChannel.FW_CFG
            ? Optional.of(directory.file(QemuVm.CREDENTIAL))
            : Optional.empty(),
        directory.path());
  }

  private List<String> relay(boolean needed) {
    List<String> relay = new ArrayList<>(settings.relay());
    if (needed) {
      String hint = "apt-get install -y busybox-static, or set 'relay'";
      relay.set(0, Programs.find(relay.get(0), hint).toString());
    }
    return relay;
  }

  private void bringCredential(VmSpec spec, RunDirectory directory) throws IOException {
    switch (spec.channel()) {
      case INITRD ->
          settings
              .image()
              .join(CredentialOverlay.of(credential(spec)), directory.create(QemuVm.INITRD));
      case FW_CFG -> directory.write(QemuVm.CREDENTIAL, credential(spec));
      case CMDLINE -> {}
    }
  }

  private Optional<Vm> adopt(RunDirectory directory, VmFile file, VmListener listener)
      throws IOException {
    QemuVm vm =
        new QemuVm(
            watch,
            accelerators,
            clock,
            directory,
            file,
            listener,
            keeper(directory, file.vsock(), daemon(file)));
    Optional<HostProcess> process =
        file.process().flatMap(identity -> HostProcess.adopt(identity, watch));
    if (process.isEmpty()) {
      return Optional.empty();
    }
    Qmp qmp;
    try {
      qmp = Qmp.open(directory.file(QemuCommand.QMP), MONITOR, vm.ear());
    } catch (IOException e) {
      process.get().release();
      if (!process.get().identity().isAlive()) {
        return Optional.empty();
      }
      throw new HypervisorException(
          Category.RETRY,
          "monitor-busy",
          "The VM of %s runs, but its monitor does not answer: another manager may hold it."
              .formatted(directory.path()),
          e);
    }
    if (!answersTo(qmp, file)) {
      process.get().release();
      qmp.close();
      return Optional.empty();
    }
    vm.runs(new Launch(file, process.get(), qmp));
    return Optional.of(keep(vm));
  }

  /**
   * The file with its VM's process: the one written there, or, where the writer died in between,
   * the one that QEMU wrote. In both cases it must have been started by this very command, which
   * holds a UUID that no other has.
   */
  private static Optional<VmFile> withProcess(RunDirectory directory, VmFile file)
      throws IOException {
    Optional<ProcessIdentity> identity =
        file.process().isPresent()
            ? file.process().filter(ProcessIdentity::isAlive)
            : pidFile(directory).flatMap(ProcessIdentity::of);
    if (identity.isEmpty() || !identity.get().runs(file.command())) {
      return Optional.empty();
    }
    VmFile known = file.with(identity.get());
    if (file.process().isEmpty()) {
      known.write(directory);
    }
    return Optional.of(known);
  }

  private static Optional<Long> pidFile(RunDirectory directory) throws IOException {
    try {
      return Optional.of(Long.valueOf(Files.readString(directory.file(QemuCommand.PID)).strip()));
    } catch (NoSuchFileException | NumberFormatException e) {
      return Optional.empty();
    }
  }

  private static boolean answersTo(Qmp qmp, VmFile file) {
    try {
      return field(qmp.call("query-name", MONITOR), "name").equals(file.computation())
          && field(qmp.call("query-uuid", MONITOR), "UUID").equals(file.uuid().toString());
    } catch (IOException | ProtocolException e) {
      return false;
    }
  }

  private static String field(JsonValue reply, String name) {
    return reply instanceof JsonObject object ? object.optionalString(name).orElse("") : "";
  }

  private static void checkFree(RunDirectory directory) {
    if (Files.exists(directory.file(VmFile.NAME))) {
      throw new HypervisorException(
          Category.REFUSED,
          "run-directory",
          "%s holds the %s of another VM; give each VM a directory of its own."
              .formatted(directory.path(), VmFile.NAME));
    }
    int length = directory.file(QemuCommand.QMP).toString().getBytes(UTF_8).length;
    if (length > GuestSocket.MAX_PATH) {
      throw new HypervisorException(
          Category.REFUSED,
          "run-directory",
          "%s is too long a path: with /%s it has %d bytes, and a socket's has %d at most."
              .formatted(directory.path(), QemuCommand.QMP, length, GuestSocket.MAX_PATH));
    }
  }

  private static void clear(RunDirectory directory) {
    try {
      directory.remove(
          VmFile.NAME, QemuCommand.PID, QemuCommand.QMP, QemuVm.INITRD, QemuVm.CREDENTIAL);
    } catch (IOException e) {
      LOG.log(System.Logger.Level.WARNING, "Files of a VM that did not start stay behind", e);
    }
  }

  private static byte[] credential(VmSpec spec) {
    return spec.credential().getBytes(UTF_8);
  }
}
