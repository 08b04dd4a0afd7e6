// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.agent.door;

import static org.assertj.core.api.Assertions.assertThat;

import dev.fairlead.agent.StreamBooks;
import dev.fairlead.agent.core.Agent;
import dev.fairlead.agent.core.AgentSettings;
import dev.fairlead.agent.core.Reporter;
import dev.fairlead.agent.run.PlainSandbox;
import dev.fairlead.agent.run.RunLimits;
import dev.fairlead.http.HttpSettings;
import dev.fairlead.protocol.Event;
import dev.fairlead.protocol.LogRecord;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.SecureRandom;
import java.time.Duration;
import java.time.InstantSource;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class HttpDoorTest {

  private static final String DIGEST =
      "2faadab28b163fd6e4e9ed9b8ebed8bbe0083f3ebcbf6d37c6e8f1a3461bb0d3";

  @TempDir Path directory;

  private final HttpClient client = HttpClient.newHttpClient();
  private Agent agent;
  private HttpDoor door;

  @BeforeEach
  void open() throws IOException {
    agent =
        new Agent(
            new Agent.Identity("c1", "e1", "0"),
            new AgentSettings(
                1,
                1,
                1,
                new RunLimits(Duration.ofSeconds(60), 1 << 28, 64, 1 << 26, 1, 1),
                false,
                true),
            new Agent.Environment(
                directory,
                new PlainSandbox(directory.resolve("runs")),
                name -> Optional.empty(),
                new Reporter() {
                  @Override
                  public void event(Event event) {}

                  @Override
                  public void log(LogRecord line) {}

                  @Override
                  public Map<String, StreamBooks> books() {
                    return Map.of("logs", new StreamBooks(3, 2, 1, 0));
                  }
                },
                InstantSource.system(),
                System::nanoTime,
                new SecureRandom(),
                failure -> {}));
    agent.start();
    door = new HttpDoor(agent, "1.2.3", HttpSettings.loopback("agent", 0));
  }

  @AfterEach
  void close() {
    door.close();
    agent.close();
  }

  private HttpResponse<String> send(HttpRequest.Builder request) throws Exception {
    return client.send(request.build(), BodyHandlers.ofString());
  }

  private HttpRequest.Builder to(String path) {
    return HttpRequest.newBuilder(URI.create("http://127.0.0.1:%d%s".formatted(door.port(), path)));
  }

  private HttpResponse<String> run(String body) throws Exception {
    return send(
        to("/run").header("Content-Type", "application/json").POST(BodyPublishers.ofString(body)));
  }

  @Test
  void runTakesTheManifestOnceAndAnswersItsDigest() throws Exception {
    String seed =
        Files.readString(
            Path.of(
                HttpDoorTest.class.getResource("/dev/fairlead/agent/agent-run-seed.json").toURI()));
    // As curl -d sends it: without newlines.
    HttpResponse<String> first = run(seed.replace("\n", ""));
    assertThat(first.statusCode()).isEqualTo(200);
    assertThat(first.body()).isEqualTo("{\"id\":\"" + DIGEST + "\"}");
    HttpResponse<String> second = run(seed);
    assertThat(second.statusCode()).isEqualTo(409);
    assertThat(second.body()).contains("wrong-state", "ReceivingAlgorithm");
  }

  @Test
  void badInputIsRefusedAndChangesNothing() throws Exception {
    assertThat(run("{").statusCode()).isEqualTo(400);
    assertThat(run("").statusCode()).isEqualTo(400);
    assertThat(run("{\"id\":\"a b\"}").statusCode()).isEqualTo(400);
    assertThat(run("{\"id\":[]}").statusCode()).isEqualTo(400);
    assertThat(run(" ".repeat(2 << 20)).statusCode()).isEqualTo(413);
    assertThat(send(to("/run").POST(BodyPublishers.ofString("{}"))).statusCode()).isEqualTo(415);
    assertThat(send(to("/nothing")).statusCode()).isEqualTo(404);
    assertThat(send(to("/state")).body())
        .contains("\"state\":\"ReceivingManifest\"", "\"logs\":{\"appended\":3");
  }

  @Test
  void healthTellsStateAndVersion() throws Exception {
    HttpResponse<String> health = send(to("/health"));
    assertThat(health.statusCode()).isEqualTo(200);
    assertThat(health.body()).contains("\"status\":\"pass\"", "1.2.3", "ReceivingManifest");
  }
}
