// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.agent.image;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

final class GuestFilesTest {

  @TempDir Path folder;

  @Test
  void theScriptsAreWhatBusyboxReads() throws IOException {
    Command command = new Command(folder, Duration.ofSeconds(20));
    String busybox = GuestFiles.busybox().toString();
    for (String script : GuestFiles.scripts()) {
      Path file = Files.writeString(folder.resolve("script"), script);
      assertThat(command.run("busybox-static", List.of(busybox, "sh", "-n", file.toString())))
          .isEmpty();
      assertThat(script).contains("SPDX-License-Identifier").doesNotContain("\r");
    }
  }

  @Test
  void busyboxHasWhatTheGuestNeeds() throws IOException {
    Command command = new Command(folder, Duration.ofSeconds(20));
    List<String> applets =
        command
            .run("busybox-static", List.of(GuestFiles.busybox().toString(), "--list"))
            .lines()
            .toList();
    assertThat(applets)
        .contains("acpid", "chroot", "insmod", "ip", "mknod", "mount", "poweroff")
        .contains("setpriv", "sh", "su", "timeout", "umount", "unshare");
  }
}
