// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.hypervisor.qemu;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import dev.fairlead.hypervisor.host.ProcessIdentity;
import dev.fairlead.hypervisor.host.RunDirectory;
import dev.fairlead.protocol.json.ProtocolException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import java.util.UUID;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class VmFileTest {

  private static final Instant START = Instant.parse("2026-11-01T00:00:00Z");

  private final VmFile file =
      new VmFile(
          "123",
          new UUID(1, 2),
          Accelerator.KVM,
          START,
          START.plusSeconds(60),
          List.of("/usr/bin/qemu", "-accel", "kvm", "-append", "a \"b\" ü"),
          Optional.of(new Vsock(16, List.of("/usr/bin/vhost-device-vsock", "--guest-cid"))),
          Optional.of(new ProcessIdentity(4711, 123456, "b00t")));

  @TempDir private Path folder;
  private Path path;

  @BeforeEach
  void prepare() throws IOException {
    Files.setPosixFilePermissions(folder, PosixFilePermissions.fromString("rwx------"));
    path = folder.resolve("vm.json");
  }

  @Test
  void isReadAsWritten() throws IOException {
    file.write(RunDirectory.of(folder));
    assertThat(VmFile.read(path)).contains(file);
    VmFile tcg = file.with(Accelerator.TCG, START, START);
    tcg.write(RunDirectory.of(folder));
    assertThat(VmFile.read(path)).contains(tcg);
    assertThat(tcg.process()).isEmpty();
    assertThat(tcg.command()).contains("tcg,thread=multi,tb-size=128").doesNotContain("kvm");
  }

  @Test
  void absentAndAnothersAreNone() throws IOException {
    assertThat(VmFile.read(path)).isEmpty();
    Files.writeString(path, "{\"v\":1,\"hypervisor\":\"process\"}");
    assertThat(VmFile.read(path)).isEmpty();
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "\"v\":1|\"v\":2",
        "\"kvm\",\"startedAt\"|\"hvf\",\"startedAt\"",
        "2026-11|2026-13",
        "\"pid\":4711|\"pid\":-1",
        "\"pid\":4711|\"pid\":\"4711\"",
        "00000000-0000-0001-|zzzzzzzz-0000-0001-",
        "\"command\":[|\"command\":[[],",
        ",\"bootId\":\"b00t\"|''",
        "\"computation\":\"123\"|\"computation\":[]",
      })
  void refusesEachDamage(String from, String to) throws IOException {
    file.write(RunDirectory.of(folder));
    String whole = Files.readString(path);
    assertThat(whole).contains(from);
    Files.writeString(path, whole.replace(from, to));
    assertThatExceptionOfType(ProtocolException.class).isThrownBy(() -> VmFile.read(path));
  }

  @Test
  void refusesEveryCut() throws IOException {
    file.write(RunDirectory.of(folder));
    byte[] whole = Files.readAllBytes(path);
    for (int length = 0; length < whole.length; length++) {
      Files.write(path, java.util.Arrays.copyOf(whole, length));
      assertThatExceptionOfType(ProtocolException.class).isThrownBy(() -> VmFile.read(path));
    }
    Files.write(path, new byte[1 << 20]);
    assertThatExceptionOfType(ProtocolException.class).isThrownBy(() -> VmFile.read(path));
  }
}
