// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.hypervisor.host;

import static java.nio.charset.StandardCharsets.US_ASCII;
import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.io.OutputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.PosixFilePermissions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ConsoleFileTest {

  @TempDir private Path folder;

  @Test
  void staysWithinItsBoundsWhileItIsWritten() throws IOException {
    Files.setPosixFilePermissions(folder, PosixFilePermissions.fromString("rwx------"));
    ConsoleFile console = new ConsoleFile(RunDirectory.of(folder), 10);
    Path file = console.create();
    Path old = folder.resolve(ConsoleFile.OLD);
    assertThat(console.hasSpoken()).isFalse();
    try (OutputStream guest = Files.newOutputStream(file, StandardOpenOption.APPEND)) {
      guest.write("0123456789".getBytes(US_ASCII));
      console.trim();
      assertThat(old).doesNotExist();
      guest.write("abc".getBytes(US_ASCII));
      console.trim();
      assertThat(old).hasContent("3456789abc");
      assertThat(file).isEmptyFile();
      assertThat(console.hasSpoken()).isTrue();
      guest.write("new".getBytes(US_ASCII));
      assertThat(file).hasContent("new");
    }
    assertThat(PosixFilePermissions.toString(Files.getPosixFilePermissions(old)))
        .isEqualTo("rw-------");
    console.create();
    assertThat(console.hasSpoken()).isFalse();
  }
}
