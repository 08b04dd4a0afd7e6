// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.itest;

import static org.assertj.core.api.Assertions.assertThat;

import dev.fairlead.protocol.json.Json;
import dev.fairlead.protocol.json.JsonObject;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** The whole way: a real broker, a real VM (or the agent as a process), a result that is right. */
final class DemoIT {

  @TempDir Path folder;

  @ParameterizedTest(name = "{0}, credential by {1}")
  @CsvSource({
    "process,initrd,process",
    "qemu,initrd,kvm|tcg",
    "qemu,cmdline,kvm|tcg",
    "qemu,fw_cfg,kvm|tcg"
  })
  void theDemoEndsWithAVerifiedResultAndLeavesNothing(
      String hypervisor, String channel, String accelerators) throws Exception {
    Path json = folder.resolve("demo.json");
    try (FairleadCommand demo =
        FairleadCommand.start(
            folder,
            "demo",
            "--hypervisor",
            hypervisor,
            "--set",
            "vm.channel=" + channel,
            "--json",
            json.toString())) {
      assertThat(demo.await(15)).as(demo.said()).isZero();
    }
    JsonObject said = Json.parseObject(Files.readAllBytes(json), 1 << 20);
    assertThat(said.string("transport")).isEqualTo("nats");
    assertThat(said.string("hypervisor")).isEqualTo(hypervisor);
    assertThat(accelerators.split("\\|")).contains(said.string("accelerator"));
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
}
