// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.hypervisor.qemu;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.awaitility.Awaitility.await;

import dev.fairlead.hypervisor.api.HypervisorException;
import dev.fairlead.hypervisor.api.Vm;
import dev.fairlead.hypervisor.api.VmEnd;
import dev.fairlead.hypervisor.api.VmEnd.Kind;
import dev.fairlead.hypervisor.api.VmListener;
import dev.fairlead.hypervisor.api.VmSpec;
import dev.fairlead.hypervisor.api.VmSpec.Forward;
import dev.fairlead.hypervisor.api.VmSpec.SecretChannel;
import dev.fairlead.hypervisor.host.ProcessIdentity;
import java.io.IOException;
import java.net.BindException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.TreeMap;
import java.util.UUID;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.CleanupMode;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

/** Real guests in a real QEMU. */
class QemuIT {

  private static final String SECRET = "s3cret of the 1 agent";
  private static final Duration LONG = Duration.ofSeconds(60);
  private static GuestKernel kernel;

  private final List<Vm> started = new ArrayList<>();
  private final List<QemuHypervisor> hypervisors = new ArrayList<>();
  private final Ears ears = new Ears();

  @TempDir(cleanup = CleanupMode.ON_SUCCESS)
  private Path folder;

  private Path run;

  @BeforeAll
  static void unpack() {
    kernel = GuestKernel.get();
  }

  @BeforeEach
  void makeRunDirectory() throws IOException {
    run = runDirectory("run");
  }

  @AfterEach
  void leaveNothing() {
    for (Vm vm : started) {
      ProcessHandle.of(vm.pid())
          .filter(process -> vm.isRunning())
          .ifPresent(ProcessHandle::destroyForcibly);
    }
    hypervisors.forEach(QemuHypervisor::close);
  }

  @ParameterizedTest
  @EnumSource(SecretChannel.class)
  void theCredentialComesByEachChannel(SecretChannel channel) throws Exception {
    String read =
        switch (channel) {
          case INITRD -> "ls -l /fairlead/credential; cat /fairlead/credential";
          case CMDLINE -> "fact secret | tr '_-' '/+' | base64 -d";
          case FW_CFG -> "cat /sys/firmware/qemu_fw_cfg/by_name/opt/fairlead/credential/raw";
        };
    QemuHypervisor qemu = hypervisor(read + "; echo; cat /proc/cmdline; poweroff -f");
    Vm vm = start(qemu, spec(channel, List.of(), List.of()));
    String words = commandLine(vm);
    assertThat(vm.accelerator()).isIn("kvm", "tcg");
    assertThat(words).contains("guest=123,process=fl-123");
    assertThat(Files.readString(Path.of("/proc/" + vm.pid() + "/comm"))).isEqualTo("fl-123\n");
    assertThat(words).doesNotContain(SECRET);
    try (Stream<Path> files = Files.list(run)) {
      assertThat(files.filter(Files::isRegularFile))
          .allSatisfy(
              file ->
                  assertThat(PosixFilePermissions.toString(Files.getPosixFilePermissions(file)))
                      .isEqualTo("rw-------"));
    }

    assertThat(ended(vm))
        .extracting(VmEnd::kind, VmEnd::reason)
        .containsExactly(Kind.FINISHED, "guest-shutdown");
    assertThat(console())
        .contains(SECRET, "fairlead.computation=123", "fairlead.fleet=fl", "console=ttyS0 quiet");
    if (channel == SecretChannel.INITRD) {
      assertThat(console()).contains("-r--------    1 0        0");
    }
    assertThat(ears.ends).hasSize(1);
    assertThat(run.toFile().list()).containsExactlyInAnyOrder("vm.json", "console.log", "qemu.log");
    assertThat(qemu.adopt(run, ears)).isEmpty();
  }

  @ParameterizedTest
  @CsvSource({"reboot -f,guest-reset", "exit 3,guest-panic"})
  void aCrashIsNoGoodEnd(String script, String reason) throws Exception {
    Vm vm = start(hypervisor(script), spec());
    VmEnd end = ended(vm);
    assertThat(end.kind()).isEqualTo(Kind.CRASHED);
    assertThat(end.reason()).isEqualTo(reason);
    assertThat(end.exitCode()).isEqualTo(OptionalInt.of(0));
  }

