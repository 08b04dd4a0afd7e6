// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.hypervisor.host;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.OptionalInt;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class HostProcessTest {

  private static final Map<String, String> ENVIRONMENT = Map.of("PATH", "/usr/bin:/bin", "A", "b");

  private final ScheduledExecutorService watch = Executors.newSingleThreadScheduledExecutor();
  @TempDir private Path directory;

  @AfterEach
  void stop() {
    watch.shutdownNow();
  }

  @Test
  void startsInASessionOfItsOwnWithNothingInherited() throws Exception {
    HostProcess process = sh("echo $PPID; ps -o sid= -p $$ || true; env; echo over >&2; exit 7");
    assertThat(process.ended().get(10, TimeUnit.SECONDS)).isEqualTo(OptionalInt.of(7));
    assertThat(Files.readString(output()))
        .contains("A=b", "over", String.valueOf(process.identity().pid()))
        .doesNotContain("HOME=");
    assertThat(process.isAlive()).isFalse();
  }

  @Test
  void tellsWhichSignalEndedIt() throws Exception {
    HostProcess process = sh("exec sleep 60");
    assertThat(process.isAlive()).isTrue();
    process.kill();
    assertThat(process.ended().get(10, TimeUnit.SECONDS)).isEqualTo(OptionalInt.of(128 + 9));
  }

  @Test
  void anAdoptedOneIsWatchedToo() throws Exception {
    HostProcess process = sh("exec sleep 60");
    HostProcess adopted = HostProcess.adopt(process.identity(), watch).orElseThrow();
    assertThat(adopted.isAlive()).isTrue();
    adopted.terminate();
    assertThat(adopted.ended().get(10, TimeUnit.SECONDS)).isEmpty();
    assertThat(HostProcess.adopt(process.identity(), watch)).isEmpty();
  }

  @Test
  void anotherProcessUnderTheSameNumberIsNotTouched() throws Exception {
    HostProcess process = sh("exec sleep 60");
    ProcessIdentity real = process.identity();
    for (ProcessIdentity other :
        List.of(
            new ProcessIdentity(real.pid(), real.startTicks() - 1, real.bootId()),
            new ProcessIdentity(real.pid(), real.startTicks(), "another boot"))) {
      assertThat(other.isAlive()).isFalse();
      assertThat(HostProcess.adopt(other, watch)).isEmpty();
    }
    assertThat(process.isAlive()).isTrue();
    process.kill();
  }

  @Test
  void aReleasedOneGoesOn() throws Exception {
    HostProcess process = sh("exec sleep 60");
    HostProcess adopted = HostProcess.adopt(process.identity(), watch).orElseThrow();
    adopted.release();
    assertThat(adopted.ended()).isCompletedExceptionally();
    assertThat(process.isAlive()).isTrue();
    process.kill();
  }

  @Test
  void killsAllOfItsSessionEvenOrphans() throws Exception {
    HostProcess process = sh("(sleep 60 & echo $! > orphan) & sleep 60 & echo $! > child; wait");
    await().until(() -> written("orphan") && written("child"));
    ProcessIdentity orphan = identity("orphan");
    ProcessIdentity child = identity("child");
    assertThat(orphan.isAlive()).isTrue();
    process.killSession();
    await().until(() -> !orphan.isAlive() && !child.isAlive() && !process.isAlive());
  }

  private HostProcess sh(String script) throws IOException {
    return HostProcess.start(List.of("sh", "-c", script), ENVIRONMENT, directory, output());
  }

  private Path output() {
    return directory.resolve("output");
  }

  private boolean written(String file) throws IOException {
    Path path = directory.resolve(file);
    return Files.exists(path) && !Files.readString(path).isBlank();
  }

  private ProcessIdentity identity(String file) throws IOException {
    long pid = Long.parseLong(Files.readString(directory.resolve(file)).strip());
    return ProcessIdentity.of(pid).orElseThrow();
  }
}
