// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.hypervisor.qemu;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import dev.fairlead.hypervisor.api.VmChannel;
import dev.fairlead.hypervisor.api.VmSpec.Forward;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.URI;
import java.net.UnknownHostException;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.UUID;
import org.junit.jupiter.api.Test;

class QemuCommandTest {

  private static final UUID ID = UUID.fromString("00000000-0000-4000-8000-00000000007b");

  @Test
  void withRelays() throws UnknownHostException {
    QemuCommand command =
        command(
            new GuestNetwork(
                List.of(
                    new Forward(
                        new InetSocketAddress(
                            InetAddress.getByAddress(new byte[] {127, 0, 0, 1}), 7020),
                        7002)),
                List.of(InetSocketAddress.createUnresolved("localhost", 4222)),
                List.of("/bin/nc", "-w", "10")),
            "console=ttyS0 fairlead.computation=a",
            Optional.empty());
    assertThat(String.join("\n", command.arguments()))
        .isEqualTo(
            """
            /usr/bin/qemu-system-x86_64
            -nodefaults
            -no-user-config
            -display
            none
            -M
            q35
            -accel
            tcg,thread=multi,tb-size=128
            -cpu
            max,-erms,-fsrm,-avx,-avx2,-la57
            -smp
            1
            -m
            512M
            -uuid
            00000000-0000-4000-8000-00000000007b
            -kernel
            /img/vmlinuz
            -initrd
            /run/fl/a b/initrd
            -append
            console=ttyS0 fairlead.computation=a
            -netdev
            user,id=n0,ipv6=off,restrict=on,hostfwd=tcp:127.0.0.1:7020-:7002,guestfwd=tcp:10.0.2.100:4222-cmd:/bin/sh -c 'exec "$0" "$@" 2>/dev/null' /bin/nc -w 10 localhost 4222
            -device
            virtio-net-pci,netdev=n0,romfile=
            -device
            virtio-rng-pci
            -device
            pvpanic-pci
            -name
            guest=computation-123,process=fl-computation-,debug-threads=on
            -qmp
            unix:/run/fl/a b/qmp.sock,server=on,wait=off
            -pidfile
            /run/fl/a b/pid
            -chardev
            file,id=console,path=/run/fl/a b/console.log,append=on
            -serial
            chardev:console
            -no-reboot
            -sandbox
            on,obsolete=deny,resourcecontrol=deny""");
  }

  @Test
  void withoutRelaysTheSandboxIsWhole() {
    QemuCommand command = command(none(), "x", Optional.of(Path.of("/run/fl/a,b/credential")));
    assertThat(QemuCommand.with(Accelerator.KVM, command.arguments()))
        .containsSequence("-accel", "kvm", "-cpu", "max")
        .containsSequence("-fw_cfg", "name=opt/fairlead/credential,file=/run/fl/a,,b/credential")
        .endsWith(
            "-sandbox", "on,obsolete=deny,elevateprivileges=deny,spawn=deny,resourcecontrol=deny");
  }

  @Test
  void aShellReadsTheLogLineAsTheArguments() throws Exception {
    QemuCommand command = command(none(), "it's $HOME \"x\" {\"a\":1}", Optional.empty());
    Process shell =
        new ProcessBuilder("sh", "-c", "printf '%s\\0' " + QemuCommand.logLine(command.arguments()))
            .start();
    String read = new String(shell.getInputStream().readAllBytes(), UTF_8);
    assertThat(read.split("\0")).containsExactlyElementsOf(command.arguments());
  }

  @Test
  void theLogLineHidesTheSecret() {
    QemuCommand command = command(none(), "a.b=c fairlead.secret=c2VjcmV0 d.e=f", Optional.empty());
    assertThat(QemuCommand.logLine(command.arguments()))
        .doesNotContain("c2VjcmV0")
        .contains("'a.b=c fairlead.secret=REDACTED d.e=f'");
  }

  @Test
  void theKernelsVsockIsOneDevice() {
    assertThat(command(Optional.of(Vsock.kernel(17))).arguments())
        .containsSequence("-M", "q35")
        .containsSequence("-device", "vhost-vsock-pci,id=vsock,guest-cid=17")
        .noneMatch(word -> word.contains("memory-backend"));
  }

  @Test
  void aProgramsVsockSharesTheGuestsMemory() {
    Vsock vsock = Vsock.user(17, Path.of("/usr/bin/vhost-device-vsock"), Path.of("/run/fl/a b"));
    assertThat(vsock.daemon())
        .containsExactly(
            "/usr/bin/vhost-device-vsock",
            "--guest-cid",
            "17",
            "--socket",
            "/run/fl/a b/vhost.sock",
            "--uds-path",
            "/run/fl/a b/vsock.sock");
    assertThat(command(Optional.of(vsock)).arguments())
        .containsSequence("-M", "q35,memory-backend=ram")
        .containsSequence("-m", "512M")
        .containsSequence("-object", "memory-backend-memfd,id=ram,size=512M,share=on")
        .containsSequence("-chardev", "socket,id=vsock-link,path=/run/fl/a b/vhost.sock")
        .containsSequence("-device", "pcie-root-port,id=vsock-port,chassis=1")
        .containsSequence(
            "-device", "vhost-user-vsock-pci,id=vsock,chardev=vsock-link,bus=vsock-port")
        .endsWith(
            "-sandbox", "on,obsolete=deny,elevateprivileges=deny,spawn=deny,resourcecontrol=deny");
    assertThat(vsock.channel(Path.of("/run/fl/a b")))
        .isEqualTo(
            new VmChannel(URI.create("unix:///run/fl/a%20b/vsock.sock"), "vhost-user-vsock-pci"));
    assertThat(Vsock.kernel(17).channel(Path.of("/run")))
        .isEqualTo(new VmChannel(URI.create("vsock://17"), "vhost-vsock-pci"));
  }

  private static GuestNetwork none() {
    return new GuestNetwork(List.of(), List.of(), List.of("relay"));
  }

  private static QemuCommand command(
      GuestNetwork network, String append, Optional<Path> credential) {
    return command(network, append, Optional.empty(), credential);
  }

  private static QemuCommand command(Optional<Vsock> vsock) {
    return command(none(), "x", vsock, Optional.empty());
  }

  private static QemuCommand command(
      GuestNetwork network, String append, Optional<Vsock> vsock, Optional<Path> credential) {
    return new QemuCommand(
        Path.of("/usr/bin/qemu-system-x86_64"),
        "computation-123",
        ID,
        Accelerator.TCG,
        1,
        512,
        Path.of("/img/vmlinuz"),
        Path.of("/run/fl/a b/initrd"),
        append,
        network,
        vsock,
        credential,
        Path.of("/run/fl/a b"));
  }
}
