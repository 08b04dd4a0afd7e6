// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.manager;

import static dev.fairlead.manager.ManagerException.Category.BROKEN;
import static dev.fairlead.manager.ManagerException.Category.REFUSED;
import static dev.fairlead.manager.ManagerException.Category.RETRY;
import static java.lang.System.Logger.Level.ERROR;
import static java.lang.System.Logger.Level.INFO;
import static java.lang.System.Logger.Level.WARNING;

import dev.fairlead.hypervisor.api.Hypervisor;
import dev.fairlead.hypervisor.api.HypervisorException;
import dev.fairlead.hypervisor.api.Vm;
import dev.fairlead.hypervisor.api.VmChannel;
import dev.fairlead.hypervisor.api.VmEnd;
import dev.fairlead.hypervisor.api.VmListener;
import dev.fairlead.hypervisor.api.VmSpec;
import dev.fairlead.protocol.Addresses;
import dev.fairlead.protocol.Event;
import dev.fairlead.protocol.Manifest;
import dev.fairlead.protocol.Registration;
import dev.fairlead.protocol.RunRequest;
import dev.fairlead.protocol.json.JsonObject;
import dev.fairlead.protocol.json.ProtocolException;
import dev.fairlead.transport.api.TransportException;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.Callable;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.ScheduledThreadPoolExecutor;
import java.util.concurrent.ThreadFactory;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * Starts VMs, watches them from outside, and ends them. One for each host.
 *
 * <p>It keeps no database: what it must know about a VM lies in the VM's run directory, and a
 * manager that starts again reads those, asks the hypervisor who still runs, and goes on. It holds
 * no manifest. Nothing restarts by itself: an end is an event, and {@link #restart} is a person's
 * affair. Safe for use by several threads.
 */
public final class Manager implements AutoCloseable {

  private static final System.Logger LOG = System.getLogger(Manager.class.getName());
  private static final int START_ATTEMPTS = 20;
  private static final int FIND_ATTEMPTS = 60;
  private static final int MOST_ENDED = 100;
  private static final int MOST_LIFETIMES = 1000;
  private static final Duration HARD_END = Duration.ofSeconds(20);
  private static final String ORIGINATOR = "manager";

  private final ManagerSettings settings;
  private final String instance;
  private final RunDirectories directories;
  private final Hypervisor hypervisor;
  private final Registry registry;
  private final EventSink events;
  private final InstantSource clock;
  private final PortLeases leases;
  private final VmComposer composer;
  private final Admissions admissions;
  private final GuestAccess guests;

  /** Does what follows an end, in order, and looks at deadlines. */
  private final ScheduledThreadPoolExecutor tasks =
      new ScheduledThreadPoolExecutor(1, daemon("fl-manager"));

  /** Asks the registry, which may take long. */
  private final ScheduledThreadPoolExecutor telling =
      new ScheduledThreadPoolExecutor(1, daemon("fl-manager-telling"));

  private final AtomicBoolean tellingIsDue = new AtomicBoolean();
  private final Map<String, ManagedVm> vms = new LinkedHashMap<>();
  private final Set<String> restarting = new HashSet<>();
  private final Map<String, Duration> lifetimes =
      new LinkedHashMap<>() {
        private static final long serialVersionUID = 1L;

        @Override
        protected boolean removeEldestEntry(Map.Entry<String, Duration> eldest) {
          return size() > MOST_LIFETIMES;
        }
      };
  private int reserved;
  private boolean closed;

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
    this.hypervisor = hypervisor;
    this.registry = registry;
    this.events = events;
    this.admissions = admissions;
    this.guests = guests;
    this.clock = clock;
    this.composer = new VmComposer(settings, hypervisor);
    this.leases = new PortLeases(settings.ports(), composer.forwardAddress(), clock);
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
    List<Callable<Void>> adoptions = new ArrayList<>();
    for (Path directory : directories.list()) {
      adoptions.add(
          () -> {
            adopt(directory);
            return null;
          });
    }
    ExecutorService finders = Executors.newFixedThreadPool(8, daemon("fl-manager-adopt"));
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
    var unused = tasks.scheduleWithFixedDelay(this::tick, 1, 1, TimeUnit.SECONDS);
    tellSoon();
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
    ManagedVm before;
    Duration ttl;
    synchronized (vms) {
      before = vms.get(computation);
      if (before != null && before.state() != VmState.ENDED) {
        throw runs(computation);
      }
      if (!restarting.add(computation)) {
        throw runs(computation);
      }
      ttl = before == null ? lifetimes.get(computation) : before.lease().ttl();
    }
    try {
      if (before != null) {
        before.done().join();
      }
      if (before != null && before.isToBeTold()) {
        // A report of this end that came after the new run began would end that.
        tell(before);
      }
      return place(
          ttl,
          () -> {
            Registration registration = registry.renew(computation);
            if (!registration.computation().equals(computation)) {
              throw new ManagerException(
                  BROKEN,
                  "registry-confused",
                  "The registry answered for another computation than was asked for.");
            }
            return registration;
          });
    } finally {
      synchronized (vms) {
        restarting.remove(computation);
      }
    }
  }

  /** All VMs: those that run, and those whose end a person may want to see. Oldest first. */
  public List<VmView> list() {
    synchronized (vms) {
      return vms.values().stream()
          .filter(vm -> !(vm.isForgotten() && vm.state() == VmState.ENDED))
          .map(vm -> vm.view(settings.hostIp()))
          .toList();
    }
  }

  /**
   * One VM.
   *
   * @throws ManagerException {@code REFUSED}, code {@code unknown-vm}
   */
  public VmView get(String computation) {
    return require(computation).view(settings.hostIp());
  }

  /**
   * Where a VM's console is written, for a VM that runs or failed.
   *
   * @throws ManagerException {@code REFUSED}, code {@code unknown-vm}
   */
  public Path console(String computation) {
    return require(computation).directory().resolve("console.log");
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
    ManagedVm vm = require(computation);
    Duration within = grace == null ? settings.grace() : grace;
    vm.end(within, null);
    vm.forget();
    try {
      vm.done().get(within.plus(HARD_END).toMillis(), TimeUnit.MILLISECONDS);
    } catch (TimeoutException e) {
      LOG.log(WARNING, "The VM of {0} does not end.", computation);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    } catch (ExecutionException e) {
      throw new IllegalStateException("An end never fails.", e);
    }
    VmView view = vm.view(settings.hostIp());
    if (view.state() == VmState.ENDED && !vm.isToBeTold()) {
      drop(vm);
    }
    tellSoon();
    return view;
  }

  /** An agent said hello; nothing happens where it is not one of this manager's. */
  public void hello(String computation) {
    ManagedVm vm;
    synchronized (vms) {
      vm = vms.get(computation);
    }
    if (vm != null && vm.state() == VmState.STARTING) {
      submit(
          () ->
              vm.booted()
                  .ifPresent(
                      lease -> {
                        write(vm, lease);
                        say(vm, "VmBooted", "Completed", JsonObject.empty());
                      }));
    }
  }

  /** The registry can be asked again. */
  public void connected() {
    tellSoon();
  }

  /** How many ports are out. */
  public int leasedPorts() {
    return leases.count();
  }

  /** How many VMs run or are being started. */
  public int running() {
    synchronized (vms) {
      return reserved + countRunning();
    }
  }

  /**
   * Ends all VMs, or lets go of them, as configured; then of every thread and lock. Idempotent.
   * Blocks for as long as ending VMs takes.
   */
  @Override
  public void close() {
    List<ManagedVm> all;
    synchronized (vms) {
      if (closed) {
        return;
      }
      closed = true;
      all = List.copyOf(vms.values());
    }
    if (settings.endOnClose()) {
      all.forEach(vm -> vm.end(settings.grace(), null));
      await(all);
      // One last round; what the registry does not learn now, it learns when the manager is back.
      tellSoon();
    } else {
      all.forEach(ManagedVm::release);
    }
    shutDown(tasks);
    shutDown(telling);
    admissions.close();
    directories.close();
  }

  private void await(List<ManagedVm> all) {
    CompletableFuture<Void> ends =
        CompletableFuture.allOf(
            all.stream().map(ManagedVm::done).toArray(CompletableFuture<?>[]::new));
    try {
      ends.get(settings.grace().plus(HARD_END).toMillis(), TimeUnit.MILLISECONDS);
    } catch (TimeoutException e) {
      LOG.log(WARNING, "Not all VMs ended; they are left to the next manager.");
      all.forEach(ManagedVm::release);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    } catch (ExecutionException e) {
      throw new IllegalStateException("An end never fails.", e);
    }
  }

  private static void shutDown(ScheduledThreadPoolExecutor executor) {
    executor.shutdown();
    try {
      if (!executor.awaitTermination(5, TimeUnit.SECONDS)) {
        executor.shutdownNow();
      }
    } catch (InterruptedException e) {
      executor.shutdownNow();
      Thread.currentThread().interrupt();
    }
  }

  /** Takes a slot, asks the registry, and launches. */
  private VmView place(@Nullable Duration ttl, Supplier<Registration> ask) {
    reserve();
    boolean placed = false;
    try {
      Registration registration = ask.get();
      ManagedVm vm;
      try {
        vm = enter(registration, ttl);
      } catch (RuntimeException e) {
        giveUp(registration.computation(), e);
        throw e;
      }
      placed = true;
      return launch(vm, registration);
    } finally {
      if (!placed) {
        synchronized (vms) {
          reserved--;
        }
      }
    }
  }

  private void reserve() {
    synchronized (vms) {
      if (closed) {
        throw new ManagerException(RETRY, "closing", "The manager is closing; ask it again later.");
      }
      int most = settings.maxVms();
      if (most > 0 && countRunning() + reserved >= most) {
        throw new ManagerException(
            RETRY,
            "no-slot",
            "%d VMs run already, which is the limit: end one, or raise MANAGER_MAX_VMS."
                .formatted(most));
      }
      reserved++;
    }
  }

  private int countRunning() {
    return (int) vms.values().stream().filter(vm -> vm.state() != VmState.ENDED).count();
  }

  /** Makes the run directory, and enters the VM in place of one that has ended. */
  private ManagedVm enter(Registration registration, @Nullable Duration ttl) {
    String computation = registration.computation();
    synchronized (vms) {
      ManagedVm before = vms.get(computation);
      if (before != null && before.state() != VmState.ENDED) {
        throw runs(computation);
      }
      Instant now = clock.instant();
      Lease lease =
          new Lease(
              settings.fleet(),
              instance,
              computation,
              registration.digest(),
              null,
              now,
              ttl,
              ttl == null ? null : now.plus(ttl),
              false,
              null,
              false);
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
  }

  /** Tells the registry that a VM it prepared for will never be. */
  private void giveUp(String computation, RuntimeException why) {
    try {
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

  private VmView launch(ManagedVm vm, Registration registration) {
    say(vm, "VmProvision", "Starting", JsonObject.empty());
    try {
      Vm running = startOnFreePorts(vm, guests.admit(registration));
      vm.started(running);
      say(
          vm,
          "VmRunning",
          "InProgress",
          JsonObject.builder()
              .put("pid", running.pid())
              .put("accelerator", running.accelerator())
              .build());
      LOG.log(
          INFO,
          "The VM of {0} runs: pid {1}, {2}, agent at {3}",
          vm.computation(),
          Long.toString(running.pid()),
          running.accelerator(),
          vm.view(settings.hostIp()).agentAddress());
      return vm.view(settings.hostIp());
    } catch (RuntimeException e) {
      ManagerException refusal = explain(e);
      VmEnd end =
          new VmEnd(
              VmEnd.Kind.NEVER_BOOTED,
              "not-started: " + refusal.code(),
              OptionalInt.empty(),
              clock.instant());
      submit(() -> ended(vm, end));
      throw refusal;
    }
  }

  private Vm startOnFreePorts(ManagedVm vm, Registration registration) {
    for (int attempt = 1; ; attempt++) {
      HostPorts ports = leases.lease();
      try {
        write(vm, vm.ports(ports));
        VmSpec spec = composer.compose(registration, vm.directory(), ports);
        return hypervisor.start(spec, new Watch(vm));
      } catch (HypervisorException e) {
        boolean taken =
            e.category() == HypervisorException.Category.RETRY && e.code().equals("port-taken");
        vm.ports(null);
        if (!taken) {
          leases.release(ports);
          throw e;
        }
        leases.releaseSpoilt(ports);
        if (attempt == START_ATTEMPTS) {
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

  /** What the hypervisor tells of one VM. */
  private final class Watch implements VmListener {

    private final ManagedVm vm;

    Watch(ManagedVm vm) {
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
      submit(() -> Manager.this.ended(vm, end));
    }
  }

  /** Notes an end: the ports are free, the event is said, the directory is cleared. */
  private void ended(ManagedVm vm, VmEnd seen) {
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
    write(vm, lease);
    clear(vm, isFailure(end));
    boolean failed = isFailure(end);
    LOG.log(
        failed ? WARNING : INFO,
        "The VM of {0} has ended: {1}, {2}",
        vm.computation(),
        Lease.word(end.kind()),
        end.reason());
    say(vm, "VmEnded", failed ? "Failed" : "Completed", Lease.endToJson(end));
    vm.done().complete(end);
    tellSoon();
  }

  private static boolean isFailure(VmEnd end) {
    return switch (end.kind()) {
      case FINISHED, STOPPED -> false;
      case CRASHED, KILLED, NEVER_BOOTED -> true;
    };
  }

  private void say(ManagedVm vm, String type, String status, JsonObject details) {
    events.say(new Event(type, status, clock.instant(), vm.computation(), ORIGINATOR, details));
  }

  private void write(ManagedVm vm, Lease lease) {
    try {
      directories.write(vm.directory(), lease);
    } catch (IOException e) {
      // The VM goes on without: only a manager that starts again would miss it.
      LOG.log(ERROR, "The lease of " + vm.computation() + " cannot be written", e);
    }
  }

  private void clear(ManagedVm vm, boolean keepLogs) {
    try {
      directories.clear(vm.directory(), keepLogs);
    } catch (IOException e) {
      LOG.log(WARNING, "The run directory of " + vm.computation() + " cannot be cleared", e);
    }
  }

  /**
   * Every second: VMs that were not let in, deadlines that have passed, and ends that the registry
   * does not know.
   */
  private void tick() {
    admissions.settle();
    Instant now = clock.instant();
    List<ManagedVm> all;
    synchronized (vms) {
      all = List.copyOf(vms.values());
    }
    boolean toBeTold = false;
    for (ManagedVm vm : all) {
      if (vm.isOverdue(now)) {
        LOG.log(INFO, "The time of {0} is over; its VM is ended.", vm.computation());
        vm.end(settings.grace(), "ttl-over");
      }
      toBeTold |= vm.isToBeTold();
    }
    if (toBeTold && registry.isConnected()) {
      tellSoon();
    }
  }

  private void tellSoon() {
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
    List<ManagedVm> all;
    synchronized (vms) {
      all = List.copyOf(vms.values());
    }
    for (ManagedVm vm : all) {
      try {
        if (vm.isToBeTold()) {
          tell(vm);
        }
      } catch (ManagerException e) {
        LOG.log(INFO, "The end of {0} is told later: {1}", vm.computation(), e.getMessage());
        return;
      }
    }
    trim();
  }

  /**
   * Tells the registry of an end.
   *
   * @throws ManagerException {@code RETRY} when it cannot be told now
   */
  private void tell(ManagedVm vm) {
    VmEnd end = vm.lease().end().orElseThrow();
    synchronized (vm.telling()) {
      // Where another run of the computation has begun, its registry knows; and to tell now would
      // end that.
      if (!vm.isToBeTold() || !isCurrent(vm)) {
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
      Lease lease = vm.told();
      if (isFailure(end) && !vm.isForgotten()) {
        write(vm, lease);
      } else {
        removeDirectory(vm);
      }
    }
    if (vm.isForgotten()) {
      drop(vm);
    }
  }

  private boolean isCurrent(ManagedVm vm) {
    synchronized (vms) {
      return vms.get(vm.computation()) == vm;
    }
  }

  /** Removes what is left of a VM that has ended. */
  private void drop(ManagedVm vm) {
    synchronized (vms) {
      if (vms.remove(vm.computation(), vm)) {
        removeDirectory(vm);
      }
    }
  }

  private void removeDirectory(ManagedVm vm) {
    try {
      directories.remove(vm.directory());
    } catch (IOException e) {
      LOG.log(WARNING, "The run directory of " + vm.computation() + " cannot be removed", e);
    }
  }

  /** Of VMs that have ended, only so many are kept to be looked at. */
  private void trim() {
    List<ManagedVm> ended = new ArrayList<>();
    synchronized (vms) {
      for (ManagedVm vm : vms.values()) {
        if (vm.state() == VmState.ENDED && !vm.isToBeTold()) {
          ended.add(vm);
        }
      }
    }
    for (int i = 0; i < ended.size() - MOST_ENDED; i++) {
      drop(ended.get(i));
    }
  }

  private ManagedVm require(String computation) {
    synchronized (vms) {
      ManagedVm vm = vms.get(computation);
      if (vm == null || (vm.isForgotten() && vm.state() == VmState.ENDED)) {
        throw new ManagerException(
            REFUSED, "unknown-vm", "There is no VM of this name here; GET /vms lists all.");
      }
      return vm;
    }
  }

  private static ManagerException runs(String computation) {
    return new ManagerException(
        REFUSED,
        "vm-runs",
        "The VM of %s has not ended: end it first, with DELETE.".formatted(computation));
  }

  /** Looks at one run directory that an earlier manager left. */
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
      put(vm);
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
      Optional<Vm> running = hypervisor.adopt(directory, new Watch(vm));
      if (running.isPresent()) {
        put(vm);
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
        put(vm);
        VmEnd unseen =
            new VmEnd(VmEnd.Kind.KILLED, "ended-unseen", OptionalInt.empty(), clock.instant());
        submit(() -> ended(vm, unseen));
      } else {
        LOG.log(WARNING, "No VM runs in {0} and nothing says whose it was; left alone.", directory);
      }
    } catch (HypervisorException e) {
      if (e.category() == HypervisorException.Category.RETRY && attempt < FIND_ATTEMPTS) {
        // It runs, so its slot and its name are taken until more is known.
        put(vm);
        LOG.log(INFO, "{0} is looked at again soon: {1}", directory, e.getMessage());
        var unused = tasks.schedule(() -> find(vm, leased, attempt + 1), 1, TimeUnit.SECONDS);
      } else {
        LOG.log(
            WARNING, "What is in {0} cannot be told; left alone: {1}", directory, e.getMessage());
      }
    }
  }

  private Lease unknownLease(String computation) {
    return new Lease(
        settings.fleet(),
        instance,
        computation,
        "unknown",
        null,
        clock.instant(),
        null,
        null,
        false,
        null,
        false);
  }

  private void put(ManagedVm vm) {
    synchronized (vms) {
      vms.put(vm.computation(), vm);
    }
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

  private static ThreadFactory daemon(String name) {
    return task -> {
      Thread thread = new Thread(task, name);
      thread.setDaemon(true);
      return thread;
    };
  }
}
