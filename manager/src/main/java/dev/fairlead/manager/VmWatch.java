// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.manager;

import static java.lang.System.Logger.Level.ERROR;
import static java.lang.System.Logger.Level.INFO;
import static java.lang.System.Logger.Level.WARNING;

import dev.fairlead.hypervisor.api.Vm;
import dev.fairlead.hypervisor.api.VmChannel;
import dev.fairlead.hypervisor.api.VmEnd;
import dev.fairlead.hypervisor.api.VmListener;
import dev.fairlead.protocol.Event;
import dev.fairlead.protocol.json.JsonObject;
import java.io.IOException;
import java.time.InstantSource;
import java.util.Optional;
import java.util.concurrent.Executor;
import java.util.concurrent.RejectedExecutionException;

/**
 * What happens to VMs, from their start to what follows their end: noted in the lease, and said as
 * an event. The only one who says events of VMs.
 *
 * <p>Safe for use by several threads; holds no lock and changes nothing but by what it is given.
 * What is told from outside — by a hypervisor's thread, or a transport's — is done later, by the
 * manager's one thread {@code fl-manager}, in the order in which it was told; nobody who tells
 * waits.
 */
final class VmWatch {

  private static final System.Logger LOG = System.getLogger(VmWatch.class.getName());
  private static final String ORIGINATOR = "manager";

  private final Executor tasks;
  private final RunDirectories directories;
  private final PortLeases leases;
  private final Admissions admissions;
  private final GuestAccess guests;
  private final EndReports reports;
  private final EventSink events;
  private final InstantSource clock;

  /**
   * Makes one.
   *
   * @param tasks one thread, which does things in order
   */
  VmWatch(
      Executor tasks,
      RunDirectories directories,
      PortLeases leases,
      Admissions admissions,
      GuestAccess guests,
      EndReports reports,
      EventSink events,
      InstantSource clock) {
    this.tasks = tasks;
    this.directories = directories;
    this.leases = leases;
    this.admissions = admissions;
    this.guests = guests;
    this.reports = reports;
    this.events = events;
    this.clock = clock;
  }

  /** What a hypervisor is given to tell of a VM. */
  VmListener of(ManagedVm vm) {
    return new Told(vm);
  }

  /** It is about to be started; said at once. */
  void starting(ManagedVm vm) {
    say(vm, "VmProvision", "Starting", JsonObject.empty());
  }

  /** It runs; said at once. */
  void running(ManagedVm vm, Vm running) {
    say(
        vm,
        "VmRunning",
        "InProgress",
        JsonObject.builder()
            .put("pid", running.pid())
            .put("accelerator", running.accelerator())
            .build());
  }

  /** Its agent said hello; noted later, the first time. */
  void booted(ManagedVm vm) {
    submit(
        () ->
            vm.booted()
                .ifPresent(
                    lease -> {
                      directories.write(vm.directory(), lease);
                      say(vm, "VmBooted", "Completed", JsonObject.empty());
                    }));
  }

  /** It has ended; noted later, the first time. */
  void ended(ManagedVm vm, VmEnd end) {
    submit(() -> noteEnd(vm, end));
  }

  /** The ports are free, the event is said, the directory is cleared. */
  private void noteEnd(ManagedVm vm, VmEnd seen) {
    Optional<Lease> news = vm.ended(seen);
    if (news.isEmpty()) {
      return;
    }
    Lease lease = news.get();
    VmEnd end = lease.end().orElse(seen);
    if (lease.ports() != null) {
      leases.release(lease.ports());
    }
    admissions.close(vm.computation());
    guests.dismiss(vm.computation());
    directories.write(vm.directory(), lease);
    boolean failed = lease.failed();
    clear(vm, failed);
    LOG.log(
        failed ? WARNING : INFO,
        "The VM of {0} has ended: {1}, {2}",
        vm.computation(),
        Lease.word(end.kind()),
        end.reason());
    say(vm, "VmEnded", failed ? "Failed" : "Completed", Lease.endToJson(end));
    vm.done().complete(end);
    reports.tellSoon();
  }

  private void clear(ManagedVm vm, boolean keepLogs) {
    try {
      directories.clear(vm.directory(), keepLogs);
    } catch (IOException e) {
      LOG.log(WARNING, "The run directory of " + vm.computation() + " cannot be cleared", e);
    }
  }

  private void say(ManagedVm vm, String type, String status, JsonObject details) {
    events.say(new Event(type, status, clock.instant(), vm.computation(), ORIGINATOR, details));
  }

  private void submit(Runnable task) {
    try {
      tasks.execute(
          () -> {
            try {
              task.run();
            } catch (RuntimeException e) {
              LOG.log(ERROR, "What followed an event of a VM failed", e);
            }
          });
    } catch (RejectedExecutionException e) {
      LOG.log(WARNING, "The manager is closed; what a VM did is found out when it is back.");
    }
  }

  /** What the hypervisor tells of one VM. */
  private final class Told implements VmListener {

    private final ManagedVm vm;

    Told(ManagedVm vm) {
      this.vm = vm;
    }

    @Override
    public void opening(VmChannel channel) {
      admissions.open(vm.computation(), channel.peer());
    }

    @Override
    public void noticed(Vm noticed, String what, String detail) {
      submit(
          () ->
              say(
                  vm,
                  "VmNoticed",
                  "Warning",
                  JsonObject.builder()
                      .put("what", Lease.shorten(what))
                      .put("detail", Lease.shorten(detail))
                      .build()));
    }

    @Override
    public void ended(Vm gone, VmEnd end) {
      VmWatch.this.ended(vm, end);
    }
  }
}
