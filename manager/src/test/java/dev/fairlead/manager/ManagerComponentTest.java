// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.manager;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.awaitility.Awaitility.await;

import dev.fairlead.http.HttpProblem;
import dev.fairlead.http.JsonClient;
import dev.fairlead.protocol.json.JsonObject;
import dev.fairlead.transport.tck.memory.MemoryHub;
import dev.fairlead.transport.tck.memory.MemoryIssuer;
import dev.fairlead.transport.tck.memory.MemoryTransportProvider;
import java.io.IOException;
import java.io.InputStream;
import java.lang.reflect.Proxy;
import java.net.ServerSocket;
import java.net.URI;
import java.nio.file.Path;
import java.time.Duration;
import java.time.InstantSource;
import java.util.HashMap;
import java.util.Map;
import java.util.UUID;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ManagerComponentTest {

  @BeforeAll
  static void bePatient() {
    Awaitility.setDefaultTimeout(Duration.ofSeconds(40)); // a busy machine is late
  }

  @TempDir Path folder;

  private final FakeHypervisor hypervisor = new FakeHypervisor();

  /** What DS makes of a configuration: the given values, else the defaults. */
  private static ManagerComponent.Config config(Map<String, Object> given) {
    return (ManagerComponent.Config)
        Proxy.newProxyInstance(
            ManagerComponentTest.class.getClassLoader(),
            new Class<?>[] {ManagerComponent.Config.class},
            (proxy, method, arguments) ->
                given.getOrDefault(method.getName(), method.getDefaultValue()));
  }

  private Map<String, Object> settings() {
    ManagerSettings.Ports ports = TestPorts.free();
    Map<String, Object> settings = new HashMap<>();
    settings.put("fleet", "fl");
    settings.put("runs", folder.resolve("runs").toString());
    settings.put("environment", false);
    settings.put("http_port", freePort());
    settings.put("ports_ssh", ports.firstSsh());
    settings.put("ports_http", ports.firstHttp());
    settings.put("ports_grpc", ports.firstGrpc());
    settings.put("ports_from", ports.from());
    settings.put("ports_to", ports.to());
    return settings;
  }

  private static int freePort() {
    try (ServerSocket socket = new ServerSocket(0)) {
      return socket.getLocalPort();
    } catch (IOException e) {
      throw new IllegalStateException(e);
    }
  }

  private static byte[] seed() throws IOException {
    try (InputStream in =
        ManagerComponentTest.class.getResourceAsStream("/run-request-seed.json")) {
      return in.readAllBytes();
    }
  }

  @Test
  void runsWithAnIssuerInTheSameProcess() throws Exception {
    Map<String, Object> settings = settings();
    settings.put("on_close", "end");
    try (MemoryHub hub =
        MemoryHub.start(
            "c" + UUID.randomUUID().toString().substring(0, 8), InstantSource.system())) {
      MemoryIssuer issuer = new MemoryIssuer(hub, InstantSource.system());
      ManagerComponent component = new ManagerComponent(config(settings), hypervisor);
      component.bindTransport(new MemoryTransportProvider());
      JsonClient client =
          new JsonClient(URI.create("http://127.0.0.1:" + settings.get("http_port")), null);
      assertThatExceptionOfType(HttpProblem.class)
          .isThrownBy(() -> client.post("/run", seed()))
          .matches(e -> e.status() == 503 && e.code().equals("broker-unreachable"));
      try (TestRegistry registry = new TestRegistry(issuer, true)) {
        component.bindIssuer(issuer);
        await().until(() -> client.get("/health").string("registry").equals("connected"));
        JsonObject vm = client.post("/run", seed());
        assertThat(vm.string("computation_id")).isEqualTo("123");
        await().until(() -> registry.events.size() == 2);
        hypervisor.vm("123").kill("signal-9");
        await().until(() -> registry.registry.told.contains("123 killed signal-9"));
        assertThat(client.post("/vms/123/restart").string("state")).isEqualTo("starting");
        component.stop();
        assertThat(hypervisor.running).isEmpty();
        assertThat(registry.registry.told).contains("123 stopped host-qmp-quit");
      }
      component.unbindIssuer(issuer);
    }
    await()
        .until(
            () ->
                Thread.getAllStackTraces().keySet().stream()
                    .noneMatch(thread -> thread.getName().startsWith("fl-")));
  }

  @Test
  void undoesAStartThatFails() throws Exception {
    Map<String, Object> settings = settings();
    try (ServerSocket stranger = new ServerSocket(0)) {
      settings.put("http_port", stranger.getLocalPort());
      settings.put("http_host", "0.0.0.0");
      settings.put("http_token", "secret");
      assertThatExceptionOfType(HttpProblem.class)
          .isThrownBy(() -> new ManagerComponent(config(settings), hypervisor))
          .matches(e -> e.code().equals("port-taken"));
    }
    settings.put("http_port", freePort());
    new ManagerComponent(config(settings), hypervisor).stop();
  }

  @Test
  void refusesSettingsThatCannotBe() {
    Map<String, Object> settings = settings();
    settings.put("http_host", "0.0.0.0");
    assertThatExceptionOfType(HttpProblem.class)
        .isThrownBy(() -> new ManagerComponent(config(settings), hypervisor))
        .matches(e -> e.code().equals("token-missing"));
    settings.put("on_close", "maybe");
    assertThatExceptionOfType(ManagerException.class)
        .isThrownBy(() -> new ManagerComponent(config(settings), hypervisor))
        .withMessageContaining("on.close");
  }
}
