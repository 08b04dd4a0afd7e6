// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.manager;

import static dev.fairlead.manager.ManagerException.Category.BROKEN;
import static dev.fairlead.manager.ManagerException.Category.RETRY;
import static java.lang.System.Logger.Level.INFO;

import dev.fairlead.hypervisor.api.Hypervisor;
import dev.fairlead.hypervisor.api.HypervisorException;
import dev.fairlead.hypervisor.api.Vm;
import dev.fairlead.hypervisor.api.VmEnd;
import dev.fairlead.hypervisor.api.VmSpec;
import dev.fairlead.protocol.Registration;
import dev.fairlead.protocol.json.ProtocolException;
import dev.fairlead.transport.api.TransportException;
import java.io.IOException;
import java.time.InstantSource;
import java.util.OptionalInt;

/**
 * Starts VMs that have been entered, on ports that nobody has. Safe for use by several threads, for
 * a VM each; holds no lock while a hypervisor is asked.
 */
final class VmLauncher {

  private static final System.Logger LOG = System.getLogger(VmLauncher.class.getName());
  private static final int ATTEMPTS = 20;

  private final ManagerSettings settings;
  private final Hypervisor hypervisor;
  private final GuestAccess guests;
  private final VmComposer composer;
  private final PortLeases leases;
  private final RunDirectories directories;
  private final VmWatch watch;
  private final InstantSource clock;

  VmLauncher(
      ManagerSettings settings,
      Hypervisor hypervisor,
      GuestAccess guests,
      VmComposer composer,
      PortLeases leases,
      RunDirectories directories,
      VmWatch watch,
      InstantSource clock) {
    this.settings = settings;
    this.hypervisor = hypervisor;
    this.guests = guests;
    this.composer = composer;
    this.leases = leases;
    this.directories = directories;
    this.watch = watch;
    this.clock = clock;
  }

  /**
   * Starts one. Blocks until it runs, not until its agent does. Where that fails, its end is noted.
   *
   * @throws ManagerException that says what is in the way
   */
  VmView launch(ManagedVm vm, Registration registration) {
    watch.starting(vm);
    try {
      Vm running = startOnFreePorts(vm, guests.admit(registration));
      vm.started(running);
      watch.running(vm, running);
      VmView view = vm.view(settings.hostIp());
      LOG.log(
          INFO,
          "The VM of {0} runs: pid {1}, {2}, agent at {3}",
          vm.computation(),
          Long.toString(running.pid()),
          running.accelerator(),
          view.agentAddress());
      return view;
    } catch (RuntimeException e) {
      ManagerException refusal = explain(e);
      watch.ended(
          vm,
          new VmEnd(
              VmEnd.Kind.NEVER_BOOTED,
              "not-started: " + refusal.code(),
              OptionalInt.empty(),
              clock.instant()));
      throw refusal;
    }
  }

  private Vm startOnFreePorts(ManagedVm vm, Registration registration) {
    for (int attempt = 1; ; attempt++) {
      HostPorts ports = leases.lease();
      try {
        directories.write(vm.directory(), vm.ports(ports));
        VmSpec spec = composer.compose(registration, vm.directory(), ports);
        return hypervisor.start(spec, watch.of(vm));
      } catch (HypervisorException e) {
        boolean taken =
            e.category() == HypervisorException.Category.RETRY && e.code().equals("port-taken");
        vm.ports(null);
        if (!taken) {
          leases.release(ports);
          throw e;
        }
        leases.releaseSpoilt(ports);
        if (attempt == ATTEMPTS) {
          throw e;
        }
        LOG.log(INFO, "A port of {0} was taken meanwhile; others are tried.", vm.computation());
        clearForRetry(vm);
      } catch (RuntimeException e) {
        vm.ports(null);
        leases.release(ports);
        throw e;
      }
    }
  }

  private void clearForRetry(ManagedVm vm) {
    try {
      directories.clear(vm.directory(), false);
    } catch (IOException e) {
      throw new ManagerException(
          BROKEN,
          "runs-unusable",
          "The run directory %s cannot be used again: %s.".formatted(vm.directory(), e),
          e);
    }
  }

  private static ManagerException explain(RuntimeException e) {
    if (e instanceof ManagerException known) {
      return known;
    }
    if (e instanceof HypervisorException refusal) {
      ManagerException.Category category =
          switch (refusal.category()) {
            case RETRY -> RETRY;
            // What is asked of the hypervisor is composed here: the client cannot mend it.
            case REFUSED, BROKEN -> BROKEN;
          };
      return new ManagerException(category, refusal.code(), message(e), e);
    }
    if (e instanceof TransportException refusal) {
      return new ManagerException(
          refusal.category() == TransportException.Category.RETRY ? RETRY : BROKEN,
          refusal.code(),
          message(e),
          e);
    }
    if (e instanceof ProtocolException refusal) {
      return new ManagerException(BROKEN, refusal.code(), message(e), e);
    }
    return new ManagerException(
        BROKEN, "internal", "The VM could not be started; the log says why.", e);
  }

  private static String message(RuntimeException e) {
    return String.valueOf(e.getMessage());
  }
}
