// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.manager;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.fairlead.delivery.SwapCounts;
import dev.fairlead.http.HttpSettings;
import dev.fairlead.http.JsonServer;
import dev.fairlead.hypervisor.api.HypervisorException;
import dev.fairlead.protocol.json.Json;
import dev.fairlead.protocol.json.JsonNull;
import dev.fairlead.protocol.json.JsonObject;
import java.io.IOException;
import java.io.InputStream;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Path;
import java.time.Duration;
import java.time.InstantSource;
import java.util.Base64;
import java.util.Map;
import java.util.SortedMap;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class ManagerRoutesTest {

  private volatile @Nullable LegacyCounts legacy;

  private static final String SEED_DIGEST =
      "7778cd80be286dba0d748c6f3d88c9e82bb8e5cb00dea05d3b63cab2ccfbe89a";

  @TempDir Path folder;

  private final HttpClient http = HttpClient.newHttpClient();
  private final FakeHypervisor hypervisor = new FakeHypervisor();
  private final FakeRegistry registry = new FakeRegistry();
  private final ManagerSettings.Ports ports = TestPorts.free();
  private Manager manager;
  private JsonServer server;

  @BeforeEach
  void open() {
    ManagerSettings base = ManagerSettings.in(folder.resolve("runs"));
    ManagerSettings settings =
        new ManagerSettings(
            "fl",
            "host-a",
            base.runs(),
            "localhost",
            3,
            Duration.ofSeconds(3),
            true,
            base.http(),
            base.vm(),
            ports);
    manager =
        new Manager(
            settings,
            "host-a",
            RunDirectories.open(settings.runs()),
            hypervisor,
            registry,
            event -> {},
            new Admissions(),
            new Guests(false),
            InstantSource.system());
    manager.start();
    server =
        JsonServer.start(
            HttpSettings.loopback("manager", 0),
            new ManagerRoutes(manager, link, () -> legacy, BuildFacts.read()).routes());
  }

  private final ManagerRoutes.LinkView link =
      new ManagerRoutes.LinkView() {
        @Override
        public boolean registryConnected() {
          return registry.isConnected();
        }

        @Override
        public SortedMap<String, SwapCounts> swaps() {
          return new TreeMap<>(Map.of("nats", new SwapCounts(7, 2)));
        }
      };

  @AfterEach
  void close() {
    server.close();
    hypervisor.killAll();
    manager.close();
  }

  private static byte[] resource(String name) {
    try (InputStream in = ManagerRoutesTest.class.getResourceAsStream("/" + name)) {
      return in.readAllBytes();
    } catch (IOException e) {
      throw new IllegalStateException(e);
    }
  }

  private HttpResponse<String> send(String method, String path, byte[] body, String type)
      throws Exception {
    HttpRequest.Builder request =
        HttpRequest.newBuilder(URI.create("http://127.0.0.1:" + server.port() + path))
            .method(method, HttpRequest.BodyPublishers.ofByteArray(body));
    if (!type.isEmpty()) {
      request.header("Content-Type", type);
    }
    return http.send(request.build(), HttpResponse.BodyHandlers.ofString());
  }

  private HttpResponse<String> run(byte[] body) throws Exception {
    return send("POST", "/run", body, "application/json");
  }

  private HttpResponse<String> ask(String method, String path) throws Exception {
    return send(method, path, new byte[0], "");
  }

  private static JsonObject json(HttpResponse<String> response) {
    return Json.parseObject(response.body().getBytes(UTF_8), 1 << 20);
  }

  private static String code(HttpResponse<String> response) {
    return json(response).object("error").string("code");
  }

  @Test
  void takesTheComputationInAllThreeShapes() throws Exception {
    byte[] computation = resource("computation-seed.json");
    String base64 = Base64.getEncoder().encodeToString(computation);
    String[] bodies = {
      new String(resource("run-request-seed.json"), UTF_8),
      "{\"computation\":\"" + base64 + "\",\"client_tls\":false}",
      "{\"computation\":" + new String(computation, UTF_8) + "}",
    };
    for (int i = 0; i < bodies.length; i++) {
      HttpResponse<String> response = run(bodies[i].getBytes(UTF_8));
      assertThat(response.statusCode()).as(response.body()).isEqualTo(200);
      assertThat(response.headers().firstValue("Content-Type")).contains("application/json");
      JsonObject vm = json(response);
      assertThat(vm.string("id")).isEqualTo(SEED_DIGEST);
      assertThat(vm.string("computation_id")).isEqualTo(i == 0 ? "123" : "123-" + (i + 1));
      assertThat(vm.string("agent_address"))
          .isEqualTo("localhost:" + vm.object("ports").integer("grpc", 1, 65_535));
      assertThat(vm.object("ports").names()).containsExactly("ssh", "http", "grpc");
      assertThat(vm.string("state")).isEqualTo("starting");
    }
    HttpResponse<String> full = run(bodies[0].getBytes(UTF_8));
    assertThat(full.statusCode()).isEqualTo(503);
    assertThat(code(full)).isEqualTo("no-slot");
    assertThat(json(ask("GET", "/vms")).objects("vms")).hasSize(3);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "{                                              | 400",
        "[]                                             | 400",
        "{}                                             | 400",
        "{\"computation\":null}                         | 400",
        "{\"computation\":12}                           | 400",
        "{\"computation\":[123,256]}                    | 400",
        "{\"computation\":[123,1.5]}                    | 400",
        "{\"computation\":[]}                           | 400",
        "{\"computation\":\"%%%\"}                      | 400",
        "{\"computation\":{}}                           | 400",
        "{\"computation\":{\"id\":\"a/b\"}}             | 400",
        "{\"computation\":{\"id\":\"_host-a\"}}         | 400",
        "{\"computation\":{\"id\":7}}                   | 400",
        "{\"computation\":{\"id\":\"a\",\"ttl\":-1}}    | 400",
        "{\"computation\":{\"id\":\"a\",\"timeout\":\"soon\"}} | 400",
      })
  void refusesWhatIsNoRequest(String body, int status) throws Exception {
    HttpResponse<String> response = run(body.getBytes(UTF_8));
    assertThat(response.statusCode()).as(response.body()).isEqualTo(status);
    assertThat(code(response)).isNotEmpty();
    assertThat(json(response).object("error").string("message")).isNotEmpty();
    assertThat(hypervisor.started).isEmpty();
  }

  @Test
  void refusesWhatHasTheWrongTypeOrSize() throws Exception {
    byte[] seed = resource("run-request-seed.json");
    assertThat(send("POST", "/run", seed, "text/plain").statusCode()).isEqualTo(415);
    assertThat(send("POST", "/run", seed, "").statusCode()).isEqualTo(415);
    assertThat(run(new byte[0]).statusCode()).isEqualTo(400);
    assertThat(run(new byte[(1 << 20) + 1]).statusCode()).isEqualTo(413);
    byte[] large =
        ("{\"computation\":{\"id\":\"a\",\"x\":\"" + "x".repeat(900_000) + "\"}}").getBytes(UTF_8);
    assertThat(run(large).statusCode()).isEqualTo(413);
    assertThat(ask("GET", "/run").statusCode()).isEqualTo(405);
    assertThat(ask("GET", "/nothing").statusCode()).isEqualTo(404);
    assertThat(ask("GET", "/vms/456").statusCode()).isEqualTo(404);
    assertThat(ask("DELETE", "/vms/456").statusCode()).isEqualTo(404);
    assertThat(ask("POST", "/vms/456/restart").statusCode()).isEqualTo(404);
    assertThat(ask("POST", "/vms/a%2Fb/restart").statusCode()).isEqualTo(400);
  }

  @Test
  void saysWhatToDoWhenTheRegistryIsAway() throws Exception {
    registry.away = true;
    HttpResponse<String> response = run(resource("run-request-seed.json"));
    assertThat(response.statusCode()).isEqualTo(503);
    assertThat(code(response)).isEqualTo("registry-unreachable");
    assertThat(json(ask("GET", "/health")).string("registry")).isEqualTo("connecting");
  }

  @Test
  void saysWhatKeepsVmsFromStarting() throws Exception {
    hypervisor.refusal =
        new HypervisorException(
            HypervisorException.Category.BROKEN, "no-kernel", "Build the image.");
    HttpResponse<String> response = run(resource("run-request-seed.json"));
    assertThat(response.statusCode()).isEqualTo(500);
    assertThat(code(response)).isEqualTo("no-kernel");
  }

  @Test
  void showsEndsAndRestarts() throws Exception {
    run(resource("run-request-seed.json"));
    assertThat(code(ask("POST", "/vms/123/restart"))).isEqualTo("vm-runs");
    assertThat(ask("POST", "/vms/123/restart").statusCode()).isEqualTo(409);
    assertThat(ask("GET", "/vms/123/console").body()).isEqualTo("boot\n");
    hypervisor.vm("123").kill("signal-9");
    await().until(() -> json(ask("GET", "/vms/123")).string("state").equals("ended"));
    JsonObject vm = json(ask("GET", "/vms/123"));
    assertThat(vm.object("ended").string("reason")).isEqualTo("signal-9");
    assertThat(vm.get("agent_address")).contains(JsonNull.NULL);
    JsonObject again = json(ask("POST", "/vms/123/restart"));
    assertThat(again.string("state")).isEqualTo("starting");
    assertThat(ask("DELETE", "/vms/123?grace=x").statusCode()).isEqualTo(400);
    JsonObject ended = json(ask("DELETE", "/vms/123?grace=0"));
    assertThat(ended.string("state")).isEqualTo("ended");
    assertThat(json(ask("GET", "/vms")).objects("vms")).isEmpty();
  }

  @Test
  void tellsHealthAndNumbers() throws Exception {
    JsonObject health = json(ask("GET", "/health"));
    assertThat(health.string("status")).isEqualTo("pass");
    assertThat(health.string("version")).isEqualTo("0.1.0");
    assertThat(health.names()).contains("commit", "description", "build_time", "instance_id");
    assertThat(health.string("instance_id")).isEqualTo("host-a");
    assertThat(ask("HEAD", "/health").statusCode()).isEqualTo(200);
    run(resource("run-request-seed.json"));
    String metrics = ask("GET", "/metrics").body();
    assertThat(metrics)
        .contains("fairlead_manager_vms{state=\"starting\"} 1\n")
        .contains("fairlead_manager_ports_leased 3\n")
        .contains(
            "fairlead_manager_link_swaps_total{transport=\"nats\",outcome=\"done\"} 7\n",
            "fairlead_manager_link_swaps_total{transport=\"nats\",outcome=\"failed\"} 2\n")
        .doesNotContain("legacy");
    legacy =
        new LegacyCounts() {
          @Override
          public long taken() {
            return 3;
          }

          @Override
          public long answered() {
            return 2;
          }

          @Override
          public long refused() {
            return 1;
          }
        };
    assertThat(ask("GET", "/metrics").body())
        .contains("fairlead_manager_legacy_frames_total{outcome=\"taken\"} 3\n")
        .contains("fairlead_manager_legacy_frames_total{outcome=\"answered\"} 2\n")
        .contains("fairlead_manager_legacy_frames_total{outcome=\"refused\"} 1\n");
  }
}
