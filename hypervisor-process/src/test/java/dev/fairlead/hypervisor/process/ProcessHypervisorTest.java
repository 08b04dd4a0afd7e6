// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.hypervisor.process;

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
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class ProcessHypervisorTest {

  private static final Duration LONG = Duration.ofSeconds(60);

  private final List<ProcessHypervisor> hypervisors = new ArrayList<>();
  private final List<Vm> started = new ArrayList<>();
  private final List<VmEnd> ends = new CopyOnWriteArrayList<>();
  private final VmListener listener =
      new VmListener() {
        @Override
        public void noticed(Vm vm, String what, String detail) {}

        @Override
        public void ended(Vm vm, VmEnd end) {
          ends.add(end);
        }
      };

  @TempDir private Path folder;
  private Path run;

  @BeforeEach
  void makeRunDirectory() throws IOException {
    run = Files.createDirectory(folder.resolve("run"));
    Files.setPosixFilePermissions(run, PosixFilePermissions.fromString("rwx------"));
  }

  @AfterEach
  void leaveNothing() {
    for (Vm vm : started) {
      if (vm.isRunning()) {
        ProcessHandle.of(vm.pid()).ifPresent(ProcessHandle::destroyForcibly);
      }
    }
    hypervisors.forEach(ProcessHypervisor::close);
  }

  @Test
  void theAgentFindsWhatAGuestsWouldFind() throws Exception {
    ProcessHypervisor hypervisor =
        hypervisor(
            "cat $FAIRLEAD_CMDLINE_FILE $FAIRLEAD_CREDENTIAL_FILE; stat -c %A $FAIRLEAD_WORK;"
                + " env | sort; echo {computation} {run} {java}");
    Forward http = new Forward(new InetSocketAddress(loopback(), freePort()), 9031);
    Forward grpc = new Forward(new InetSocketAddress(loopback(), freePort()), 7002);
    Vm vm = start(hypervisor, spec(SecretChannel.INITRD, List.of(http, grpc), LONG));
    assertThat(vm.accelerator()).isEqualTo("process");
    assertThat(vm.computation()).isEqualTo("123");
    VmEnd end = ended(vm);
    assertThat(end.kind()).isEqualTo(Kind.FINISHED);
    assertThat(end.reason()).isEqualTo("exit-0");
    assertThat(ends).containsExactly(end);
    assertThat(console())
        .contains("fairlead.computation=123 fairlead.fleet=fl\n", "s3cret", "drwx------")
        .contains("FAIRLEAD_HTTP_PORT=" + http.host().getPort())
        .contains("FAIRLEAD_GRPC_PORT=" + grpc.host().getPort())
        .contains("MORE=1", "123 " + run + " /")
        .doesNotContain("fairlead.secret", "JAVA_HOME", "USER=");
    assertThat(run.resolve("credential")).doesNotExist();
  }

  @Test
  void byTheChannelCmdlineTheSecretIsAmongTheFacts() throws Exception {
    ProcessHypervisor hypervisor =
        hypervisor("cat $FAIRLEAD_CMDLINE_FILE; ls $FAIRLEAD_CREDENTIAL_FILE");
    Vm vm = start(hypervisor, spec(SecretChannel.CMDLINE, List.of(), LONG));
    assertThat(ended(vm).kind()).isEqualTo(Kind.CRASHED);
    assertThat(console()).contains("fairlead.secret=czNjcmV0\n");
  }

  @ParameterizedTest
  @CsvSource({
    "exit 0,FINISHED,exit-0",
    "exit 3,CRASHED,exit-3",
    "kill -9 $$,KILLED,signal-9",
    "kill -15 $$,KILLED,signal-15",
  })
  void tellsAGoodEndFromABadOne(String script, Kind kind, String reason) throws Exception {
    VmEnd end = ended(start(hypervisor(script), spec()));
    assertThat(end.kind()).isEqualTo(kind);
    assertThat(end.reason()).isEqualTo(reason);
  }

  @Test
  void endsInOrderWhereTheAgentListens() throws Exception {
    Vm vm = start(hypervisor("trap 'echo BYE; exit 0' TERM; echo UP; sleep 60 & wait"), spec());
    awaitConsole("UP");
    vm.end(LONG);
    assertThat(ended(vm).kind()).isEqualTo(Kind.STOPPED);
    assertThat(console()).contains("BYE");
    assertThat(vm.end(LONG).toCompletableFuture().get()).isEqualTo(ended(vm));
    assertThat(ends).hasSize(1);
  }

  @Test
  void endsByForceWhereItDoesNot() throws Exception {
    Vm vm = start(hypervisor("trap '' TERM; echo UP; while :; do sleep 1; done"), spec());
    awaitConsole("UP");
    vm.end(Duration.ofMillis(200));
    assertThat(ended(vm).reason()).isEqualTo("signal-9");
    assertThat(ended(vm).kind()).isEqualTo(Kind.STOPPED);
  }

  @Test
  void nothingThatItStartedOutlivesIt() throws Exception {
    Vm vm = start(hypervisor("(sleep 60 & echo $!; wait) & sleep 1; exit 5"), spec());
    awaitConsole("\n");
    ProcessIdentity orphan = ProcessIdentity.of(Long.parseLong(console().strip())).orElseThrow();
    assertThat(ended(vm).reason()).isEqualTo("exit-5");
    await().until(() -> !orphan.isAlive());
  }

  @Test
  void anotherManagerFindsItAgain() throws Exception {
    ProcessHypervisor first = hypervisor("echo UP; sleep 60");
    Vm vm = start(first, spec());
    awaitConsole("UP");
    vm.release();
    first.close();
    assertThat(ends).isEmpty();
    ProcessHypervisor second = hypervisor("unused");
    Vm again = second.adopt(run, listener).orElseThrow();
    assertThat(again.pid()).isEqualTo(vm.pid());
    again.end(Duration.ZERO);
    assertThat(ended(again).kind()).isEqualTo(Kind.STOPPED);
    assertThat(second.adopt(run, listener)).isEmpty();
  }

  @Test
  void doesNotTouchStrangers() throws Exception {
    ProcessHypervisor hypervisor = hypervisor("sleep 60");
    Vm vm = start(hypervisor, spec());
    Path file = run.resolve("vm.json");
    String whole = Files.readString(file);
    for (String other :
        List.of(
            whole.replaceFirst("\"startTicks\":\\d+", "\"startTicks\":1"),
            whole.replaceFirst("\"bootId\":\"", "\"bootId\":\"x"),
            whole.replace("\"hypervisor\":\"process\"", "\"hypervisor\":\"qemu\""))) {
      Files.writeString(file, other);
      assertThat(hypervisor.adopt(run, listener)).isEmpty();
    }
    for (String damaged : List.of("", "{", "[]", whole.replace("\"v\":1", "\"v\":2"))) {
      Files.writeString(file, damaged);
      assertThatExceptionOfType(HypervisorException.class)
          .isThrownBy(() -> hypervisor.adopt(run, listener))
          .satisfies(e -> assertThat(e.code()).isEqualTo("vm-file-damaged"));
    }
    assertThat(vm.isRunning()).isTrue();
    vm.end(Duration.ZERO);
    assertThat(ended(vm).kind()).isEqualTo(Kind.STOPPED);
  }

  @Test
  void anAgentThatStaysSilentIsEnded() throws Exception {
    Vm vm =
        start(
            hypervisor("sleep 60"), spec(SecretChannel.INITRD, List.of(), Duration.ofMillis(300)));
    assertThat(ended(vm).kind()).isEqualTo(Kind.NEVER_BOOTED);
  }

  @Test
  void aTakenPortIsToldApart() throws Exception {
    ProcessHypervisor hypervisor = hypervisor("sleep 60");
    try (ServerSocket taken = new ServerSocket(0, 1, loopback())) {
      Forward forward = new Forward(new InetSocketAddress(loopback(), taken.getLocalPort()), 7002);
      assertThatExceptionOfType(HypervisorException.class)
          .isThrownBy(
              () -> hypervisor.start(spec(SecretChannel.INITRD, List.of(forward), LONG), listener))
          .satisfies(e -> assertThat(e.code()).isEqualTo("port-taken"));
    }
    assertThat(run).isEmptyDirectory();
  }

  @Test
  void aProgramThatIsAbsentIsNoAgent() throws Exception {
    ProcessHypervisor hypervisor =
        new ProcessHypervisor(
            new ProcessSettings(List.of("/no/such/program"), Map.of()), InstantSource.system());
    hypervisors.add(hypervisor);
    Vm vm = start(hypervisor, spec());
    assertThat(ended(vm).kind()).isEqualTo(Kind.CRASHED);
    assertThat(console()).contains("/no/such/program");
  }

  private ProcessHypervisor hypervisor(String script) {
    ProcessHypervisor hypervisor =
        new ProcessHypervisor(
            new ProcessSettings(List.of("sh", "-c", script), Map.of("MORE", "1")),
            InstantSource.system());
    hypervisors.add(hypervisor);
    return hypervisor;
  }

  private Vm start(ProcessHypervisor hypervisor, VmSpec spec) {
    Vm vm = hypervisor.start(spec, listener);
    started.add(vm);
    return vm;
  }

  private VmSpec spec() {
    return spec(SecretChannel.INITRD, List.of(), LONG);
  }

  private VmSpec spec(SecretChannel channel, List<Forward> forwards, Duration bootDeadline) {
    return new VmSpec(
        "123",
        run,
        1,
        256,
        new TreeMap<>(Map.of("fairlead.computation", "123", "fairlead.fleet", "fl")),
        channel,
        "s3cret",
        forwards,
        List.of(),
        bootDeadline);
  }

  private VmEnd ended(Vm vm) throws Exception {
    return vm.ended().toCompletableFuture().get(60, TimeUnit.SECONDS);
  }

  private String console() throws IOException {
    return Files.readString(run.resolve("console.log"));
  }

  private void awaitConsole(String text) {
    await().atMost(LONG).until(() -> console().contains(text));
  }

  private static InetAddress loopback() throws IOException {
    return InetAddress.getByAddress(new byte[] {127, 0, 0, 1});
  }

  private static int freePort() throws IOException {
    try (ServerSocket socket = new ServerSocket(0, 1, loopback())) {
      return socket.getLocalPort();
    }
  }
}
