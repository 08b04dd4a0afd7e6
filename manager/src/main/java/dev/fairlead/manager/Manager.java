// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.manager;

import static dev.fairlead.manager.ManagerException.Category.BROKEN;
import static java.lang.System.Logger.Level.INFO;
import static java.lang.System.Logger.Level.WARNING;

import dev.fairlead.hypervisor.api.Hypervisor;
import dev.fairlead.protocol.Addresses;
import dev.fairlead.protocol.Manifest;
import dev.fairlead.protocol.Registration;
import dev.fairlead.protocol.RunRequest;
import dev.fairlead.protocol.json.ProtocolException;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ScheduledThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * Starts VMs, watches them from outside, and ends them. One for each host.
 *
 * <p>It keeps no database: what it must know about a VM lies in the VM's run directory, and a
 * manager that starts again reads those, asks the hypervisor who still runs, and goes on. It holds
 * no manifest. Nothing restarts by itself: an end is an event, and {@link #restart} is a person's
 * affair.
 *
 * <p>Safe for use by several threads. It holds no lock of its own: the table of VMs, and each VM,
 * guard what they hold. What it does by itself, every second and after what a VM did, is done by
 * its one thread {@code fl-manager}; the registry learns of ends by {@code fl-manager-telling}.
 */
public final class Manager implements AutoCloseable {

  private static final System.Logger LOG = System.getLogger(Manager.class.getName());
  private static final Duration HARD_END = Duration.ofSeconds(20);

  private final ManagerSettings settings;
  private final String instance;
  private final RunDirectories directories;
  private final Registry registry;
  private final Admissions admissions;
  private final InstantSource clock;
  private final PortLeases leases;
  private final VmTable vms;
  private final EndReports reports;
  private final VmWatch watch;
  private final VmLauncher launcher;
  private final Adoption adoption;

  /** Does what follows an end, in order, and looks at deadlines. */
  private final ScheduledThreadPoolExecutor tasks =
      new ScheduledThreadPoolExecutor(1, Threads.daemon("fl-manager"));

  /**
   * Makes one; {@link #start} begins its work.
   *
   * @param directories opened for it; closed with it
   * @param instance its name in the fleet
   * @param admissions closed with it
   * @param guests how VMs connect
   */
  Manager(
      ManagerSettings settings,
      String instance,
      RunDirectories directories,
      Hypervisor hypervisor,
      Registry registry,
      EventSink events,
      Admissions admissions,
      GuestAccess guests,
      InstantSource clock) {
    this.settings = settings;
    this.instance = instance;
    this.directories = directories;
    this.registry = registry;
    this.admissions = admissions;
    this.clock = clock;
    VmComposer composer = new VmComposer(settings, hypervisor);
    leases = new PortLeases(settings.ports(), composer.forwardAddress(), clock);
    vms = new VmTable(settings, instance, directories, clock);
    reports = new EndReports(registry, vms);
    watch = new VmWatch(tasks, directories, leases, admissions, guests, reports, events, clock);
    launcher =
        new VmLauncher(settings, hypervisor, guests, composer, leases, directories, watch, clock);
    adoption =
        new Adoption(
            settings,
            instance,
            directories,
            hypervisor,
            vms,
            leases,
            admissions,
            guests,
            watch,
            tasks,
            clock);
  }

  /** Its name in the fleet. */
  public String instance() {
    return instance;
  }

  /** How many VMs may run at once; 0 for no limit. */
  public int maxVms() {
    return settings.maxVms();
  }

  /**
   * Finds the VMs of an earlier manager again, reports those that are gone, and begins to watch.
   * Blocks until all are found.
   */
  public void start() {
    adoption.adoptAll();
    var unused = tasks.scheduleWithFixedDelay(this::tick, 1, 1, TimeUnit.SECONDS);
    reports.tellSoon();
  }

  /**
   * Registers a computation and starts its VM. Blocks until the VM runs, not until its agent does.
   *
   * @throws ManagerException {@code RETRY} with {@code no-slot}, {@code no-port}, {@code
   *     registry-unreachable}; {@code REFUSED} or {@code BROKEN} with what the registry or the
   *     hypervisor says
   * @throws ProtocolException when the manifest is none
   */
  public VmView run(RunRequest request) {
    Manifest manifest = request.manifest();
    return place(manifest.ttl().orElse(null), () -> registry.register(request.computation()));
  }

  /**
   * Starts the VM of a computation anew, whose VM has ended. Blocks until the VM runs.
   *
   * @throws ManagerException {@code REFUSED} with {@code vm-runs}; else as {@link #run}
   */
  public VmView restart(String computation) {
    Addresses.requireId(computation);
    VmTable.Restart restart = vms.beginRestart(computation);
    try {
      ManagedVm before = restart.before();
      if (before != null) {
        before.done().join();
        if (before.isToBeTold()) {
          // A report of this end that came after the new run began would end that.
          reports.tell(before);
        }
      }
      return place(restart.ttl(), () -> renew(computation));
    } finally {
      vms.endRestart(computation);
    }
  }

  private Registration renew(String computation) {
    Registration registration = registry.renew(computation);
    if (!registration.computation().equals(computation)) {
      throw new ManagerException(
          BROKEN,
          "registry-confused",
          "The registry answered for another computation than was asked for.");
    }
    return registration;
  }

  /** Takes a slot, asks the registry, and launches. */
  private VmView place(@Nullable Duration ttl, Supplier<Registration> ask) {
    vms.reserve();
    boolean entered = false;
    try {
      Registration registration = ask.get();
      ManagedVm vm;
      try {
        vm = vms.enter(registration, ttl);
      } catch (RuntimeException e) {
        reports.neverStarted(registration.computation(), e);
        throw e;
      }
      entered = true;
      return launcher.launch(vm, registration);
    } finally {
      if (!entered) {
        vms.giveBack();
      }
    }
  }

  /** All VMs: those that run, and those whose end a person may want to see. Oldest first. */
  public List<VmView> list() {
    return vms.visible().stream().map(this::view).toList();
  }

  /**
   * One VM.
   *
   * @throws ManagerException {@code REFUSED}, code {@code unknown-vm}
   */
  public VmView get(String computation) {
    return view(vms.require(computation));
  }

  /**
   * Where a VM's console is written, for a VM that runs or failed.
   *
   * @throws ManagerException {@code REFUSED}, code {@code unknown-vm}
   */
  public Path console(String computation) {
    return vms.require(computation).directory().resolve("console.log");
  }

  /**
   * Ends a VM: asks the guest to power down, then takes harder means. One that has ended is
   * forgotten, and what is left of it removed. Blocks until it is gone, or for as long as the means
   * may take.
   *
   * @param grace how long the guest may take; null for what is configured
   * @return the VM, as it is then
   * @throws ManagerException {@code REFUSED}, code {@code unknown-vm}
   */
  public VmView end(String computation, @Nullable Duration grace) {
    ManagedVm vm = vms.require(computation);
    Duration within = grace == null ? settings.grace() : grace;
    vm.end(within, null);
    vm.forget();
    if (!await(vm.done(), within)) {
      LOG.log(WARNING, "The VM of {0} does not end.", computation);
    }
    VmView view = view(vm);
    if (view.state() == VmState.ENDED && !vm.isToBeTold()) {
      vms.drop(vm);
    }
    reports.tellSoon();
    return view;
  }

  /** An agent said hello; nothing happens where it is not one of this manager's. */
  public void hello(String computation) {
    vms.find(computation).filter(vm -> vm.state() == VmState.STARTING).ifPresent(watch::booted);
  }

  /** The registry can be asked again. */
  public void connected() {
    reports.tellSoon();
  }

  /** How many ports are out. */
  public int leasedPorts() {
    return leases.count();
  }

  /** How many VMs run or are being started. */
  public int running() {
    return vms.running();
  }

  /**
   * Ends all VMs, or lets go of them, as configured; then of every thread and lock. Idempotent.
   * Blocks for as long as ending VMs takes.
   */
  @Override
  public void close() {
    if (!vms.close()) {
      return;
    }
    List<ManagedVm> all = vms.all();
    if (settings.endOnClose()) {
      all.forEach(vm -> vm.end(settings.grace(), null));
      CompletableFuture<?>[] ends =
          all.stream().map(ManagedVm::done).toArray(CompletableFuture<?>[]::new);
      if (!await(CompletableFuture.allOf(ends), settings.grace())) {
        LOG.log(WARNING, "Not all VMs ended; they are left to the next manager.");
        all.forEach(ManagedVm::release);
      }
      // One last round; what the registry does not learn now, it learns when the manager is back.
      reports.tellSoon();
    } else {
      all.forEach(ManagedVm::release);
    }
    Threads.shutDown(tasks);
    reports.close();
    admissions.close();
    leases.close();
    directories.close();
  }

  /** False where it did not come within the grace and what harder means take. */
  private static boolean await(CompletableFuture<?> end, Duration grace) {
    try {
      end.get(grace.plus(HARD_END).toMillis(), TimeUnit.MILLISECONDS);
    } catch (TimeoutException e) {
      return false;
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    } catch (ExecutionException e) {
      throw new IllegalStateException("An end never fails.", e);
    }
    return true;
  }

  private VmView view(ManagedVm vm) {
    return vm.view(settings.hostIp());
  }

  /**
   * Every second: VMs that were not let in, deadlines that have passed, and ends that the registry
   * does not know.
   */
  private void tick() {
    admissions.settle();
    Instant now = clock.instant();
    boolean toBeTold = false;
    for (ManagedVm vm : vms.all()) {
      if (vm.isOverdue(now)) {
        LOG.log(INFO, "The time of {0} is over; its VM is ended.", vm.computation());
        vm.end(settings.grace(), "ttl-over");
      }
      toBeTold |= vm.isToBeTold();
    }
    if (toBeTold && registry.isConnected()) {
      reports.tellSoon();
    }
  }
}
