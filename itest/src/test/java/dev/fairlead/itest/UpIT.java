// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.itest;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.fairlead.protocol.json.Json;
import dev.fairlead.protocol.json.JsonObject;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Path;
import java.time.Duration;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A host that is up, spoken to as users of the public contract do. */
final class UpIT {

  private static final String SEED_DIGEST =
      "7778cd80be286dba0d748c6f3d88c9e82bb8e5cb00dea05d3b63cab2ccfbe89a";

  @TempDir Path folder;
  private HostUp host;

  @BeforeEach
  void start() throws IOException {
    host = HostUp.start(folder);
  }

  @AfterEach
  void stop() {
    host.close();
  }

  @Test
  void theSeedRequestGivesOneVmAndASecondBesideIt() throws Exception {
    JsonObject first = run(seed());
    assertThat(first.string("id")).isEqualTo(SEED_DIGEST);
    assertThat(first.string("computation_id")).isEqualTo("123");
    assertThat(first.string("agent_address")).matches("localhost:\\d+");
    JsonObject second = run(seed());
    assertThat(second.string("id")).isEqualTo(SEED_DIGEST);
    assertThat(second.string("computation_id")).isEqualTo("123-2");
    assertThat(second.string("agent_address")).isNotEqualTo(first.string("agent_address"));

    // Each agent says hello, gets its own manifest, and waits for an algorithm.
    for (String id : new String[] {"123", "123-2"}) {
      await()
          .atMost(Duration.ofMinutes(2))
          .untilAsserted(
              () ->
                  assertThat(events(id))
                      .as(host.command().said())
                      .contains("\"event_type\":\"ReceivingAlgorithm\""));
    }
    assertThat(host.manager("DELETE", "/vms/123", null).statusCode()).isEqualTo(200);
    await()
        .atMost(Duration.ofMinutes(1))
        .untilAsserted(() -> assertThat(events("123")).contains("\"event_type\":\"VmEnded\""));

    host.command().terminate();
    assertThat(host.command().await(2)).isEqualTo(143);
    assertThat(FairleadCommand.processesNaming(folder)).isEmpty();
  }

  @Test
  void badInputGetsAClearError() throws Exception {
    assertThat(error("POST", "/run", "{\"computation\":[1,2,300]}")).startsWith("400 ");
    assertThat(error("POST", "/run", "{\"computation\"")).startsWith("400 ");
    assertThat(error("POST", "/run", "{}")).startsWith("400 ");
    assertThat(error("POST", "/run", "{\"computation\":{\"id\":\"a/b\"}}")).startsWith("400 ");
    assertThat(error("POST", "/run", "{\"computation\":\"" + "A".repeat(2 << 20) + "\"}"))
        .startsWith("413 ");
    assertThat(error("GET", "/vms/unknown", null)).startsWith("404 ");
    HttpResponse<String> plain =
        HttpClient.newHttpClient()
            .send(
                HttpRequest.newBuilder(URI.create(host.managerUrl() + "/run"))
                    .header("Content-Type", "text/plain")
                    .POST(HttpRequest.BodyPublishers.ofString("x"))
                    .build(),
                HttpResponse.BodyHandlers.ofString());
    assertThat(plain.statusCode()).isEqualTo(415);
    assertThat(host.computations("GET", "/computations/unknown", null).statusCode()).isEqualTo(404);
    assertThat(host.manager("GET", "/health", null).body()).contains("\"status\":\"pass\"");
  }

  private String error(String method, String path, @Nullable String body) throws Exception {
    HttpResponse<String> response = host.manager(method, path, body);
    JsonObject error = Json.parseObject(response.body().getBytes(UTF_8), 1 << 20).object("error");
    assertThat(error.string("message")).isNotEmpty();
    return response.statusCode() + " " + error.string("code");
  }

  private JsonObject run(String body) throws Exception {
    HttpResponse<String> response = host.manager("POST", "/run", body);
    assertThat(response.statusCode()).as(response.body() + host.command().said()).isEqualTo(200);
    return Json.parseObject(response.body().getBytes(UTF_8), 1 << 20);
  }

  private String events(String id) throws Exception {
    return host.computations("GET", "/computations/" + id + "/events", null).body();
  }

  private static String seed() throws IOException {
    try (var in = UpIT.class.getResourceAsStream("run-request-seed.json")) {
      if (in == null) {
        throw new IOException("The seed request is not among the test's resources.");
      }
      return new String(in.readAllBytes(), UTF_8);
    }
  }
}