  @Test
  void endsAGuestThatListensToItsPowerButton() throws Exception {
    QemuHypervisor qemu = hypervisor("acpid -f -l /dev/null & sleep 1; echo READY; sleep 1000");
    Vm vm = start(qemu, spec());
    awaitConsole("READY");
    assertThat(run.resolve("initrd")).doesNotExist();
    assertThat(vm.end(LONG)).isNotNull();
    assertThat(ended(vm))
        .extracting(VmEnd::kind, VmEnd::reason)
        .containsExactly(Kind.STOPPED, "guest-shutdown");
    assertThat(vm.end(LONG).toCompletableFuture().get().reason()).isEqualTo("guest-shutdown");
    assertThat(ears.ends).hasSize(1);
  }

  @Test
  void endsAGuestThatDoesNot() throws Exception {
    Vm vm = start(hypervisor("sleep 1000"), spec());
    vm.end(LONG);
    vm.end(Duration.ZERO);
    assertThat(ended(vm))
        .extracting(VmEnd::kind, VmEnd::reason)
        .containsExactly(Kind.STOPPED, "host-qmp-quit");
  }

  @Test
  void endsAQemuThatHangs() throws Exception {
    Vm vm = start(hypervisor("sleep 1000"), spec());
    signal("STOP", vm);
    vm.end(Duration.ZERO);
    assertThat(ended(vm))
        .extracting(VmEnd::kind, VmEnd::reason)
        .containsExactly(Kind.STOPPED, "signal-9");
  }

  @ParameterizedTest
  @CsvSource({"TERM,host-signal", "KILL,signal-9"})
  void noticesThatSomebodyElseKilledIt(String signal, String reason) throws Exception {
    Vm vm = start(hypervisor("sleep 1000"), spec());
    ProcessIdentity process = ProcessIdentity.of(vm.pid()).orElseThrow();
    signal(signal, vm);
    await().until(() -> !process.isAlive());
    await().until(() -> !ears.ends.isEmpty());
    assertThat(ended(vm))
        .extracting(VmEnd::kind, VmEnd::reason)
        .containsExactly(Kind.KILLED, reason);
    assertThat(Path.of("/proc/" + vm.pid())).as("no zombie").doesNotExist();
    assertThat(run.toFile().list()).doesNotContain("pid", "qmp.sock", "initrd");
  }

  @Test
  void anotherManagerFindsItAgain() throws Exception {
    String script = "echo READY; while sleep 0.1; do [ -e /tmp/x ] && poweroff -f; done";
    QemuHypervisor first = hypervisor(script);
    Vm vm = start(first, spec());
    awaitConsole("READY");
    QemuHypervisor second = hypervisor(script);
    Ears others = new Ears();
    assertThatExceptionOfType(HypervisorException.class)
        .isThrownBy(() -> second.adopt(run, others))
        .satisfies(e -> assertThat(e.code()).isEqualTo("monitor-busy"));

    vm.release();
    first.close();
    Vm again = second.adopt(run, others).orElseThrow();
    assertThat(again.pid()).isEqualTo(vm.pid());
    assertThat(again.computation()).isEqualTo("123");
    assertThat(again.isRunning()).isTrue();

    signal("KILL", again);
    assertThat(ended(again))
        .extracting(VmEnd::kind, VmEnd::reason)
        .containsExactly(Kind.KILLED, "gone");
    assertThat(others.ends).hasSize(1);
    assertThat(ears.ends).isEmpty();
    assertThat(run.toFile().list()).doesNotContain("pid", "qmp.sock");
  }

  @Test
  void aManagerThatDiedBetweenStartAndNoteLeavesNoStray() throws Exception {
    QemuHypervisor first = hypervisor("sleep 1000");
    Vm vm = start(first, spec());
    vm.release();
    first.close();
    Path file = run.resolve("vm.json");
    String whole = Files.readString(file);
    Files.writeString(file, whole.replaceFirst(",\"pid\".*}", "}"));
    QemuHypervisor second = hypervisor("sleep 1000");
    Vm again = second.adopt(run, ears).orElseThrow();
    assertThat(again.pid()).isEqualTo(vm.pid());
    assertThat(Files.readString(file)).isEqualTo(whole);
    again.end(Duration.ZERO);
    assertThat(ended(again).kind()).isEqualTo(Kind.STOPPED);
  }

