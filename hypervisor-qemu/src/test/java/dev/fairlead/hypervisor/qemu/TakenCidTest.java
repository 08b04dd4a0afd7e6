// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.hypervisor.qemu;

import static java.nio.charset.StandardCharsets.US_ASCII;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

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
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Numbers that others on this host have taken. A script stands in for QEMU, since it takes the
 * kernel's device to have them, which few test machines offer: it says what QEMU says then, and
 * notes which number it was given.
 */
class TakenCidTest {

  @TempDir private Path folder;
  private final List<VmChannel> channels = new ArrayList<>();

  @SuppressWarnings("NullAway.Init")
  private QemuHypervisor hypervisor;

  @SuppressWarnings("NullAway.Init")
  private Path tried;

  @BeforeEach
  void makeHost() throws IOException {
    tried = folder.resolve("tried");
    Path device = folder.resolve("root/dev/vhost-vsock");
    Files.createDirectories(device.getParent());
    Files.createFile(device);
    byte[] kernel = new byte[1024];
    System.arraycopy("HdrS".getBytes(US_ASCII), 0, kernel, 0x202, 4);
    Files.write(folder.resolve("kernel"), kernel);
    Files.writeString(folder.resolve("initramfs"), "070701");
    Files.createDirectory(
        folder.resolve("run"),
        PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rwx------")));
  }

  /** A host whose QEMU finds so many numbers taken, and then fails in another way. */
  private void host(int taken) throws IOException {
    Path qemu = folder.resolve("qemu");
    Files.writeString(
        qemu,
        """
        #!/bin/sh
        echo "$*" | sed -n 's/.*guest-cid=\\([0-9]*\\).*/\\1/p' >> %1$s
        [ $(wc -l < %1$s) -gt %2$d ] && { echo "no such luck"; exit 1; }
        echo "qemu: -device vhost-vsock-pci: vhost-vsock: unable to set guest cid: Address already in use"
        exit 1
        """
            .formatted(tried, taken));
    Files.setPosixFilePermissions(qemu, PosixFilePermissions.fromString("rwx------"));
    hypervisor =
        new QemuHypervisor(
            new QemuSettings(
                folder.resolve("kernel"),
                folder.resolve("initramfs"),
                Optional.empty(),
                Optional.empty(),
                qemu.toString(),
                AcceleratorChoice.TCG,
                List.of(),
                "none",
                folder.resolve("state")),
            folder.resolve("root"),
            InstantSource.system(),
            UUID::randomUUID);
  }

  @AfterEach
  void close() {
    hypervisor.close();
  }

  @Test
  void theNextNumberIsTakenForOneThatAnotherHas() throws Exception {
    host(3);
    assertThatExceptionOfType(HypervisorException.class)
        .isThrownBy(this::start)
        .withMessageContaining("no such luck");
    assertThat(Files.readAllLines(tried)).containsExactly("16", "17", "18", "19");
    // Who lets guests in is told of each before its VM begins.
    assertThat(channels)
        .extracting(channel -> channel.peer().toString())
        .containsExactly("vsock://16", "vsock://17", "vsock://18", "vsock://19");
    assertNothingIsLeft();
  }

  @Test
  void whereAllAreTakenItIsGivenUp() throws Exception {
    host(1_000);
    assertThatExceptionOfType(HypervisorException.class)
        .isThrownBy(this::start)
        .withMessageContaining("unable to set guest cid");
    assertThat(Files.readAllLines(tried))
        .containsExactlyElementsOf(IntStream.range(16, 36).mapToObj(Integer::toString).toList());
    assertNothingIsLeft();
  }

  private void assertNothingIsLeft() throws IOException {
    assertThat(Files.readString(folder.resolve("state").resolve(CidLeases.FILE)))
        .contains("\"leases\":[]");
    assertThat(folder.resolve("run").resolve(VmFile.NAME)).doesNotExist();
  }

  private Vm start() {
    return hypervisor.start(
        new VmSpec(
            "123",
            folder.resolve("run"),
            1,
            256,
            new TreeMap<>(),
            SecretChannel.INITRD,
            "s3cret",
            List.of(),
            List.of(URI.create("vsock://2:9998")),
            Duration.ofSeconds(60)),
        new VmListener() {
          @Override
          public void opening(VmChannel channel) {
            channels.add(channel);
          }

          @Override
          public void noticed(Vm vm, String what, String detail) {}

          @Override
          public void ended(Vm vm, VmEnd end) {}
        });
  }
}
