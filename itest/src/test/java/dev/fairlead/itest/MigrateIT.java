// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.itest;

import static org.assertj.core.api.Assertions.assertThat;

import dev.fairlead.protocol.json.Json;
import dev.fairlead.protocol.json.JsonObject;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Set;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A computation changes its transport while it speaks: real brokers, a real VM, a real hub. */
final class MigrateIT {

  @TempDir Path folder;

  @Test
  void aGuestGoesFromVsockToNatsToMqttAndBackWhileItSpeaks() throws Exception {
    JsonObject said = demo(0, "--hypervisor", "qemu", "--route", "vsock,nats,mqtt,vsock");

    assertThat(said.string("verdict")).isEqualTo("safe");
    assertThat(said.bool("resultVerified")).isTrue();
    assertThat(said.integer("lost", 0, Long.MAX_VALUE)).isZero();
    assertThat(said.integer("duplicates", 0, Long.MAX_VALUE)).isZero();
    assertThat(said.objects("findings")).isEmpty();
    List<JsonObject> legs = said.objects("legs");
    assertThat(legs).extracting(leg -> leg.string("to")).containsExactly("nats", "mqtt", "vsock");
    assertThat(legs).extracting(leg -> leg.string("verdict")).containsOnly("safe");
    assertThat(legs).extracting(leg -> leg.string("phase")).containsOnly("cut-over");
    assertThat(legs).allMatch(leg -> leg.integer("compared", 0, Long.MAX_VALUE) >= 400);
  }

  @Test
  void whatADrillMakesIsFoundByItsNumbersAndNobodyIsMoved() throws Exception {
    JsonObject said = demo(0, "--hypervisor", "process", "--inject", "drop=1,alter=1,duplicate=1");

    assertThat(said.string("verdict")).isEqualTo("unsafe");
    assertThat(words(said, "injected")).hasSize(3).isEqualTo(words(said, "findings"));
    assertThat(said.objects("injected"))
        .extracting(one -> one.string("kind"))
        .containsExactlyInAnyOrder("missing", "altered", "duplicate");
    assertThat(said.objects("legs")).isEmpty();
    assertThat(said.integer("lost", 0, Long.MAX_VALUE)).as("copies are not stored").isZero();
    assertThat(said.integer("duplicates", 0, Long.MAX_VALUE)).isZero();
  }

  private static Set<String> words(JsonObject json, String name) {
    return json.objects(name).stream()
        .map(
            one ->
                one.string("kind")
                    + " "
                    + one.string("computation")
                    + " "
                    + one.string("stream")
                    + " "
                    + one.integer("number", 1, Long.MAX_VALUE))
        .collect(Collectors.toSet());
  }

  private JsonObject demo(int status, String... words) throws Exception {
    Path json = folder.resolve("demo.json");
    List<String> all = new java.util.ArrayList<>(List.of("demo", "--migrate"));
    all.addAll(List.of(words));
    all.addAll(List.of("--json", json.toString()));
    try (FairleadCommand demo = FairleadCommand.start(folder, all.toArray(String[]::new))) {
      assertThat(demo.await(25)).as(demo.said()).isEqualTo(status);
    }
    return Json.parseObject(Files.readAllBytes(json), 1 << 20);
  }
}
