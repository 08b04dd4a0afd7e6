// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.hypervisor.qemu.cpio;

import static java.nio.charset.StandardCharsets.US_ASCII;
import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class CpioWriterTest {

  private final ByteArrayOutputStream bytes = new ByteArrayOutputStream();
  @TempDir private Path directory;

  @Test
  void writesTheseVeryBytes() throws IOException {
    try (CpioWriter cpio = new CpioWriter(bytes, 1)) {
      cpio.file("a", 0640, "hello".getBytes(UTF_8));
    }
    String nul = "\0";
    assertThat(bytes.toString(US_ASCII))
        .isEqualTo(
            "070701"
                + "00000001"
                + "000081A0"
                + "00000000"
                + "00000000"
                + "00000001"
                + "00000001"
                + "00000005"
                + "00000000"
                + "00000000"
                + "00000000"
                + "00000000"
                + "00000002"
                + "00000000"
                + "a"
                + nul
                + "hello"
                + nul.repeat(3)
                + "070701"
                + "00000000".repeat(4)
                + "00000001"
                + "00000000".repeat(6)
                + "0000000B"
                + "00000000"
                + "TRAILER!!!"
                + nul
                + nul.repeat(3));
  }

  @Test
  void isReadByBusybox() throws Exception {
    try (CpioWriter cpio = new CpioWriter(bytes, 1_700_000_000)) {
      cpio.directory("d", 0750);
      cpio.file("d/file", 0400, 3, new ByteArrayInputStream(new byte[] {1, 2, 3}));
      cpio.file("d/empty", 0644, new byte[0]);
      cpio.link("d/link", "file");
      assertThat(cpio.written() % 4).isZero();
    }
    Path archive = Files.write(directory.resolve("a.cpio"), bytes.toByteArray());
    Process unpack =
        new ProcessBuilder("busybox", "cpio", "-i", "-d", "-m")
            .directory(directory.toFile())
            .redirectInput(archive.toFile())
            .redirectErrorStream(true)
            .start();
    String output = new String(unpack.getInputStream().readAllBytes(), UTF_8);
    assertThat(unpack.waitFor()).as(output).isZero();
    assertThat(directory.resolve("d/link")).hasBinaryContent(new byte[] {1, 2, 3});
    assertThat(directory.resolve("d/empty")).isEmptyFile();
    assertThat(Files.getLastModifiedTime(directory.resolve("d/file")).toMillis())
        .isEqualTo(1_700_000_000_000L);
  }

  @Test
  void refusesWhatTheKernelCouldNotUnpack() throws IOException {
    try (CpioWriter cpio = new CpioWriter(bytes, 0)) {
      cpio.directory("d", 0755);
      assertThatIllegalArgumentException()
          .isThrownBy(() -> cpio.file("x/y", 0644, new byte[0]))
          .withMessageContaining("directory");
      assertThatIllegalArgumentException().isThrownBy(() -> cpio.directory("d", 0755));
      assertThatIllegalArgumentException().isThrownBy(() -> cpio.directory("/etc", 0755));
      assertThatExceptionOfType(IOException.class)
          .isThrownBy(() -> cpio.file("d/s", 0644, 2, new ByteArrayInputStream(new byte[3])))
          .withMessageContaining("announced");
      cpio.finish();
      assertThatExceptionOfType(IOException.class).isThrownBy(() -> cpio.directory("e", 0755));
    }
  }
}
