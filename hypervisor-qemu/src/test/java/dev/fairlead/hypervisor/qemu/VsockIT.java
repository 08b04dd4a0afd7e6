// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.hypervisor.qemu;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.awaitility.Awaitility.await;
import static org.junit.jupiter.api.Assumptions.assumeFalse;

import dev.fairlead.hypervisor.api.HypervisorException;
import dev.fairlead.hypervisor.api.Vm;
import dev.fairlead.hypervisor.api.VmChannel;
import dev.fairlead.hypervisor.api.VmEnd;
import dev.fairlead.hypervisor.api.VmListener;
import dev.fairlead.hypervisor.api.VmSpec;
import dev.fairlead.hypervisor.api.VmSpec.SecretChannel;
import java.io.IOException;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.TreeMap;
import java.util.UUID;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.CleanupMode;
import org.junit.jupiter.api.io.TempDir;

/**
 * The vsock device of a real guest in a real QEMU, whose host is the real program, fetched from
 * Debian. What goes through it is tested with the agent, in {@code itest}.
 */
class VsockIT {

  private static final Duration LONG = Duration.ofSeconds(60);
  private static final String DEVICES = "/sys/bus/virtio/drivers/vmw_vsock_virtio_transport";

  /** Says each time that the guest's driver gets a device, and each time that it loses one. */
  private static final String WATCH_DEVICE =
      """
      has=no
      while true; do
        now=no; ls %s | grep -q '^virtio[0-9]' && now=yes
        [ $now = $has ] || { has=$now; n=$((n+1)); echo "DEVICE $n $has"; }
        usleep 20000
      done
      """
          .formatted(DEVICES);

  private static GuestKernel kernel;
  private static VsockPackage program;

  private final List<Vm> started = new ArrayList<>();
  private final List<QemuHypervisor> hypervisors = new ArrayList<>();
  private final Ears ears = new Ears();

  @TempDir(cleanup = CleanupMode.ON_SUCCESS)
  private Path folder;

  private Path run;

  @BeforeAll
  static void bringWhatIsNeeded() {
    kernel = GuestKernel.get();
    program = VsockPackage.fetch(cache(), line -> {});
  }

  private static Path cache() {
    return Path.of(System.getProperty("reactor.dir", ".."), ".fairlead/cache").toAbsolutePath();
  }

