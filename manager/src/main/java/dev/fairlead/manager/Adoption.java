// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.manager;

import static dev.fairlead.manager.ManagerException.Category.BROKEN;
import static java.lang.System.Logger.Level.INFO;
import static java.lang.System.Logger.Level.WARNING;

import dev.fairlead.hypervisor.api.Hypervisor;
import dev.fairlead.hypervisor.api.HypervisorException;
import dev.fairlead.hypervisor.api.Vm;
import dev.fairlead.hypervisor.api.VmEnd;
import dev.fairlead.protocol.Addresses;
import dev.fairlead.protocol.json.ProtocolException;
import java.nio.file.Path;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;

/**
 * Finds the VMs of an earlier manager again: those that run on are entered, those that ended unseen
 * are noted, and what is not of this manager is left alone.
 *
 * <p>Run directories are looked at by eight threads {@code fl-manager-adopt}, each by one of them;
 * a VM that does not answer at once is looked at again by {@code fl-manager}, every second for a
 * minute. Holds no lock.
 */
final class Adoption {

  private static final System.Logger LOG = System.getLogger(Adoption.class.getName());
  private static final int ATTEMPTS = 60;

  private final ManagerSettings settings;
  private final String instance;
  private final RunDirectories directories;
  private final Hypervisor hypervisor;
  private final VmTable vms;
  private final PortLeases leases;
  private final Admissions admissions;
  private final GuestAccess guests;
  private final VmWatch watch;
  private final ScheduledExecutorService tasks;
  private final InstantSource clock;

  /**
   * Makes one.
   *
   * @param tasks where VMs are looked at again
   */
  Adoption(
      ManagerSettings settings,
      String instance,
      RunDirectories directories,
      Hypervisor hypervisor,
      VmTable vms,
      PortLeases leases,
      Admissions admissions,
      GuestAccess guests,
      VmWatch watch,
      ScheduledExecutorService tasks,
      InstantSource clock) {
    this.settings = settings;
    this.instance = instance;
    this.directories = directories;
    this.hypervisor = hypervisor;
    this.vms = vms;
    this.leases = leases;
    this.admissions = admissions;
    this.guests = guests;
    this.watch = watch;
    this.tasks = tasks;
    this.clock = clock;
  }

  /**
   * Looks at all run directories. Blocks until each was looked at once.
   *
   * @throws ManagerException {@code BROKEN}, code {@code adoption}
   */
  void adoptAll() {
    List<Callable<Void>> adoptions = new ArrayList<>();
    for (Path directory : directories.list()) {
      adoptions.add(
          () -> {
            adopt(directory);
            return null;
          });
    }
    ExecutorService finders = Executors.newFixedThreadPool(8, Threads.daemon("fl-manager-adopt"));
    try {
      for (var adoption : finders.invokeAll(adoptions)) {
        adoption.get();
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    } catch (ExecutionException e) {
      throw new ManagerException(
          BROKEN, "adoption", "The VMs of before could not be looked at: " + e.getMessage(), e);
    } finally {
      finders.shutdownNow();
    }
  }

  private void adopt(Path directory) {
    String name = String.valueOf(directory.getFileName());
    Optional<Lease> lease;
    try {
      lease = directories.read(directory);
    } catch (ProtocolException e) {
      LOG.log(WARNING, "The lease in {0} is damaged: {1}", directory, e.getMessage());
      lease = Optional.empty();
    }
    boolean own =
        lease.isEmpty()
            || (lease.get().computation().equals(name)
                && lease.get().fleet().equals(settings.fleet())
                && lease.get().instance().equals(instance));
    if (!Addresses.isId(name) || !own) {
      LOG.log(WARNING, "{0} is not of this manager; it is left alone.", directory);
      return;
    }
    ManagedVm vm =
        new ManagedVm(directory, lease.orElseGet(() -> unknownLease(name)), lease.isPresent());
    if (vm.state() == VmState.ENDED) {
      vms.put(vm);
      return;
    }
    HostPorts ports = vm.lease().ports();
    if (ports != null) {
      leases.adopt(ports);
    }
    find(vm, lease.isPresent(), 1);
  }

  /** Asks the hypervisor whether a VM of before still runs. */
  private void find(ManagedVm vm, boolean leased, int attempt) {
    Path directory = vm.directory();
    try {
      Optional<Vm> running = hypervisor.adopt(directory, watch.of(vm));
      if (running.isPresent()) {
        vms.put(vm);
        running
            .get()
            .channel()
            .ifPresent(channel -> admissions.adopt(vm.computation(), channel.peer()));
        guests.adopt(vm.computation());
        vm.started(running.get());
        LOG.log(
            INFO,
            "The VM of {0} runs on, pid {1}",
            vm.computation(),
            Long.toString(running.get().pid()));
      } else if (leased) {
        vms.put(vm);
        watch.ended(
            vm, new VmEnd(VmEnd.Kind.KILLED, "ended-unseen", OptionalInt.empty(), clock.instant()));
      } else {
        LOG.log(WARNING, "No VM runs in {0} and nothing says whose it was; left alone.", directory);
      }
    } catch (HypervisorException e) {
      if (e.category() == HypervisorException.Category.RETRY && attempt < ATTEMPTS) {
        // It runs, so its slot and its name are taken until more is known.
        vms.put(vm);
        LOG.log(INFO, "{0} is looked at again soon: {1}", directory, e.getMessage());
        var unused = tasks.schedule(() -> find(vm, leased, attempt + 1), 1, TimeUnit.SECONDS);
      } else {
        LOG.log(
            WARNING, "What is in {0} cannot be told; left alone: {1}", directory, e.getMessage());
      }
    }
  }

  private Lease unknownLease(String computation) {
    return Lease.begin(settings.fleet(), instance, computation, "unknown", clock.instant(), null);
  }
}
