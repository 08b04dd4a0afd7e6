// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.manager;

import static dev.fairlead.manager.ManagerException.Category.RETRY;
import static java.lang.System.Logger.Level.INFO;
import static java.lang.System.Logger.Level.WARNING;

import dev.fairlead.hypervisor.api.VmEnd;
import java.util.UUID;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.ScheduledThreadPoolExecutor;
import java.util.concurrent.atomic.AtomicBoolean;

/**
 * Tells the registry which VMs have ended, each end once, and removes what need not be kept of one
 * whose end is told.
 *
 * <p>Safe for use by several threads. The registry is asked by the thread {@code
 * fl-manager-telling}, because it may take long, and by whoever waits for {@link #tell} or {@link
 * #neverStarted}. An end is told under its VM's {@link ManagedVm#telling}, so that it is told by
 * one of them; the monitors of table and VM are taken under that, and not held while the registry
 * is asked.
 */
final class EndReports implements AutoCloseable {

  private static final System.Logger LOG = System.getLogger(EndReports.class.getName());

  private final Registry registry;
  private final VmTable vms;
  private final ScheduledThreadPoolExecutor telling =
      new ScheduledThreadPoolExecutor(1, Threads.daemon("fl-manager-telling"));
  private final AtomicBoolean tellingIsDue = new AtomicBoolean();

  EndReports(Registry registry, VmTable vms) {
    this.registry = registry;
    this.vms = vms;
  }

  /** Has all ends told that the registry does not know. */
  void tellSoon() {
    if (tellingIsDue.compareAndSet(false, true)) {
      try {
        telling.execute(this::tellAll);
      } catch (RejectedExecutionException e) {
        // Closing: the next manager tells.
      }
    }
  }

  private void tellAll() {
    tellingIsDue.set(false);
    for (ManagedVm vm : vms.all()) {
      try {
        if (vm.isToBeTold()) {
          tell(vm);
        }
      } catch (ManagerException e) {
        LOG.log(INFO, "The end of {0} is told later: {1}", vm.computation(), e.getMessage());
        return;
      }
    }
    vms.trim();
  }

  /**
   * Tells of one end, which must have been noted, unless it was told before. Blocks for as long as
   * the registry takes.
   *
   * @throws ManagerException {@code RETRY} when it cannot be told now
   */
  void tell(ManagedVm vm) {
    VmEnd end = vm.lease().end().orElseThrow();
    synchronized (vm.telling()) {
      // Where another run of the computation has begun, its registry knows; and to tell now would
      // end that.
      if (!vm.isToBeTold() || !vms.isCurrent(vm)) {
        return;
      }
      try {
        registry.ended(vm.endRequest(), vm.computation(), Lease.word(end.kind()), end.reason());
      } catch (ManagerException e) {
        if (e.category() == RETRY) {
          throw e;
        }
        // It does not know this computation, or not as ours: there is nothing to be told.
        LOG.log(WARNING, "The end of {0} was refused: {1}", vm.computation(), e.getMessage());
      }
      vms.keepOfFailure(vm, vm.told());
    }
    if (vm.isForgotten()) {
      vms.drop(vm);
    }
  }

  /**
   * Tells that a VM for which the registry prepared will never be. Blocks for as long as the
   * registry takes.
   *
   * @param why given what goes wrong here beside
   */
  void neverStarted(String computation, RuntimeException why) {
    try {
      // Of one that runs, nothing has ended.
      if (!(why instanceof ManagerException e && e.code().equals("vm-runs"))) {
        registry.ended(
            UUID.randomUUID().toString(),
            computation,
            Lease.word(VmEnd.Kind.NEVER_BOOTED),
            "not-started");
      }
    } catch (ManagerException e) {
      why.addSuppressed(e);
    }
  }

  /** Tells what was to be told soon, for 5 s at most; what is left, the next manager tells. */
  @Override
  public void close() {
    Threads.shutDown(telling);
  }
}
