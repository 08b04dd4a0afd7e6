// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.manager;

import static dev.fairlead.manager.ManagerException.Category.REFUSED;
import static dev.fairlead.manager.ManagerException.Category.RETRY;

import dev.fairlead.protocol.Registration;
import java.time.Duration;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * Which VMs there are: those that run, those that are being started, and those whose end a person
 * may want to see. At most one for each computation; only so many run at once.
 *
 * <p>Safe for use by several threads: the table's own monitor guards all that it holds. A run
 * directory is made when a VM is entered and removed when it is dropped, under that monitor, so
 * that none is removed which a newer VM of the same computation has. Under it, a VM's own monitor
 * may be taken, never the other way round; nobody is called who waits for a hypervisor or the
 * registry.
 */
final class VmTable {

  private static final int MOST_ENDED = 100;
  private static final int MOST_LIFETIMES = 1000;

  private final ManagerSettings settings;
  private final String instance;
  private final RunDirectories directories;
  private final InstantSource clock;

  /** Oldest first. */
  private final Map<String, ManagedVm> vms = new LinkedHashMap<>();

  private final Set<String> restarting = new HashSet<>();

  /** For how long a VM may run that is started anew after it was forgotten. */
  private final Map<String, Duration> lifetimes =
      new LinkedHashMap<>() {
        private static final long serialVersionUID = 1L;

        @Override
        protected boolean removeEldestEntry(Map.Entry<String, Duration> eldest) {
          return size() > MOST_LIFETIMES;
        }
      };

  /** Slots of VMs that have not been entered yet. */
  private int reserved;

  private boolean closed;

  /**
   * What a restart follows.
   *
   * @param before the VM that has ended; null where it was forgotten
   * @param ttl for how long the new one may run; null for ever
   */
  record Restart(@Nullable ManagedVm before, @Nullable Duration ttl) {}

  /**
   * Makes one.
   *
   * @param instance the manager's name, written into leases
   * @param directories where run directories are made
   */
  VmTable(
      ManagerSettings settings, String instance, RunDirectories directories, InstantSource clock) {
    this.settings = settings;
    this.instance = instance;
    this.directories = directories;
    this.clock = clock;
  }

  /**
   * Takes a slot for a VM that will be entered.
   *
   * @throws ManagerException {@code RETRY} with {@code closing} or {@code no-slot}
   */
  synchronized void reserve() {
    if (closed) {
      throw new ManagerException(RETRY, "closing", "The manager is closing; ask it again later.");
    }
    int most = settings.maxVms();
    if (most > 0 && running() >= most) {
      throw new ManagerException(
          RETRY,
          "no-slot",
          "%d VMs run already, which is the limit: end one, or raise MANAGER_MAX_VMS."
              .formatted(most));
    }
    reserved++;
  }

  /** Gives a slot back whose VM was not entered. */
  synchronized void giveBack() {
    reserved--;
  }

  /**
   * Makes the run directory, and enters the VM in place of one that has ended, into the slot that
   * was reserved.
   *
   * @throws ManagerException {@code REFUSED}, code {@code vm-runs}; the slot is still reserved then
   */
  synchronized ManagedVm enter(Registration registration, @Nullable Duration ttl) {
    String computation = registration.computation();
    requireNoneRuns(computation);
    Lease lease =
        Lease.begin(
            settings.fleet(), instance, computation, registration.digest(), clock.instant(), ttl);
    ManagedVm vm = new ManagedVm(directories.create(computation), lease, true);
    vms.remove(computation);
    vms.put(computation, vm);
    lifetimes.remove(computation);
    if (ttl != null) {
      lifetimes.put(computation, ttl);
    }
    reserved--;
    return vm;
  }

  /** Enters a VM of an earlier manager, which takes a slot whether there is one or not. */
  synchronized void put(ManagedVm vm) {
    vms.put(vm.computation(), vm);
  }

  /**
   * Begins a restart; nobody else may until {@link #endRestart}.
   *
   * @throws ManagerException {@code REFUSED}, code {@code vm-runs}
   */
  synchronized Restart beginRestart(String computation) {
    requireNoneRuns(computation);
    if (!restarting.add(computation)) {
      throw runs(computation);
    }
    ManagedVm before = vms.get(computation);
    return new Restart(before, before == null ? lifetimes.get(computation) : before.lease().ttl());
  }

  /** A restart is over. */
  synchronized void endRestart(String computation) {
    restarting.remove(computation);
  }

  /** One VM, also one that nobody wants to see any more. */
  synchronized Optional<ManagedVm> find(String computation) {
    return Optional.ofNullable(vms.get(computation));
  }

  /**
   * One that a person may see.
   *
   * @throws ManagerException {@code REFUSED}, code {@code unknown-vm}
   */
  synchronized ManagedVm require(String computation) {
    ManagedVm vm = vms.get(computation);
    if (vm == null || isHidden(vm)) {
      throw new ManagerException(
          REFUSED, "unknown-vm", "There is no VM of this name here; GET /vms lists all.");
    }
    return vm;
  }

  /** Those that a person may see. Oldest first. */
  synchronized List<ManagedVm> visible() {
    return vms.values().stream().filter(vm -> !isHidden(vm)).toList();
  }

  /** All. Oldest first. */
  synchronized List<ManagedVm> all() {
    return List.copyOf(vms.values());
  }

  /** How many run or are being started. */
  synchronized int running() {
    return reserved + (int) vms.values().stream().filter(vm -> vm.state() != VmState.ENDED).count();
  }

  /** Whether no newer VM of its computation has been entered. */
  synchronized boolean isCurrent(ManagedVm vm) {
    return vms.get(vm.computation()) == vm;
  }

  /**
   * Of a VM whose end is told, keeps the lease and the logs where it failed and a person may want
   * to see why; else nothing. Once the registry knows of the end, a newer VM may have its name, and
   * the directory: then nothing happens.
   */
  synchronized void keepOfFailure(ManagedVm vm, Lease lease) {
    if (!isCurrent(vm)) {
      return;
    }
    if (lease.failed() && !vm.isForgotten()) {
      directories.write(vm.directory(), lease);
    } else {
      directories.discard(vm.directory());
    }
  }

  /** Forgets a VM that has ended, and removes what is left of it. */
  synchronized void drop(ManagedVm vm) {
    if (vms.remove(vm.computation(), vm)) {
      directories.discard(vm.directory());
    }
  }

  /** Of VMs that have ended, only so many are kept to be looked at. */
  void trim() {
    List<ManagedVm> ended = new ArrayList<>();
    for (ManagedVm vm : all()) {
      if (vm.state() == VmState.ENDED && !vm.isToBeTold()) {
        ended.add(vm);
      }
    }
    for (int i = 0; i < ended.size() - MOST_ENDED; i++) {
      drop(ended.get(i));
    }
  }

  /** Gives no slot any more; false where it was closed before. */
  synchronized boolean close() {
    boolean first = !closed;
    closed = true;
    return first;
  }

  private void requireNoneRuns(String computation) {
    ManagedVm before = vms.get(computation);
    if (before != null && before.state() != VmState.ENDED) {
      throw runs(computation);
    }
  }

  private static boolean isHidden(ManagedVm vm) {
    return vm.isForgotten() && vm.state() == VmState.ENDED;
  }

  private static ManagerException runs(String computation) {
    return new ManagerException(
        REFUSED,
        "vm-runs",
        "The VM of %s has not ended: end it first, with DELETE.".formatted(computation));
  }
}
