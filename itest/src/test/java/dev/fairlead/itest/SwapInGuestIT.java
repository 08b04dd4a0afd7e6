// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.itest;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.fairlead.protocol.LogRecord;
import dev.fairlead.protocol.json.Json;
import dev.fairlead.protocol.json.JsonObject;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A real VM goes from vsock to NATS, to MQTT and back to vsock, while its algorithm says lines. */
final class SwapInGuestIT {

  private static final int LINES = 6000;
  private static final String ALGORITHM =
      """
      #!/bin/sh
      i=0
      while [ $i -lt %d ]; do
        i=$((i+1)); echo "line $i"
        [ $((i %% 100)) = 0 ] && sleep 1
      done
      echo done > results/done
      """;
  private static final String RUN =
      """
      {"computation":{"id":"ticks","name":"Ticks","ttl":1800,"timeout":"20m0s"},
       "algorithm":{"file":"algorithm.sh","kind":"bin"},"datasets":[]}
      """;

  @TempDir Path folder;

  @Test
  void losesNothingOnItsWayThroughAllTransports() throws Exception {
    Path work = Files.createDirectory(folder.resolve("work"));
    Files.writeString(work.resolve("algorithm.sh"), ALGORITHM.formatted(LINES));
    Files.writeString(work.resolve("run.json"), RUN);
    try (HostUp host = HostUp.withVms(folder, "mixed");
        FairleadCommand run =
            FairleadCommand.start(
                work,
                "run",
                work.resolve("run.json").toString(),
                "--quiet",
                "--manager",
                host.managerUrl(),
                "--computations",
                host.computationsUrl(),
                "--output",
                work.resolve("result.zip").toString())) {
      await()
          .atMost(Duration.ofMinutes(8))
          .failFast(() -> assertThat(run.isRunning()).as(run.said()).isTrue())
          .until(() -> lines(host) > 200);
      for (String to : List.of("nats", "mqtt", "vsock")) {
        long before = lines(host);
        JsonObject said = swap(host, to);
        assertThat(said.integer("moved", 0, 1)).as(said.toString()).isEqualTo(1);
        await()
            .atMost(Duration.ofMinutes(2))
            .until(() -> lines(host) > before + 100 || lines(host) >= LINES);
        JsonObject agent = one(host).object("agent");
        assertThat(agent.string("transport")).isEqualTo(to);
        assertThat(agent.string("heard_on")).isEqualTo(to);
      }
      assertThat(run.await(10)).as(run.said()).isZero();
      assertThat(
              get(host, "/computations/ticks/logs")
                  .lines()
                  .map(line -> LogRecord.parse(line.getBytes(UTF_8)))
                  .filter(record -> record.source().equals("stdout"))
                  .map(LogRecord::message))
          .containsExactlyElementsOf(
              IntStream.rangeClosed(1, LINES).mapToObj(i -> "line " + i).toList());
    }
    assertThat(FairleadCommand.processesNaming(folder)).isEmpty();
  }

  private JsonObject swap(HostUp host, String to) throws IOException, InterruptedException {
    Path own = Files.createDirectory(folder.resolve("swap-" + to));
    Path json = own.resolve("swap.json");
    try (FairleadCommand swap =
        FairleadCommand.start(
            own,
            "swap",
            "ticks",
            "--to",
            to,
            "--computations",
            host.computationsUrl(),
            "--json",
            json.toString())) {
      assertThat(swap.await(3)).as(swap.said()).isZero();
    }
    return Json.parseObject(Files.readAllBytes(json), 1 << 16);
  }

  private static long lines(HostUp host) throws IOException, InterruptedException {
    return host.computations("GET", "/computations/ticks", null).statusCode() == 200
        ? one(host).object("lines").integer("logs", 0, Long.MAX_VALUE)
        : 0;
  }

  private static JsonObject one(HostUp host) throws IOException, InterruptedException {
    return Json.parseObject(get(host, "/computations/ticks").getBytes(UTF_8), 1 << 20);
  }

  private static String get(HostUp host, String path) throws IOException, InterruptedException {
    return host.computations("GET", path, null).body();
  }
}