  @BeforeEach
  void makeRunDirectory() throws IOException {
    run =
        Files.createDirectory(
            folder.resolve("run"),
            PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rwx------")));
  }

  @AfterEach
  void leaveNothing() {
    for (Vm vm : started) {
      ProcessHandle.of(vm.pid())
          .filter(process -> vm.isRunning())
          .ifPresent(ProcessHandle::destroyForcibly);
    }
    daemons().forEach(ProcessHandle::destroyForcibly);
    hypervisors.forEach(QemuHypervisor::close);
  }

  @Test
  void whatIsFetchedIsFetchedOnceAndItsDigestsAreKept() {
    assertThat(VsockPackage.cached(cache())).contains(program);
    assertThat(program.packageSha256()).matches("[0-9a-f]{64}");
    assertThat(program.programSha256()).matches("[0-9a-f]{64}");
  }

  @Test
  void theGuestSeesADeviceAndNothingIsLeft() throws Exception {
    Vm vm = start(hypervisor(WATCH_DEVICE));
    VmChannel channel = vm.channel().orElseThrow();
    assertThat(ears.channels).containsExactly(channel);
    if (channel.device().equals("vhost-user-vsock-pci")) {
      assertThat(channel.peer()).hasToString("unix://" + run.toRealPath() + "/vsock.sock");
      assertThat(run.resolve("vsock.sock")).exists();
      assertThat(daemons()).hasSize(1);
    } else {
      assertThat(channel.peer()).hasToString("vsock://16");
    }
    awaitConsole("DEVICE 1 yes");
    assertThat(cids()).contains("\"cid\":16");

    vm.end(Duration.ZERO);
    assertThat(ended(vm).kind()).isEqualTo(VmEnd.Kind.STOPPED);
    assertThat(ears.notices).isEmpty();
    await().atMost(LONG).until(() -> daemons().isEmpty());
    assertThat(cids()).contains("\"leases\":[]");
    assertThat(run.toFile().list())
        .containsExactlyInAnyOrder("vm.json", "console.log", "qemu.log", "vsock.log");
  }

  @Test
  void aProgramThatDiesIsStartedAgainAndTheGuestGetsItsDeviceBack() throws Exception {
    assumeFalse(Vsock.isInKernel(Path.of("/")), "the kernel does not die");
    Vm vm = start(hypervisor(WATCH_DEVICE));
    awaitConsole("DEVICE 1 yes");
    ProcessHandle first = daemons().get(0);
    first.destroyForcibly();
    awaitConsole("DEVICE 3 yes");
    await().atMost(LONG).until(() -> ears.notices.contains("vsock-restored"));
    assertThat(ears.notices).containsExactly("vsock-lost", "vsock-restored");
    assertThat(daemons()).hasSize(1).doesNotContain(first);
    assertThat(console()).contains("DEVICE 2 no");
    assertThat(vm.isRunning()).isTrue();

    // And a second time: the first mending left everything as it was.
    daemons().get(0).destroyForcibly();
    awaitConsole("DEVICE 5 yes");
    vm.end(Duration.ZERO);
    ended(vm);
    await().atMost(LONG).until(() -> daemons().isEmpty());
  }

  @Test
  void theNextManagerFindsTheProgramAndMendsWhatDiedMeanwhile() throws Exception {
    assumeFalse(Vsock.isInKernel(Path.of("/")), "the kernel does not die");
    QemuHypervisor first = hypervisor(WATCH_DEVICE);
    Vm vm = start(first);
    awaitConsole("DEVICE 1 yes");
    first.close();
    ProcessHandle daemon = daemons().get(0);

    QemuHypervisor second = hypervisor(WATCH_DEVICE);
    Vm again = second.adopt(run, ears).orElseThrow();
    assertThat(again.channel()).isEqualTo(vm.channel()).isPresent();
    second.close();
    assertThat(daemons()).containsExactly(daemon);

    daemon.destroyForcibly();
    Vm third = hypervisor(WATCH_DEVICE).adopt(run, ears).orElseThrow();
    awaitConsole("DEVICE 3 yes");
    third.end(Duration.ZERO);
    ended(third);
    await().atMost(LONG).until(() -> daemons().isEmpty());
  }

  @Test
  void aVmThatEndsUnseenLeavesNothingToTheNextManager() throws Exception {
    QemuHypervisor first = hypervisor(WATCH_DEVICE);
    Vm vm = start(first);
    first.close();
    ProcessHandle qemu = ProcessHandle.of(vm.pid()).orElseThrow();
    qemu.destroyForcibly();
    qemu.onExit().get(60, TimeUnit.SECONDS);
    assertThat(hypervisor(WATCH_DEVICE).adopt(run, ears)).isEmpty();
    await().atMost(LONG).until(() -> daemons().isEmpty());
    assertThat(cids()).contains("\"leases\":[]");
  }

  @Test
  void whatPreventsTheStartLeavesNothing() throws Exception {
    ears.refusal = new IllegalStateException("not admitted");
    QemuHypervisor qemu = hypervisor("sleep 1000");
    assertThatExceptionOfType(IllegalStateException.class).isThrownBy(() -> start(qemu));
    assertThat(daemons()).isEmpty();
    assertThat(cids()).contains("\"leases\":[]");
    assertThat(run.resolve("vm.json")).doesNotExist();
  }

  @Test
  void aProgramThatIsMissingOrNoneIsSaidSo() throws Exception {
    assumeFalse(Vsock.isInKernel(Path.of("/")), "it is not needed");
    QemuHypervisor without = hypervisor("sleep 1000", "/nowhere/vhost-device-vsock");
    assertThatExceptionOfType(HypervisorException.class)
        .isThrownBy(() -> start(without))
        .satisfies(e -> assertThat(e.code()).isEqualTo("program-missing"))
        .withMessageContaining("doctor --fetch");
    QemuHypervisor wrong = hypervisor("sleep 1000", "/bin/false");
    assertThatExceptionOfType(HypervisorException.class)
        .isThrownBy(() -> start(wrong))
        .satisfies(e -> assertThat(e.code()).isEqualTo("vsock-failed"));
    assertThat(cids()).contains("\"leases\":[]");
    assertThat(run.resolve("vm.json")).doesNotExist();
  }

  private List<ProcessHandle> daemons() {
    return ProcessHandle.allProcesses()
        .filter(
            process -> {
              try {
                String line = Files.readString(Path.of("/proc/" + process.pid() + "/cmdline"));
                return line.contains("--guest-cid") && line.contains(folder.toString());
              } catch (IOException e) {
                return false;
              }
            })
        .toList();
  }

  private QemuHypervisor hypervisor(String script) throws IOException {
    return hypervisor(script, program.program().toString());
  }

  private QemuHypervisor hypervisor(String script, String daemon) throws IOException {
    QemuHypervisor hypervisor =
        new QemuHypervisor(
            new QemuSettings(
                kernel.kernel(),
                TestGuest.initramfs(folder, kernel, script),
                Optional.empty(),
                Optional.empty(),
                "qemu-system-x86_64",
                AcceleratorChoice.AUTO,
                List.of(),
                daemon,
                folder.resolve("state")),
            InstantSource.system(),
            UUID::randomUUID);
    hypervisors.add(hypervisor);
    return hypervisor;
  }

  private Vm start(QemuHypervisor qemu) {
    Vm vm =
        qemu.start(
            new VmSpec(
                "123",
                run,
                1,
                256,
                new TreeMap<>(),
                SecretChannel.INITRD,
                "s3cret",
                List.of(),
                List.of(URI.create("vsock://2:9998")),
                LONG),
            ears);
    started.add(vm);
    return vm;
  }

  private static VmEnd ended(Vm vm) throws Exception {
    return vm.ended().toCompletableFuture().get(60, TimeUnit.SECONDS);
  }

  private String cids() throws IOException {
    return Files.readString(folder.resolve("state").resolve(CidLeases.FILE));
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

  /** Remembers what it is told. */
  private static final class Ears implements VmListener {

    private final List<String> notices = new CopyOnWriteArrayList<>();
    private final List<VmEnd> ends = new CopyOnWriteArrayList<>();
    private final List<VmChannel> channels = new CopyOnWriteArrayList<>();
    private volatile @Nullable RuntimeException refusal;

    @Override
    public void opening(VmChannel channel) {
      channels.add(channel);
      RuntimeException refuse = refusal;
      if (refuse != null) {
        throw refuse;
      }
    }

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