  @Test
  void aVmWhoseFileIsDamagedTellsItAgain() throws Exception {
    QemuHypervisor first = hypervisor("sleep 1000");
    Vm vm = start(first, spec());
    vm.release();
    first.close();
    Path file = run.resolve("vm.json");
    String whole = Files.readString(file);
    Files.writeString(file, whole.substring(0, whole.length() / 2));
    QemuHypervisor second = hypervisor("sleep 1000");
    Vm again = second.adopt(run, ears).orElseThrow();
    assertThat(again.pid()).isEqualTo(vm.pid());
    assertThat(again.computation()).isEqualTo("123");
    assertThat(VmFile.read(file).orElseThrow())
        .usingRecursiveComparison()
        .ignoringFields("startedAt", "bootBy")
        .isEqualTo(written(whole));

    // Another's process does not tell for this directory.
    Path stranger = runDirectory("stranger");
    Files.writeString(stranger.resolve("vm.json"), "{");
    Files.copy(run.resolve("pid"), stranger.resolve("pid"));
    assertThatExceptionOfType(HypervisorException.class)
        .isThrownBy(() -> second.adopt(stranger, ears))
        .satisfies(e -> assertThat(e.code()).isEqualTo("vm-file-damaged"));
    again.end(Duration.ZERO);
    assertThat(ended(again).kind()).isEqualTo(Kind.STOPPED);
  }

  private VmFile written(String json) throws Exception {
    Path file = Files.writeString(runDirectory("written").resolve("vm.json"), json);
    return VmFile.read(file).orElseThrow();
  }

  @Test
  void doesNotTouchStrangers() throws Exception {
    QemuHypervisor qemu = hypervisor("sleep 1000");
    Vm vm = start(qemu, spec());
    vm.release();
    String whole = Files.readString(run.resolve("vm.json"));

    Path reused = runDirectory("reused");
    Files.writeString(
        reused.resolve("vm.json"), whole.replaceFirst("\"startTicks\":\\d+", "\"startTicks\":1"));
    assertThat(qemu.adopt(reused, ears)).isEmpty();

    Path another = runDirectory("another");
    Files.writeString(
        another.resolve("vm.json"), whole.replace("\"-smp\",\"1\"", "\"-smp\",\"2\""));
    assertThat(qemu.adopt(another, ears)).isEmpty();

    Path renamed = runDirectory("renamed");
    Files.writeString(
        renamed.resolve("vm.json"),
        whole.replace("\"computation\":\"123\"", "\"computation\":\"4\""));
    Files.createSymbolicLink(renamed.resolve("qmp.sock"), run.resolve("qmp.sock"));
    assertThat(qemu.adopt(renamed, ears)).isEmpty();

    Path cut = runDirectory("cut");
    Files.writeString(cut.resolve("vm.json"), whole.substring(0, whole.length() / 2));
    assertThatExceptionOfType(HypervisorException.class)
        .isThrownBy(() -> qemu.adopt(cut, ears))
        .satisfies(e -> assertThat(e.code()).isEqualTo("vm-file-damaged"));

    assertThat(qemu.adopt(runDirectory("empty"), ears)).isEmpty();
    Vm mine = qemu.adopt(run, ears).orElseThrow();
    mine.end(Duration.ZERO);
    assertThat(ended(mine).kind()).isEqualTo(Kind.STOPPED);
  }

  @Test
  void aTakenPortIsToldApart() throws Exception {
    QemuHypervisor qemu = hypervisor("sleep 1000");
    try (ServerSocket taken = new ServerSocket(0, 1, loopback())) {
      Forward forward = new Forward(new InetSocketAddress(loopback(), taken.getLocalPort()), 7002);
      assertThatExceptionOfType(HypervisorException.class)
          .isThrownBy(() -> start(qemu, spec(SecretChannel.INITRD, List.of(forward), List.of())))
          .satisfies(
              e -> {
                assertThat(e.category()).isEqualTo(HypervisorException.Category.RETRY);
                assertThat(e.code()).isEqualTo("port-taken");
              });
    }
    assertThat(run.resolve("vm.json")).doesNotExist();
    start(qemu, spec());
  }

  @Test
  void tellsWhatQemuSaysWhenItDoesNotStart() throws Exception {
    VmSpec tooLarge =
        new VmSpec(
            "123",
            run,
            1,
            1 << 30,
            new TreeMap<>(),
            SecretChannel.INITRD,
            SECRET,
            List.of(),
            List.of(),
            LONG);
    QemuHypervisor qemu = hypervisor("sleep 1000");
    assertThatExceptionOfType(HypervisorException.class)
        .isThrownBy(() -> qemu.start(tooLarge, ears))
        .satisfies(e -> assertThat(e.code()).isEqualTo("qemu-failed"))
        .withMessageContaining("qemu-system-x86_64:");
  }

