// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.itest;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;
import static org.junit.jupiter.api.Assumptions.assumeFalse;

import dev.fairlead.protocol.json.Json;
import dev.fairlead.protocol.json.JsonObject;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** The whole way: a real broker, a real VM (or the agent as a process), a result that is right. */
final class DemoIT {

  @TempDir Path folder;

  /** A device is named where the transport needs no network, and only there. */
  @ParameterizedTest(name = "{0}, {1}, credential by {2}")
  @CsvSource({
    "nats,process,initrd,process,",
    "nats,qemu,initrd,kvm|tcg,",
    "nats,qemu,cmdline,kvm|tcg,",
    "nats,qemu,fw_cfg,kvm|tcg,",
    "mqtt,process,initrd,process,",
    "mqtt,qemu,initrd,kvm|tcg,",
    "vsock,process,initrd,process,unix-socket",
    "vsock-nats,process,initrd,process,unix-socket",
    "vsock,qemu,initrd,kvm|tcg,vhost-vsock-pci|vhost-user-vsock-pci",
  })
  void theDemoEndsWithAVerifiedResultAndLeavesNothing(
      String transport,
      String hypervisor,
      String channel,
      String accelerators,
      @Nullable String devices)
      throws Exception {
    Path json = folder.resolve("demo.json");
    try (FairleadCommand demo =
        FairleadCommand.start(
            folder,
            "demo",
            "--transport",
            transport,
            "--hypervisor",
            hypervisor,
            "--set",
            "vm.channel=" + channel,
            "--json",
            json.toString())) {
      assertThat(demo.await(15)).as(demo.said()).isZero();
    }
    JsonObject said = Json.parseObject(Files.readAllBytes(json), 1 << 20);
    assertThat(said.string("transport")).isEqualTo(transport);
    assertThat(said.string("hypervisor")).isEqualTo(hypervisor);
    assertThat(accelerators.split("\\|")).contains(said.string("accelerator"));
    if (devices == null) {
      assertThat(said.has("device")).isFalse();
    } else {
      assertThat(devices.split("\\|")).contains(said.string("device"));
    }
    assertThat(said.string("state")).isEqualTo("Complete");
    assertThat(said.bool("resultVerified")).isTrue();
    JsonObject records = said.object("records");
    long appended = records.integer("appended", 0, Long.MAX_VALUE);
    assertThat(appended).isGreaterThanOrEqualTo(10_000);
    assertThat(records.integer("delivered", 0, Long.MAX_VALUE)).isEqualTo(appended);
    assertThat(records.integer("queued", 0, Long.MAX_VALUE)).isZero();
    assertThat(records.integer("dropped", 0, Long.MAX_VALUE)).isZero();
    assertThat(records.integer("duplicates", 0, Long.MAX_VALUE)).isZero();
    assertThat(said.has("image")).isEqualTo(hypervisor.equals("qemu"));

    assertThat(FairleadCommand.processesNaming(folder)).isEmpty();
    assertThat(folder.resolve("tmp")).isEmptyDirectory();
  }

  @Test
  void noLineIsLostWhenTheProgramBehindTheVsockDeviceDies() throws Exception {
    assumeFalse(Files.exists(Path.of("/dev/vhost-vsock")), "the kernel is the device");
    Path json = folder.resolve("demo.json");
    try (FairleadCommand demo =
        FairleadCommand.start(folder, "demo", "--transport", "vsock", "--json", json.toString())) {
      kill(demo, "Agent Connected");
      kill(demo, "AlgorithmRun Starting");
      assertThat(demo.await(15)).as(demo.said()).isZero();
    }
    JsonObject said = Json.parseObject(Files.readAllBytes(json), 1 << 20);
    assertThat(said.string("device")).isEqualTo("vhost-user-vsock-pci");
    assertThat(said.bool("resultVerified")).isTrue();
    JsonObject records = said.object("records");
    assertThat(records.integer("delivered", 0, Long.MAX_VALUE))
        .isEqualTo(records.integer("appended", 10_000, Long.MAX_VALUE));
    assertThat(records.integer("duplicates", 0, Long.MAX_VALUE)).isZero();
    assertThat(FairleadCommand.processesNaming(folder)).isEmpty();
  }

  /** Kills the program of the demo's VM as soon as the demo has said something. */
  private void kill(FairleadCommand demo, String when) {
    await()
        .atMost(Duration.ofMinutes(8))
        .until(() -> !demo.isRunning() || demo.said().contains(when));
    assertThat(demo.isRunning()).as(demo.said()).isTrue();
    List<Long> programs =
        FairleadCommand.processesNaming(folder).stream()
            .filter(line -> line.contains("--guest-cid"))
            .map(line -> Long.valueOf(line.substring(0, line.indexOf(' '))))
            .toList();
    programs.forEach(pid -> ProcessHandle.of(pid).ifPresent(ProcessHandle::destroyForcibly));
    assertThat(programs).hasSize(1);
  }
}
