// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.hypervisor.process;

import dev.fairlead.hypervisor.api.Hypervisor;
import dev.fairlead.hypervisor.api.HypervisorException;
import dev.fairlead.hypervisor.api.HypervisorException.Category;
import dev.fairlead.hypervisor.api.Vm;
import dev.fairlead.hypervisor.api.VmChannel;
import dev.fairlead.hypervisor.api.VmListener;
import dev.fairlead.hypervisor.api.VmSpec;
import dev.fairlead.hypervisor.host.ConsoleFile;
import dev.fairlead.hypervisor.host.GuestSocket;
import dev.fairlead.hypervisor.host.HostProcess;
import dev.fairlead.hypervisor.host.RunDirectory;
import dev.fairlead.protocol.json.ProtocolException;
import java.io.IOException;
import java.net.ServerSocket;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.time.InstantSource;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;

/**
 * Starts agents as plain processes of this host, and finds them again. The processors, the memory
 * and the closed network of a spec mean nothing here. Safe for use by several threads.
 */
public final class ProcessHypervisor implements Hypervisor, AutoCloseable {

  /** The name under which deployments choose it. */
  public static final String NAME = VmFile.HYPERVISOR;

  private static final String DEVICE = "unix-socket";
  private static final System.Logger LOG = System.getLogger(ProcessHypervisor.class.getName());

  private final ProcessSettings settings;
  private final InstantSource clock;
  private final Set<ProcessVm> vms = ConcurrentHashMap.newKeySet();
  private final ScheduledExecutorService watch =
      Executors.newSingleThreadScheduledExecutor(
          task -> {
            Thread thread = new Thread(task, "hypervisor-process");
            thread.setDaemon(true);
            return thread;
          });

  /** Makes one. */
  public ProcessHypervisor(ProcessSettings settings, InstantSource clock) {
    this.settings = settings;
    this.clock = clock;
  }

  @Override
  public String name() {
    return NAME;
  }

  /**
   * The agent sees this host as this host does; what a guest sends to its host ends in a socket.
   */
  @Override
  public URI reach(URI endpoint, Path runDirectory) {
    return GuestSocket.reaches(endpoint)
        ? GuestSocket.arrival(GuestSocket.of(runDirectory), endpoint)
        : endpoint;
  }

  @Override
  public Vm start(VmSpec spec, VmListener listener) {
    RunDirectory directory = RunDirectory.of(spec.runDirectory());
    if (Files.exists(directory.file(VmFile.NAME))) {
      throw new HypervisorException(
          Category.REFUSED,
          "run-directory",
          "%s holds the %s of another VM; give each VM a directory of its own."
              .formatted(directory.path(), VmFile.NAME));
    }
    checkPorts(spec);
    List<String> command = settings.command(spec, directory.path());
    Optional<VmChannel> channel =
        GuestSocket.isWanted(spec.endpoints())
            ? Optional.of(channel(directory.path()))
            : Optional.empty();
    boolean started = false;
    try {
      AgentFiles.write(spec, directory);
      channel.ifPresent(listener::opening);
      Instant now = clock.instant();
      HostProcess process =
          HostProcess.start(
              command,
              AgentFiles.environment(spec, directory, settings.environment()),
              directory.path(),
              directory.file(ConsoleFile.NAME));
      try {
        VmFile file =
            new VmFile(
                spec.computation(),
                now,
                now.plus(spec.bootDeadline()),
                command,
                channel.isPresent(),
                process.identity());
        file.write(directory);
        LOG.log(
            System.Logger.Level.INFO,
            () ->
                "%s # computation_id=%s pid=%d"
                    .formatted(
                        String.join(" ", command), spec.computation(), process.identity().pid()));
        Vm vm = watch(new ProcessVm(watch, clock, directory, file, process, listener));
        started = true;
        return vm;
      } finally {
        if (!started) {
          process.killSession();
        }
      }
    } catch (IOException e) {
      throw new HypervisorException(
          Category.BROKEN,
          "process-failed",
          "The agent of %s cannot be started in %s: %s"
              .formatted(spec.computation(), directory.path(), e.getMessage()),
          e);
    } finally {
      if (!started) {
        clear(directory);
      }
    }
  }

  @Override
  public Optional<Vm> adopt(Path runDirectory, VmListener listener) {
    RunDirectory directory = RunDirectory.of(runDirectory);
    try {
      Optional<VmFile> file = VmFile.read(directory.file(VmFile.NAME));
      if (file.isEmpty()) {
        return Optional.empty();
      }
      Optional<HostProcess> process = HostProcess.adopt(file.get().process(), watch);
      if (process.isEmpty()) {
        AgentFiles.removeSecrets(directory);
      }
      return process.map(
          found -> watch(new ProcessVm(watch, clock, directory, file.get(), found, listener)));
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
          "%s in %s is damaged, so its process cannot be told apart from others: %s"
              .formatted(VmFile.NAME, runDirectory, e.getMessage()),
          e);
    }
  }

  /** Lets go of all agents, which go on. */
  @Override
  public void close() {
    vms.forEach(ProcessVm::release);
    watch.shutdown();
  }

  private Vm watch(ProcessVm vm) {
    vms.add(vm);
    var unused = vm.ended().thenAccept(end -> vms.remove(vm));
    vm.follow();
    return vm;
  }

  static VmChannel channel(Path runDirectory) {
    return new VmChannel(GuestSocket.peer(GuestSocket.of(runDirectory)), DEVICE);
  }

  /** Says early, and in the contract's words, what the agent would only say by dying. */
  private static void checkPorts(VmSpec spec) {
    for (VmSpec.Forward forward : spec.forwards()) {
      try (ServerSocket socket = new ServerSocket()) {
        socket.setReuseAddress(true);
        socket.bind(forward.host(), 1);
      } catch (IOException e) {
        throw new HypervisorException(
            Category.RETRY,
            "port-taken",
            "The host port %s is in use; start the agent with others.".formatted(forward.host()),
            e);
      }
    }
  }

  private static void clear(RunDirectory directory) {
    try {
      directory.remove(VmFile.NAME);
      AgentFiles.removeSecrets(directory);
    } catch (IOException e) {
      LOG.log(System.Logger.Level.WARNING, "Files of an agent that did not start stay behind", e);
    }
  }
}