  @Test
  void aGuestThatHangsUnderKvmIsStartedAgainWithTcgOnce() throws Exception {
    // A stand-in for a KVM that starts and runs nothing, for few hosts have one: QEMU, stopped.
    QemuHypervisor qemu =
        hypervisor("echo ALIVE; sleep 1000", stopped("kvm"), host("vmx"), AcceleratorChoice.AUTO);
    Vm vm = start(qemu, spec(Duration.ofSeconds(1)));
    assertThat(vm.accelerator()).isEqualTo("kvm");
    long before = vm.pid();
    await().atMost(LONG).until(() -> ears.notices.contains("restarted-with-tcg"));
    assertThat(vm.accelerator()).isEqualTo("tcg");
    assertThat(vm.pid()).isNotEqualTo(before);
    assertThat(ProcessHandle.of(before)).isEmpty();
    assertThat(ears.ends).isEmpty();

    Path second = runDirectory("second");
    VmSpec next =
        new VmSpec(
            "124",
            second,
            1,
            256,
            new TreeMap<>(),
            SecretChannel.INITRD,
            SECRET,
            List.of(),
            List.of(),
            LONG);
    Vm other = qemu.start(next, ears);
    started.add(other);
    assertThat(other.accelerator()).as("the verdict is remembered").isEqualTo("tcg");
  }

  @Test
  void aGuestThatNeverComesToLifeIsEnded() throws Exception {
    QemuHypervisor qemu =
        hypervisor("sleep 1000", stopped("tcg"), host("none"), AcceleratorChoice.AUTO);
    Vm vm = start(qemu, spec(Duration.ofSeconds(1)));
    assertThat(ended(vm))
        .extracting(VmEnd::kind, VmEnd::reason)
        .containsExactly(Kind.NEVER_BOOTED, "no-life");
  }

  @Test
  void theNetworkIsClosedButForItsBrokers() throws Exception {
    int port = freePort();
    List<ServerSocket> listeners = new ArrayList<>();
    try (ServerSocket other = new ServerSocket(0, 1, loopback())) {
      for (int own : List.of(9020, 9021)) {
        try {
          listeners.add(new ServerSocket(own, 1, loopback()));
        } catch (BindException e) {
          assertThat(e).as("somebody listens there already, which serves as well").isNotNull();
        }
      }
      String script =
          """
          B="10.0.2.100 %1$d"
          for a in "10.0.2.2 9020" "10.0.2.2 9021" "10.0.2.2 %2$d" "10.0.2.2 %1$d" \\
              "10.0.2.100 9020" "10.0.2.100 %2$d" "127.0.0.1 %1$d" "10.0.2.3 53"; do
            nc -w 2 $a </dev/null 2>/dev/null && echo "OPEN $a" || echo "SHUT $a"
          done
          nc $B </dev/null >/tmp/down; echo "DOWN $(wc -c </tmp/down) bytes"
          for i in 1 2 3; do
            until printf 'PING\\r\\n' | nc $B | grep -q PONG; do sleep 0.2; done
            for c in 1 2; do
              rm -f /tmp/f$c; mkfifo /tmp/f$c; sleep 1000 >/tmp/f$c & s=$!
              nc $B </tmp/f$c >/tmp/o$c & n=$!
              printf 'PING\\r\\n' >/tmp/f$c
              until grep -q PONG /tmp/o$c; do sleep 0.1; done
              eval "s$c=$s n$c=$n"
            done
            echo "TWO AT ONCE $i"
            wait $n1; wait $n2; kill $s1 $s2
            echo "LOST $i"
          done
          sleep 1000
          """
              .formatted(port, other.getLocalPort());
      QemuHypervisor qemu = hypervisor(script);
      Vm vm =
          start(
              qemu,
              spec(
                  SecretChannel.INITRD, List.of(), List.of(URI.create("tls://127.0.0.1:" + port))));
      awaitConsole("DOWN");
      assertThat(console()).contains("DOWN 0 bytes").doesNotContain("OPEN");
      assertThat(console().lines().filter(line -> line.startsWith("SHUT "))).hasSize(8);
      for (int round = 1; round <= 3; round++) {
        Process broker = broker(port);
        try {
          awaitConsole("TWO AT ONCE " + round);
        } finally {
          broker.destroyForcibly();
        }
        awaitConsole("LOST " + round);
      }
      vm.end(Duration.ZERO);
      assertThat(ended(vm).reason()).isEqualTo("host-qmp-quit");
    } finally {
      for (ServerSocket listener : listeners) {
        listener.close();
      }
    }
  }

  private Process broker(int port) throws IOException {
    return new ProcessBuilder(
            Programs.find("nats-server", "apt-get install -y nats-server").toString(),
            "-a",
            "127.0.0.1",
            "-p",
            String.valueOf(port))
        .redirectErrorStream(true)
        .redirectOutput(folder.resolve("broker.log").toFile())
        .start();
  }

