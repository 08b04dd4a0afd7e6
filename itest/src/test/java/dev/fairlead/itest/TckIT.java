// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.itest;

import static org.assertj.core.api.Assertions.assertThat;

import dev.fairlead.protocol.json.Json;
import dev.fairlead.protocol.json.JsonObject;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** {@code fairlead tck}, as a stranger runs it: without Maven, on the plain module path. */
final class TckIT {

  /** Every transport that there is. */
  /** Each transport's own module runs the same rules; all of them once more are for --full. */
  private static final List<String> TRANSPORTS =
      Boolean.getBoolean("fairlead.full")
          ? List.of("memory", "mqtt", "nats", "vsock")
          : List.of("memory", "nats");

  @TempDir Path folder;

  @Test
  void everyTransportKeepsTheContract() throws Exception {
    JsonObject found =
        tck(0, "--transports", String.join(",", TRANSPORTS), "--saboteurs", "LOSES,LEAKS_A_THREAD");
    JsonObject transports = found.object("transports");
    assertThat(transports.names()).containsExactlyElementsOf(TRANSPORTS);
    for (String name : TRANSPORTS) {
      JsonObject one = transports.object(name);
      assertThat(one.integer("failed", 0, 999)).isZero();
      assertThat(one.integer("passed", 0, 999)).isGreaterThan(80);
      assertThat(one.strings("untested")).contains("T10.11");
      JsonObject file =
          Json.parseObject(
              Files.readAllBytes(folder.resolve("results").resolve(name + ".json")), 1 << 22);
      // Counted again, rather than believed.
      assertThat(file.objects("rules").stream().filter(r -> r.string("outcome").equals("passed")))
          .hasSize((int) one.integer("passed", 0, 999));
      assertThat(file.integer("millis", 0, Long.MAX_VALUE)).isLessThan(300_000);
    }
    assertThat(found.objects("saboteurs"))
        .hasSize(2)
        .allSatisfy(each -> assertThat(each.strings("caughtBy")).contains(each.string("rule")));
  }

  @Test
  void whatIsNotThereIsSaid() throws Exception {
    try (FairleadCommand command =
        FairleadCommand.start(folder, "tck", "--transports", "memory,pigeon")) {
      assertThat(command.await(1)).as(command.said()).isEqualTo(66);
      assertThat(command.said()).contains("there is no 'pigeon'", "memory");
    }
  }

  private JsonObject tck(int status, String... more) throws Exception {
    Path json = folder.resolve("tck.json");
    List<String> words =
        List.of(
            "tck", "--json", json.toString(), "--results", folder.resolve("results").toString());
    try (FairleadCommand command =
        FairleadCommand.start(
            folder, Stream.concat(words.stream(), List.of(more).stream()).toArray(String[]::new))) {
      assertThat(command.await(20)).as(command.said()).isEqualTo(status);
    }
    return Json.parseObject(Files.readAllBytes(json), 1 << 20);
  }
}
