// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.hypervisor.host;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import dev.fairlead.hypervisor.api.HypervisorException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class RunDirectoryTest {

  @TempDir private Path base;

  @Test
  void filesAreTheOwnersAlone() throws IOException {
    RunDirectory directory = RunDirectory.of(directory("rwx------"));
    Path file = directory.write("vm.json", new byte[] {1, 2});
    directory.write("vm.json", new byte[] {3});
    assertThat(file).hasBinaryContent(new byte[] {3});
    assertThat(Files.getPosixFilePermissions(file))
        .isEqualTo(PosixFilePermissions.fromString("rw-------"));
    assertThat(directory.path()).isDirectoryNotContaining("glob:**.new");
    directory.remove("vm.json", "absent");
    assertThat(directory.path()).isEmptyDirectory();
  }

  @Test
  void refusesADirectoryThatOthersMayEnter() throws IOException {
    Path open = directory("rwxr-x---");
    assertThatExceptionOfType(HypervisorException.class)
        .isThrownBy(() -> RunDirectory.of(open))
        .satisfies(e -> assertThat(e.code()).isEqualTo("run-directory"))
        .withMessageContaining("0700");
  }

  @Test
  void refusesWhatIsNoDirectory() {
    assertThatExceptionOfType(HypervisorException.class)
        .isThrownBy(() -> RunDirectory.of(base.resolve("absent")))
        .withMessageContaining("no directory");
  }

  private Path directory(String permissions) throws IOException {
    return Files.setPosixFilePermissions(
        Files.createDirectory(base.resolve(permissions)),
        PosixFilePermissions.fromString(permissions));
  }
}