  /** A QEMU that never runs a guest under one accelerator, and never needs a real KVM. */
  private String stopped(String accelerator) throws IOException {
    String qemu =
        Programs.find("qemu-system-x86_64", "apt-get install -y qemu-system-x86").toString();
    Path script = folder.resolve("qemu-stopped");
    Files.writeString(
        script,
        """
        #!/bin/bash
        [[ "$*" == *"-accel %s"* ]] && set -- "$@" -S
        exec -a "$0" %s "${@/#kvm/tcg}"
        """
            .formatted(accelerator, qemu));
    Files.setPosixFilePermissions(script, PosixFilePermissions.fromString("rwx------"));
    return script.toString();
  }

  /** A host's file system as the probe sees it. */
  private Path host(String flags) throws IOException {
    Path root = Files.createDirectories(folder.resolve("host"));
    Files.createDirectories(root.resolve("dev"));
    Files.createDirectories(root.resolve("proc"));
    Files.writeString(root.resolve("dev/kvm"), "");
    Files.writeString(root.resolve("proc/cpuinfo"), "flags : fpu " + flags + " sse\n");
    return root;
  }

  private QemuHypervisor hypervisor(String script) throws IOException {
    return hypervisor(script, "qemu-system-x86_64", Path.of("/"), AcceleratorChoice.AUTO);
  }

  private QemuHypervisor hypervisor(String script, String qemu, Path root, AcceleratorChoice choice)
      throws IOException {
    Path state = folder.resolve("state");
    QemuSettings settings =
        new QemuSettings(
            kernel.kernel(),
            TestGuest.initramfs(folder, kernel, script),
            Optional.empty(),
            Optional.empty(),
            qemu,
            choice,
            List.of(),
            QemuSettings.VSOCK_DAEMON,
            state);
    QemuHypervisor hypervisor =
        new QemuHypervisor(settings, root, InstantSource.system(), UUID::randomUUID);
    hypervisors.add(hypervisor);
    return hypervisor;
  }

  private Vm start(QemuHypervisor qemu, VmSpec spec) {
    Vm vm = qemu.start(spec, ears);
    started.add(vm);
    return vm;
  }

  private VmSpec spec() {
    return spec(LONG);
  }

  private VmSpec spec(Duration bootDeadline) {
    return new VmSpec(
        "123",
        run,
        1,
        256,
        new TreeMap<>(),
        SecretChannel.INITRD,
        SECRET,
        List.of(),
        List.of(),
        bootDeadline);
  }

  private VmSpec spec(SecretChannel channel, List<Forward> forwards, List<URI> endpoints) {
    return new VmSpec(
        "123",
        run,
        1,
        256,
        new TreeMap<>(Map.of("fairlead.computation", "123", "fairlead.fleet", "fl")),
        channel,
        SECRET,
        forwards,
        endpoints,
        LONG);
  }

  private VmEnd ended(Vm vm) throws Exception {
    return vm.ended().toCompletableFuture().get(60, TimeUnit.SECONDS);
  }

  private String console() throws IOException {
    return Files.readString(run.resolve("console.log"));
  }

  private void awaitConsole(String text) {
    await()
        .atMost(LONG)
        .pollInterval(Duration.ofMillis(50))
        .failFast(() -> !ears.ends.isEmpty())
        .until(() -> console().contains(text));
  }

  private Path runDirectory(String name) throws IOException {
    return Files.createDirectory(
        folder.resolve(name),
        PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rwx------")));
  }

  private static String commandLine(Vm vm) throws IOException {
    return Files.readString(Path.of("/proc/" + vm.pid() + "/cmdline"), UTF_8).replace('\0', ' ');
  }

  private static void signal(String name, Vm vm) throws IOException {
    GuestKernel.run(Path.of("."), "kill", "-" + name, String.valueOf(vm.pid()));
  }

  private static InetAddress loopback() throws IOException {
    return InetAddress.getByAddress(new byte[] {127, 0, 0, 1});
  }

  private static int freePort() throws IOException {
    try (ServerSocket socket = new ServerSocket(0, 1, loopback())) {
      return socket.getLocalPort();
    }
  }

  /** Remembers what it is told. */
  private static final class Ears implements VmListener {

    private final List<String> notices = new CopyOnWriteArrayList<>();
    private final List<VmEnd> ends = new CopyOnWriteArrayList<>();

    @Override
    public void noticed(Vm vm, String what, String detail) {
      notices.add(what);
    }

    @Override
    public void ended(Vm vm, VmEnd end) {
      ends.add(end);
    }
  }
}
