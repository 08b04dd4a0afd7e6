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
import java.util.Set;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** The benchmark measures what it says, loses nothing of ours, and keeps what it has. */
final class BenchIT {

  private static final List<String> TINY = List.of("-Dfairlead.bench.scale=tiny");
  private static final int MAX_BYTES = 64 << 20;

  @TempDir Path folder;

  @Test
  void everySubjectIsMeasuredAndNothingOfOursIsLost() throws Exception {
    Path results = folder.resolve("results");
    Path json = folder.resolve("bench.json");
    assertThat(
            bench(
                "--scenarios",
                "max-rate,fixed-rate",
                "--out",
                results.toString(),
                "--json",
                json.toString()))
        .isZero();
    JsonObject said = Json.parseObject(Files.readAllBytes(json), MAX_BYTES);
    assertThat(said.bool("complete")).isTrue();
    List<JsonObject> runs = said.objects("runs");
    for (String scenario : List.of("max-rate", "fixed-rate")) {
      Set<String> subjects =
          runs.stream()
              .filter(run -> run.string("scenario").equals(scenario))
              .map(run -> isOurs(run) ? run.string("transport") : run.string("baseline"))
              .collect(Collectors.toSet());
      assertThat(subjects)
          .contains("nats", "mqtt", "mqtt-qos1", "vsock")
          .contains("jnats-core", "jetstream", "paho-qos0", "paho-qos1", "unix-stream");
    }
    for (JsonObject run : runs) {
      assertThat(number(run, "appended")).as(run.toString()).isPositive();
      for (String wrong : List.of("lost", "duplicates", "reordered")) {
        if (isOurs(run)) {
          assertThat(number(run, wrong)).as("%s of %s", wrong, run).isZero();
        }
      }
      if (run.string("scenario").equals("fixed-rate")) {
        JsonObject latency = run.object("latencyMicros");
        assertThat(latency.names()).contains("p50", "p90", "p99", "p999", "max");
      }
      assertThat(run.names())
          .contains("producerPerSecond", "endToEndPerSecond", "cpuSecondsPerMillion")
          .contains("detectMs", "reconnectMs", "firstRecordMs", "drainedMs");
    }
    for (String file : List.of("results.json", "results.csv", "timeline.csv", "report.html")) {
      assertThat(results.resolve(file)).isNotEmptyFile();
    }
    assertThat(FairleadCommand.processesNaming(folder.resolve("tmp"))).isEmpty();
  }

  @ParameterizedTest
  @CsvSource({"nats,crash", "mqtt,crash", "vsock,crash", "nats,absent", "mqtt,agent-restart"})
  void whatComesBackAfterAFaultIsTimed(String transport, String scenario) throws Exception {
    Path json = folder.resolve("bench.json");
    Path results = folder.resolve("results");
    assertThat(
            bench(
                "--scenarios",
                scenario,
                "--transports",
                transport,
                "--out",
                results.toString(),
                "--json",
                json.toString()))
        .isZero();
    JsonObject run = Json.parseObject(Files.readAllBytes(json), MAX_BYTES).objects("runs").get(0);
    assertThat(number(run, "lost") + number(run, "duplicates")).as(run.toString()).isZero();
    assertThat(run.optionalNumber("reconnectMs")).as(run.toString()).isPresent();
    assertThat(run.optionalNumber("firstRecordMs")).as(run.toString()).isPresent();
    assertThat(run.optionalNumber("drainedMs")).as(run.toString()).isPresent();
    if (scenario.equals("crash")) {
      assertThat(run.optionalNumber("detectMs")).as(run.toString()).isPresent();
    }
  }

  @Test
  void longRunIsRecountedAsItGoesAndItsMemoryIsLookedAt() throws Exception {
    Path json = folder.resolve("bench.json");
    assertThat(
            bench(
                "--scenarios",
                "soak",
                "--transports",
                "vsock",
                "--seconds",
                "8",
                "--out",
                folder.resolve("results").toString(),
                "--json",
                json.toString()))
        .isZero();
    JsonObject run = Json.parseObject(Files.readAllBytes(json), MAX_BYTES).objects("runs").get(0);
    assertThat(number(run, "appended")).as(run.toString()).isPositive();
    assertThat(number(run, "stored")).isEqualTo(number(run, "appended"));
    assertThat(number(run, "duplicates") + number(run, "reordered")).isZero();
    assertThat(run.array("memory").size()).isEqualTo(61);
    assertThat(run.optionalNumber("heapGrowthPerHour")).isPresent();
  }

  @Test
  void endedEarlyItKeepsWhatItHasAndLeavesNothing() throws Exception {
    Path results = folder.resolve("results");
    try (FairleadCommand bench =
        FairleadCommand.start(
            folder,
            TINY,
            "bench",
            "--transports",
            "vsock",
            "--scenarios",
            "max-rate",
            "--repeat",
            "50",
            "--out",
            results.toString())) {
      await()
          .atMost(Duration.ofMinutes(3))
          .until(() -> bench.said().contains("1 of 100") || !bench.isRunning());
      bench.terminate();
      assertThat(bench.await(2)).as(bench.said()).isNotZero();
    }
    JsonObject kept =
        Json.parseObject(Files.readAllBytes(results.resolve("results.json")), MAX_BYTES);
    assertThat(kept.string("incomplete")).isEqualTo("interrupted");
    assertThat(kept.objects("runs")).isNotEmpty();
    assertThat(FairleadCommand.processesNaming(folder.resolve("tmp"))).isEmpty();
    assertThat(folder.resolve("tmp")).isEmptyDirectory();
  }

  private int bench(String... words) throws IOException, InterruptedException {
    List<String> all = new ArrayList<>(List.of("bench"));
    all.addAll(List.of(words));
    try (FairleadCommand bench = FairleadCommand.start(folder, TINY, all.toArray(String[]::new))) {
      int status = bench.await(8);
      if (status != 0) {
        System.err.println(bench.said());
      }
      return status;
    }
  }

  private static boolean isOurs(JsonObject run) {
    return run.optionalString("baseline").isEmpty();
  }

  private static long number(JsonObject object, String name) {
    return object.integer(name, 0, Long.MAX_VALUE);
  }
}
