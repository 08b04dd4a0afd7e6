// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.manager;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.awaitility.Awaitility.await;

import dev.fairlead.hypervisor.api.HypervisorException;
import dev.fairlead.hypervisor.api.VmChannel;
import dev.fairlead.hypervisor.api.VmEnd;
import dev.fairlead.hypervisor.api.VmSpec;
import dev.fairlead.protocol.Event;
import dev.fairlead.protocol.RunRequest;
import dev.fairlead.transport.api.TransportException;
import java.io.IOException;
import java.io.InputStream;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Objects;
import java.util.OptionalInt;
import java.util.Set;
import java.util.concurrent.Callable;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ManagerTest {

  @BeforeAll
  static void bePatient() {
    Awaitility.setDefaultTimeout(Duration.ofSeconds(40)); // a busy machine is late
  }

  private static final String SEED_DIGEST =
      "7778cd80be286dba0d748c6f3d88c9e82bb8e5cb00dea05d3b63cab2ccfbe89a";

  @TempDir Path folder;

  private final FakeHypervisor hypervisor = new FakeHypervisor();
  private final FakeRegistry registry = new FakeRegistry();
  private final TestDoor door = new TestDoor("door");
  private final List<Event> events = new CopyOnWriteArrayList<>();
  private volatile Instant now = Instant.parse("2026-11-01T12:00:00Z");
  private final InstantSource clock = () -> now;
  private final List<Manager> opened = new ArrayList<>();
  private ManagerSettings.Ports ports = TestPorts.free();
  private int maxVms = 10;
  private boolean endOnClose = true;

  private Manager open() {
    return open("runs");
  }

  private Manager open(String runs) {
    ManagerSettings base = ManagerSettings.in(folder.resolve(runs));
    ManagerSettings settings =
        new ManagerSettings(
            "fl",
            null,
            base.runs(),
            "localhost",
            maxVms,
            Duration.ofSeconds(3),
            endOnClose,
            base.http(),
            base.vm(),
            ports);
    RunDirectories directories = RunDirectories.open(settings.runs());
    Manager manager =
        new Manager(
            settings,
            directories.instance(null),
            directories,
            hypervisor,
            registry,
            events::add,
            admissions(),
            new Guests(false),
            clock);
    opened.add(manager);
    manager.start();
    return manager;
  }

  private Admissions admissions() {
    Admissions admissions = new Admissions();
    admissions.add(door);
    return admissions;
  }

  @AfterEach
  void close() {
    hypervisor.killAll();
    opened.forEach(Manager::close);
  }

  private static byte[] resource(String name) {
    try (InputStream in = ManagerTest.class.getResourceAsStream("/" + name)) {
      return in.readAllBytes();
    } catch (IOException e) {
      throw new IllegalStateException(e);
    }
  }

  private static RunRequest seed() {
    return RunRequest.parse(resource("run-request-seed.json"));
  }

  private static RunRequest computation(String json) {
    return RunRequest.parse(("{\"computation\":" + json + "}").getBytes(UTF_8));
  }

  private static HostPorts ports(VmView vm) {
    return Objects.requireNonNull(vm.ports(), "ports is null");
  }

  private static VmEnd end(VmView vm) {
    return Objects.requireNonNull(vm.end(), "end is null");
  }

  private List<String> said(String computation) {
    return events.stream()
        .filter(event -> event.computationId().equals(computation))
        .map(event -> event.type() + " " + event.status())
        .toList();
  }

  @Test
  void runsTheSeedOfTheContractTwiceSideBySide() throws Exception {
    Manager manager = open();
    VmView first = manager.run(seed());
    VmView second = manager.run(seed());
    assertThat(first.computation()).isEqualTo("123");
    assertThat(first.digest()).isEqualTo(SEED_DIGEST);
    assertThat(first.state()).isEqualTo(VmState.STARTING);
    assertThat(first.agentAddress()).isEqualTo("localhost:" + ports.firstGrpc());
    assertThat(first.ports())
        .isEqualTo(new HostPorts(ports.firstSsh(), ports.firstHttp(), ports.firstGrpc()));
    assertThat(first.deadline()).isEqualTo(now.plusSeconds(3600));
    assertThat(second.computation()).isEqualTo("123-2");
    assertThat(ports(second).all()).doesNotContainAnyElementsOf(ports(first).all());
    assertThat(manager.list()).extracting(VmView::computation).containsExactly("123", "123-2");
    assertThat(said("123")).containsExactly("VmProvision Starting", "VmRunning InProgress");
    Path directory = folder.resolve("runs").resolve("123");
    assertThat(PosixFilePermissions.toString(Files.getPosixFilePermissions(directory)))
        .isEqualTo("rwx------");
    assertThat(
            PosixFilePermissions.toString(
                Files.getPosixFilePermissions(directory.resolve(Lease.FILE))))
        .isEqualTo("rw-------");
  }

  @Test
  void composesPublicFactsForTheGuestAndKeepsNeitherManifestNorSecret() throws Exception {
    Manager manager = open();
    manager.run(seed());
    VmSpec spec = hypervisor.started.get(0);
    assertThat(spec.facts())
        .containsEntry("fairlead.computation", "123")
        .containsEntry("fairlead.fleet", "fl")
        .containsEntry("fairlead.transport", "nats")
        .containsEntry("fairlead.transports", "nats=tls://broker.fairlead:4222#" + "ab".repeat(32))
        .hasEntrySatisfying(
            "fairlead.credential", value -> assertThat(value).matches("initrd:[0-9a-f]{64}"))
        .hasSize(5);
    assertThat(spec.credential()).isEqualTo("credential-1");
    assertThat(spec.endpoints()).hasSize(1);
    assertThat(spec.endpoints().get(0).getHost()).isEqualTo("localhost");
    assertThat(spec.forwards())
        .extracting(VmSpec.Forward::guestPort)
        .containsExactly(22, 9031, 7002);
    assertThat(spec.forwards())
        .allMatch(forward -> forward.host().getAddress().isLoopbackAddress());
    String lease = Files.readString(spec.runDirectory().resolve(Lease.FILE));
    assertThat(lease).doesNotContain("credential-1").doesNotContain("Sample Computation");
  }

  @Test
  void givesTwentyParallelRunsTwentyDisjointSetsOfPorts() throws Exception {
    maxVms = 0;
    Manager manager = open();
    ExecutorService clients = Executors.newFixedThreadPool(20);
    try {
      List<Callable<VmView>> runs = new ArrayList<>();
      for (int i = 0; i < 20; i++) {
        runs.add(() -> manager.run(seed()));
      }
      Set<Integer> all = new HashSet<>();
      Set<String> ids = new HashSet<>();
      for (Future<VmView> run : clients.invokeAll(runs)) {
        all.addAll(ports(run.get()).all());
        ids.add(run.get().computation());
      }
      assertThat(all).hasSize(60);
      assertThat(ids).hasSize(20).contains("123", "123-20");
      assertThat(manager.leasedPorts()).isEqualTo(60);
    } finally {
      clients.shutdownNow();
    }
  }

  @Test
  void takesOtherPortsWhenAStrangerHasThem() throws Exception {
    Manager manager = open();
    try (ServerSocket stranger =
        new ServerSocket(ports.firstGrpc(), 1, InetAddress.getLoopbackAddress())) {
      VmView vm = manager.run(seed());
      assertThat(ports(vm).grpc()).isNotEqualTo(stranger.getLocalPort());
      assertThat(ports(vm).ssh()).isEqualTo(ports.firstSsh());
    }
    hypervisor.strangersTake.set(3);
    VmView second = manager.run(seed());
    assertThat(second.state()).isEqualTo(VmState.STARTING);
    assertThat(manager.leasedPorts()).isEqualTo(6);
    assertThat(Files.exists(folder.resolve("runs").resolve("123-2").resolve(Lease.FILE))).isTrue();
  }

  /** Neither manager's VMs listen yet, here: their ports look free to whoever binds them. */
  @Test
  void managersOfOneMachineShareNoPort() {
    Manager one = open();
    Manager other = open("others");
    Set<Integer> all = new HashSet<>();
    for (int i = 0; i < 5; i++) {
      all.addAll(ports(one.run(seed())).all());
      all.addAll(ports(other.run(seed())).all());
    }
    assertThat(all).hasSize(30);
    VmView given = one.get("123");
    one.close();
    VmView next = other.run(seed());
    assertThat(ports(next)).isEqualTo(ports(given));
  }

  @Test
  void saysThatNoPortIsLeft() {
    ports = new ManagerSettings.Ports(0, 0, 0, 22, 9031, 7002, ports.from(), ports.from() + 3);
    Manager manager = open();
    manager.run(seed());
    assertThatExceptionOfType(ManagerException.class)
        .isThrownBy(() -> manager.run(seed()))
        .matches(
            e -> e.code().equals("no-port") && e.category() == ManagerException.Category.RETRY);
    await().until(() -> registry.told.size() == 1);
    assertThat(registry.told.get(0)).isEqualTo("123-2 never-booted not-started: no-port");
    assertThat(manager.leasedPorts()).isEqualTo(3);
  }

  @Test
  void saysThatNoSlotIsLeft() {
    maxVms = 1;
    Manager manager = open();
    manager.run(seed());
    assertThatExceptionOfType(ManagerException.class)
        .isThrownBy(() -> manager.run(seed()))
        .matches(e -> e.code().equals("no-slot"));
    hypervisor.vm("123").kill("signal-9");
    await().until(() -> manager.running() == 0);
    assertThat(manager.run(seed()).state()).isEqualTo(VmState.STARTING);
  }

  @Test
  void leavesNothingBehindWhenTheRegistryIsAway() {
    Manager manager = open();
    registry.away = true;
    assertThatExceptionOfType(ManagerException.class)
        .isThrownBy(() -> manager.run(seed()))
        .matches(e -> e.code().equals("registry-unreachable"));
    assertThat(manager.running()).isZero();
    assertThat(manager.leasedPorts()).isZero();
    assertThat(manager.list()).isEmpty();
    assertThat(folder.resolve("runs").resolve("123")).doesNotExist();
  }

  @Test
  void refusesABadLifetimeBeforeAnythingIsStarted() {
    Manager manager = open();
    for (String ttl : List.of("-1", "2147483648", "\"1h\"", "1.5")) {
      assertThatExceptionOfType(dev.fairlead.protocol.json.ProtocolException.class)
          .as(ttl)
          .isThrownBy(() -> manager.run(computation("{\"id\":\"a\",\"ttl\":" + ttl + "}")));
    }
    assertThat(hypervisor.started).isEmpty();
    assertThat(manager.running()).isZero();
  }

  @Test
  void endsAVmWhoseTimeIsOver() {
    Manager manager = open();
    manager.run(computation("{\"id\":\"a\",\"ttl\":60}"));
    now = now.plusSeconds(59);
    assertThat(manager.get("a").state()).isEqualTo(VmState.STARTING);
    now = now.plusSeconds(1);
    await().until(() -> manager.get("a").state() == VmState.ENDED);
    VmEnd end = end(manager.get("a"));
    assertThat(end.kind()).isEqualTo(VmEnd.Kind.STOPPED);
    assertThat(end.reason()).isEqualTo("ttl-over, host-qmp-quit");
    await().until(() -> registry.told.contains("a stopped ttl-over, host-qmp-quit"));
  }

  @Test
  void reportsAnEndAndKeepsTheLogsOfAFailure() throws Exception {
    Manager manager = open();
    manager.run(seed());
    Path directory = folder.resolve("runs").resolve("123");
    hypervisor.vm("123").kill("signal-9");
    await().until(() -> registry.told.contains("123 killed signal-9"));
    assertThat(said("123")).endsWith("VmEnded Failed");
    Event event = events.get(events.size() - 1);
    assertThat(event.details().string("kind")).isEqualTo("killed");
    assertThat(event.details().string("reason")).isEqualTo("signal-9");
    assertThat(event.details().integer("exit_code", 0, 255)).isEqualTo(137);
    assertThat(manager.leasedPorts()).isZero();
    assertThat(manager.get("123").state()).isEqualTo(VmState.ENDED);
    assertThat(manager.get("123").ports()).isNull();
    await()
        .untilAsserted(
            () ->
                assertThat(names(directory)).containsExactlyInAnyOrder("console.log", Lease.FILE));
    assertThat(Files.readString(manager.console("123"))).isEqualTo("boot\n");
    manager.end("123", null);
    await().untilAsserted(() -> assertThat(directory).doesNotExist());
    assertThatExceptionOfType(ManagerException.class)
        .isThrownBy(() -> manager.get("123"))
        .matches(e -> e.code().equals("unknown-vm"));
  }

  private static List<String> names(Path directory) throws IOException {
    try (var entries = Files.list(directory)) {
      return entries.map(entry -> entry.getFileName().toString()).toList();
    }
  }

  @Test
  void removesTheDirectoryOfAVmThatFinished() {
    Manager manager = open();
    manager.run(seed());
    hypervisor
        .vm("123")
        .finish(new VmEnd(VmEnd.Kind.FINISHED, "guest-shutdown", OptionalInt.of(0), now));
    await().untilAsserted(() -> assertThat(folder.resolve("runs").resolve("123")).doesNotExist());
    assertThat(said("123")).endsWith("VmEnded Completed");
    assertThat(end(manager.get("123")).kind()).isEqualTo(VmEnd.Kind.FINISHED);
  }

  @Test
  void leavesTheDirectoryToTheNextVmOfTheName() {
    Manager manager = open();
    manager.run(seed());
    manager.run(computation("{\"id\":\"other\"}"));
    registry.beforeAnswer.set(() -> manager.run(seed()));
    hypervisor
        .vm("123")
        .finish(new VmEnd(VmEnd.Kind.FINISHED, "guest-shutdown", OptionalInt.of(0), now));
    await().until(() -> hypervisor.started.size() == 3);
    // Ends are told one after the other: what follows the first is done when the second is told.
    hypervisor.vm("other").kill("signal-9");
    await().until(() -> registry.told.contains("other killed signal-9"));
    assertThat(registry.told.get(0)).isEqualTo("123 finished guest-shutdown");
    assertThat(hypervisor.started.get(2).computation()).isEqualTo("123");
    assertThat(manager.get("123").state()).isEqualTo(VmState.STARTING);
    assertThat(folder.resolve("runs").resolve("123").resolve(Lease.FILE)).exists();
  }

  @Test
  void endsAVmOnRequest() {
    Manager manager = open();
    manager.run(seed());
    FakeHypervisor.FakeVm vm = hypervisor.vm("123");
    VmView ended = manager.end("123", Duration.ofSeconds(1));
    assertThat(vm.grace).isEqualTo(Duration.ofSeconds(1));
    assertThat(ended.state()).isEqualTo(VmState.ENDED);
    assertThat(end(ended).kind()).isEqualTo(VmEnd.Kind.STOPPED);
    await().untilAsserted(() -> assertThat(folder.resolve("runs").resolve("123")).doesNotExist());
    assertThat(registry.told).containsExactly("123 stopped host-qmp-quit");
    assertThat(manager.list()).isEmpty();
    assertThatExceptionOfType(ManagerException.class)
        .isThrownBy(() -> manager.end("123", null))
        .matches(e -> e.code().equals("unknown-vm"));
  }

  @Test
  void restartsOnlyWhatHasEndedUnderTheSameIdWithANewCredential() {
    Manager manager = open();
    manager.run(seed());
    assertThatExceptionOfType(ManagerException.class)
        .isThrownBy(() -> manager.restart("123"))
        .matches(e -> e.code().equals("vm-runs"));
    hypervisor.vm("123").kill("signal-9");
    await().until(() -> manager.get("123").state() == VmState.ENDED);
    VmView again = manager.restart("123");
    assertThat(again.computation()).isEqualTo("123");
    assertThat(again.digest()).isEqualTo(SEED_DIGEST);
    assertThat(again.deadline()).isEqualTo(now.plusSeconds(3600));
    assertThat(hypervisor.started.get(1).credential()).isEqualTo("credential-2");
    assertThat(registry.told).containsExactly("123 killed signal-9");
    assertThatExceptionOfType(ManagerException.class)
        .isThrownBy(() -> manager.restart("456"))
        .matches(e -> e.code().equals("unknown-computation"));
    manager.end("123", null);
    assertThat(manager.restart("123").deadline()).isEqualTo(now.plusSeconds(3600));
  }

  @Test
  void restartsOnceWhenAskedManyTimesAtOnce() throws Exception {
    Manager manager = open();
    manager.run(seed());
    hypervisor.vm("123").kill("signal-9");
    await().until(() -> manager.get("123").state() == VmState.ENDED);
    ExecutorService clients = Executors.newFixedThreadPool(8);
    try {
      List<Callable<Boolean>> restarts = new ArrayList<>();
      for (int i = 0; i < 8; i++) {
        restarts.add(
            () -> {
              try {
                manager.restart("123");
                return true;
              } catch (ManagerException e) {
                assertThat(e.code()).isEqualTo("vm-runs");
                return false;
              }
            });
      }
      int done = 0;
      for (Future<Boolean> restart : clients.invokeAll(restarts)) {
        done += restart.get() ? 1 : 0;
      }
      assertThat(done).isEqualTo(1);
      assertThat(manager.running()).isEqualTo(1);
    } finally {
      clients.shutdownNow();
    }
  }

  @Test
  void tellsAnEndLaterWhenTheRegistryIsAway() {
    Manager manager = open();
    manager.run(seed());
    registry.away = true;
    hypervisor.vm("123").kill("signal-9");
    await().until(() -> manager.get("123").state() == VmState.ENDED);
    assertThatExceptionOfType(ManagerException.class)
        .isThrownBy(() -> manager.restart("123"))
        .matches(e -> e.code().equals("registry-unreachable"));
    assertThat(registry.told).isEmpty();
    registry.away = false;
    manager.connected();
    await().until(() -> registry.told.size() == 1);
  }

  @Test
  void saysWhyAVmWasNotStarted() {
    Manager manager = open();
    hypervisor.refusal =
        new HypervisorException(
            HypervisorException.Category.BROKEN, "no-kernel", "Build the image.");
    assertThatExceptionOfType(ManagerException.class)
        .isThrownBy(() -> manager.run(seed()))
        .withMessage("Build the image.")
        .matches(
            e -> e.code().equals("no-kernel") && e.category() == ManagerException.Category.BROKEN);
    await().until(() -> registry.told.size() == 1);
    assertThat(registry.told.get(0)).isEqualTo("123 never-booted not-started: no-kernel");
    assertThat(manager.leasedPorts()).isZero();
    hypervisor.refusal = null;
    assertThat(manager.run(seed()).computation()).isEqualTo("123");
  }

  @Test
  void seesAVmThatEndsWhileItIsStarted() {
    Manager manager = open();
    hypervisor.endAtOnce =
        new VmEnd(VmEnd.Kind.CRASHED, "guest-panic", OptionalInt.of(0), Instant.now());
    manager.run(seed());
    await().until(() -> manager.get("123").state() == VmState.ENDED);
    await().until(() -> registry.told.contains("123 crashed guest-panic"));
    assertThat(manager.leasedPorts()).isZero();
  }

  @Test
  void knowsWhenAnAgentIsThere() {
    Manager manager = open();
    manager.run(seed());
    manager.hello("456");
    manager.hello("123");
    await().until(() -> manager.get("123").state() == VmState.BOOTED);
    assertThat(said("123")).endsWith("VmBooted Completed");
  }

  @Test
  void findsItsVmsAgain() throws Exception {
    endOnClose = false;
    Manager before = open();
    for (int i = 0; i < 10; i++) {
      before.run(seed());
    }
    before.hello("123");
    await().until(() -> before.get("123").state() == VmState.BOOTED);
    VmView second = before.get("123-2");
    before.close();
    assertThat(hypervisor.running).hasSize(10);
    hypervisor.vm("123-3").kill("while nobody looked");

    Manager after = open();
    assertThat(after.instance()).isEqualTo(before.instance());
    assertThat(after.get("123").state()).isEqualTo(VmState.BOOTED);
    assertThat(after.get("123").deadline()).isEqualTo(now.plusSeconds(3600));
    assertThat(after.get("123-2").ports()).isEqualTo(second.ports());
    assertThat(after.get("123-2").pid()).isEqualTo(second.pid());
    await().until(() -> registry.told.contains("123-3 killed ended-unseen"));
    assertThat(after.running()).isEqualTo(9);
    await().until(() -> after.leasedPorts() == 27);
    hypervisor.vm("123-4").kill("signal-9");
    await().until(() -> registry.told.contains("123-4 killed signal-9"));
    now = now.plusSeconds(3600);
    await().until(() -> after.running() == 0);
  }

  @Test
  void looksAgainAtAVmThatDoesNotAnswerAtOnce() {
    endOnClose = false;
    Manager before = open();
    before.run(seed());
    long pid = before.get("123").pid();
    before.close();
    hypervisor.busy.set(1);
    Manager after = open();
    assertThat(after.running()).isEqualTo(1);
    await().until(() -> after.get("123").pid() == pid);
    hypervisor.vm("123").kill("signal-9");
    await().until(() -> registry.told.contains("123 killed signal-9"));
  }

  @Test
  void touchesNothingThatIsNotItsOwn() throws Exception {
    endOnClose = false;
    Manager before = open();
    before.run(seed());
    before.close();
    Path runs = folder.resolve("runs");
    Path lease = runs.resolve("123").resolve(Lease.FILE);
    String text = Files.readString(lease);
    Files.createDirectory(runs.resolve("other"));
    Files.writeString(
        runs.resolve("other").resolve(Lease.FILE),
        text.replace("\"123\"", "\"other\"")
            .replaceFirst("\"instance\":\"[^\"]*\"", "\"instance\":\"x\""));
    Files.createDirectory(runs.resolve("rubbish"));
    Files.writeString(runs.resolve("rubbish").resolve("file"), "x");
    Files.createDirectory(runs.resolve("odd name"));
    Files.createDirectory(runs.resolve("torn"));
    Files.writeString(runs.resolve("torn").resolve(Lease.FILE), text.substring(0, 40));
    Files.createDirectory(runs.resolve("locked"));
    Files.writeString(runs.resolve("locked").resolve("unreadable"), "");
    Files.createSymbolicLink(runs.resolve("link"), folder);
    Files.writeString(lease, text.substring(0, text.length() / 2));

    Manager after = open();
    assertThat(after.list()).hasSize(1);
    VmView vm = after.get("123");
    assertThat(vm.state()).isEqualTo(VmState.STARTING);
    assertThat(vm.digest()).isNull();
    assertThat(vm.agentAddress()).isNull();
    assertThat(registry.told).isEmpty();
    for (String name : List.of("other", "rubbish", "odd name", "torn", "locked", "link")) {
      assertThat(runs.resolve(name)).exists();
    }
    after.end("123", null);
    await().until(() -> registry.told.contains("123 stopped host-qmp-quit"));
    assertThat(folder).isDirectory();
  }

  @Test
  void isAloneWithItsDirectories() {
    Manager manager = open();
    assertThat(manager.list()).isEmpty();
    assertThatExceptionOfType(ManagerException.class)
        .isThrownBy(this::open)
        .matches(e -> e.code().equals("runs-in-use"))
        .withMessageContaining(Long.toString(ProcessHandle.current().pid()));
  }

  @Test
  void endsItsVmsWhenItClosesIfConfigured() {
    Manager manager = open();
    manager.run(seed());
    manager.run(seed());
    manager.close();
    assertThat(hypervisor.running).isEmpty();
    assertThat(registry.told).hasSize(2);
    assertThat(folder.resolve("runs").resolve("123")).doesNotExist();
    await()
        .until(
            () ->
                Thread.getAllStackTraces().keySet().stream()
                    .noneMatch(thread -> thread.getName().startsWith("fl-manager")));
    assertThatExceptionOfType(ManagerException.class)
        .isThrownBy(() -> manager.run(seed()))
        .matches(e -> e.code().equals("closing"));
  }

  @Test
  void aVmIsLetInBeforeItStartsAndUntilItHasEnded() throws Exception {
    hypervisor.channel = new VmChannel(URI.create("vsock://16"), "vhost-vsock-pci");
    hypervisor.onStart = () -> assertThat(door.inside).containsEntry("123", "vsock://16");
    Manager manager = open();
    assertThat(manager.run(seed()).device()).isEqualTo("vhost-vsock-pci");
    assertThat(hypervisor.started).hasSize(1);
    hypervisor.vm("123").kill("signal-9");
    await().until(() -> manager.get("123").state() == VmState.ENDED);
    await().until(door.inside::isEmpty);
    assertThat(manager.get("123").device()).isNull();
    manager.restart("123");
    assertThat(door.inside).containsEntry("123", "vsock://16");
  }

  @Test
  void aVmThatIsNotLetInDoesNotStart() throws Exception {
    hypervisor.channel = new VmChannel(URI.create("vsock://16"), "vhost-vsock-pci");
    door.refusal =
        new TransportException(TransportException.Category.RETRY, "socket-busy", "Later.");
    Manager manager = open();
    assertThatExceptionOfType(ManagerException.class)
        .isThrownBy(() -> manager.run(seed()))
        .matches(e -> e.code().equals("socket-busy"))
        .matches(e -> e.category() == ManagerException.Category.RETRY);
    assertThat(hypervisor.started).isEmpty();
    assertThat(door.inside).isEmpty();
  }

  @Test
  void theNextManagerLetsInWhoRunsOn() throws Exception {
    endOnClose = false;
    hypervisor.channel = new VmChannel(URI.create("vsock://16"), "vhost-vsock-pci");
    Manager first = open();
    first.run(seed());
    first.close();
    assertThat(door.inside).isEmpty();
    door.refusal =
        new TransportException(TransportException.Category.RETRY, "socket-busy", "Later.");
    Manager second = open();
    assertThat(second.get("123").state()).isEqualTo(VmState.STARTING);
    assertThat(door.inside).isEmpty();
    door.refusal = null;
    await().until(() -> "vsock://16".equals(door.inside.get("123")));
  }
}
