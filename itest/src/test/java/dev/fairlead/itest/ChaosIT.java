// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.itest;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.fairlead.protocol.json.Json;
import dev.fairlead.protocol.json.JsonObject;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Nothing is lost and nothing is twice when things break; and if it were, it would be seen. */
final class ChaosIT {

  private static final int CLEAN = 0;
  private static final int NOT_CLEAN = 1;

  @TempDir Path folder;

  @ParameterizedTest
  @CsvSource({"nats,delivered", "mqtt,delivered", "vsock,delivered", "nats,stored"})
  void everyLineIsStoredOnceWhateverBreaks(String transport, String forget) throws Exception {
    Path keep = folder.resolve("kept");
    JsonObject said =
        chaos(
            CLEAN,
            List.of(),
            "--transport",
            transport,
            "--forget",
            forget,
            "--seed",
            "3",
            "--keep",
            keep.toString());
    long appended = number(said, "appended");
    assertThat(appended).isGreaterThan(10_000);
    assertThat(number(said, "stored")).isEqualTo(appended);
    for (String wrong : List.of("lost", "duplicates", "reordered", "dropped")) {
      assertThat(number(said, wrong)).as(wrong).isZero();
    }
    JsonObject faults = said.object("faults");
    for (String kind : faults.names()) {
      assertThat(number(faults, kind)).as(kind).isPositive();
    }
    assertThat(faults.names()).hasSize(5);
    assertThat(said.object("books").bool("agree")).as(said.toString()).isTrue();
    assertThat(Files.readAllLines(keep.resolve("store.ndjson"))).hasSize((int) appended);
    assertThat(FairleadCommand.processesNaming(folder)).isEmpty();
    assertThat(folder.resolve("tmp")).isEmptyDirectory();
  }

  @Test
  void everyLineIsStoredOnceWhileAgentsChangeTheirTransport() throws Exception {
    JsonObject said = chaos(CLEAN, List.of(), "--swap", "--seed", "3");
    assertThat(number(said, "appended")).isGreaterThan(10_000);
    assertThat(number(said, "stored")).isEqualTo(number(said, "appended"));
    for (String wrong : List.of("lost", "duplicates", "reordered", "dropped")) {
      assertThat(number(said, wrong)).as(wrong).isZero();
    }
    assertThat(number(said, "swaps")).as(said.toString()).isPositive();
    assertThat(number(said, "otherBundlesRefreshed")).isZero();
    assertThat(said.object("books").bool("agree")).as(said.toString()).isTrue();
    assertThat(FairleadCommand.processesNaming(folder)).isEmpty();
  }

  @Test
  void bundleThatIsRefreshedMeanwhileIsCounted() throws Exception {
    JsonObject said = chaos(CLEAN, List.of("agent-refreshes-a-bundle"), "--swap", "--seed", "3");
    assertThat(number(said, "otherBundlesRefreshed")).as(said.toString()).isPositive();
  }

  @Test
  void collectorThatAcknowledgesTooEarlyIsFound() throws Exception {
    JsonObject said = chaos(NOT_CLEAN, List.of("collector-acks-early"), "--seed", "3");
    assertThat(number(said, "lost")).as(said.toString()).isPositive();
  }

  @Test
  void agentThatClaimsTooMuchIsFound() throws Exception {
    JsonObject said = chaos(NOT_CLEAN, List.of("agent-claims-early"), "--seed", "3");
    assertThat(number(said, "lost")).as(said.toString()).isPositive();
  }

  @Test
  void endedEarlyItLeavesNothing() throws Exception {
    try (FairleadCommand chaos =
        FairleadCommand.start(
            folder, "chaos", "--seconds", "60", "--rate", "100", "--agents", "2")) {
      // Itself, what carries messages, ledger, collector, two agents.
      await().atMost(Duration.ofMinutes(2)).until(() -> processes() >= 6 || !chaos.isRunning());
      chaos.terminate();
      assertThat(chaos.await(2)).as(chaos.said()).isNotZero();
    }
    assertThat(FairleadCommand.processesNaming(folder)).isEmpty();
    assertThat(folder.resolve("tmp")).isEmptyDirectory();
  }

  private int processes() {
    return FairleadCommand.processesNaming(folder).size();
  }

  private static long number(JsonObject object, String name) {
    return object.integer(name, 0, Long.MAX_VALUE);
  }

  private JsonObject chaos(int status, List<String> plant, String... words)
      throws IOException, InterruptedException {
    Path json = folder.resolve("chaos.json");
    List<String> all = new ArrayList<>(List.of("chaos"));
    all.addAll(List.of(words));
    all.addAll(
        List.of("--seconds", "15", "--rate", "4000", "--agents", "2", "--json", json.toString()));
    List<String> properties = plant.stream().map(p -> "-Dfairlead.chaos.plant=" + p).toList();
    try (FairleadCommand chaos =
        FairleadCommand.start(folder, properties, all.toArray(String[]::new))) {
      assertThat(chaos.await(8)).as(chaos.said()).isEqualTo(status);
    }
    return Json.parseObject(Files.readAllBytes(json), 1 << 20);
  }
}
