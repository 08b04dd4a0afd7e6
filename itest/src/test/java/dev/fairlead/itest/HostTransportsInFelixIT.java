// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.itest;

import static dev.fairlead.itest.Patience.await;
import static java.nio.charset.StandardCharsets.UTF_8;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.fairlead.bundles.Bundles;
import dev.fairlead.bundles.Shelf;
import dev.fairlead.bundles.Verifier;
import dev.fairlead.delivery.LinkHolder;
import dev.fairlead.http.JsonClient;
import dev.fairlead.protocol.Addresses;
import dev.fairlead.protocol.json.JsonObject;
import dev.fairlead.transport.access.CredentialIssuer;
import dev.fairlead.transport.api.TransportProvider;
import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.logging.Level;
import java.util.logging.Logger;
import javax.inject.Inject;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.osgi.framework.BundleContext;
import org.osgi.framework.FrameworkUtil;
import org.osgi.framework.ServiceRegistration;
import org.osgi.service.cm.ConfigurationAdmin;

/**
 * Computations service and manager in a real Felix gain and lose a transport, and have the bundle
 * of another changed, with real brokers, while an agent's lines flow. The manager speaks on the one
 * that comes and goes whenever that is there; agents say hello on either.
 */
@InFelix({
  "jackson-core",
  "h2",
  "transport-api",
  "transport-base",
  "transport-nats",
  "transport-mqtt",
  "protocol",
  "delivery",
  "http",
  "bundles",
  "computations",
  "hypervisor-api",
  "hypervisor-process",
  "manager"
})
class HostTransportsInFelixIT {

  private static final Logger PAHO = Logger.getLogger("org.eclipse.paho");
  private static final String FLEET = "f";
  private static final String NATS = "dev.fairlead.transport.nats";
  private static final String MQTT = "dev.fairlead.transport.mqtt";
  private static final String COMPUTATIONS = "dev.fairlead.computations";
  private static final String MANAGER = "dev.fairlead.manager";
  private static final String PROCESSES = "dev.fairlead.hypervisor.process";

  /** In this order they go again. */
  private static final List<String> CONFIGURED =
      List.of(MANAGER, PROCESSES, COMPUTATIONS, NATS + ".access", MQTT + ".access");

  @Inject private BundleContext context;
  @Inject private ConfigurationAdmin configurations;

  private Path folder = Path.of("");
  private @Nullable TransportBundles found;
  private JsonClient service = new JsonClient(URI.create("http://127.0.0.1:1"), null);
  private JsonClient manager = service;

  @Test
  void transportsComeAndGoWhileLinesFlow() throws Exception {
    PAHO.setLevel(Level.OFF);
    found = new TransportBundles(context);
    folder = Files.createTempDirectory("fl-it-");
    transports().of("mqtt").stop();
    start();
    ProviderGaps gaps = new ProviderGaps(context, "nats");
    context.addServiceListener(gaps);
    try {
      await(
          () -> "both are on NATS alone: %s, %b".formatted(links(), canRegister()),
          () -> links().equals("nats:connected") && canRegister());
      String computation = run();
      try (SpeakingAgent agent = speaker(computation)) {
        for (int i = 0; i < 3; i++) {
          transports().of("mqtt").start();
          await("it is on both", () -> links().equals("mqtt:connected nats:connected"));
          greet(run(), "mqtt");
          awaitMore(agent);
          transports().of("mqtt").stop();
          assertEquals("nats:connected", links(), "it lets go before the bundle is gone");
          assertTrue(canRegister(), "the manager speaks on the other");
          greet(run(), "nats");
          awaitMore(agent);
        }
        changeNats(agent, gaps);
        greet(run(), "nats");
        long last = agent.end();
        assertStored(computation, last);
      }
      assertEquals(0, service.get("/health").object("inbox").integer("gaps", 0, Long.MAX_VALUE));
    } finally {
      context.removeServiceListener(gaps);
      for (String pid : CONFIGURED) {
        configurations.getConfiguration(pid, "?").delete();
      }
      await("the issuers go", () -> context.getServiceReference(CredentialIssuer.class) == null);
      TransportInFelix.delete(folder);
    }
  }

  private void start() throws IOException {
    configure(NATS + ".access", Map.of("dir", folder.resolve("n").toString()));
    configure(MQTT + ".access", Map.of("dir", folder.resolve("m").toString()));
    int port = freePort();
    service = new JsonClient(URI.create("http://127.0.0.1:" + port), null);
    configure(
        COMPUTATIONS,
        Map.of(
            "fleet",
            FLEET,
            "directory",
            folder.resolve("c").toString(),
            "transport",
            "nats",
            "http.port",
            port));
    configure(PROCESSES, Map.of("command", new String[] {"sleep", "600"}));
    int managerPort = freePort();
    manager = new JsonClient(URI.create("http://127.0.0.1:" + managerPort), null);
    configure(
        MANAGER,
        Map.of(
            "fleet",
            FLEET,
            "runs",
            folder.resolve("r").toString(),
            "environment",
            false,
            "on.close",
            "end",
            "transport",
            "mqtt",
            "http.port",
            managerPort,
            "vm.boot",
            600));
  }

  /** Has the manager start a VM; its agent is this test. */
  private String run() {
    String manifest = "{\"computation\":{\"id\":\"c\"}}";
    return manager.post("/run", manifest.getBytes(UTF_8)).string("computation_id");
  }

  /** The agent of a VM that is there already, with what its VM was given. */
  private SpeakingAgent speaker(String computation) throws Exception {
    Addresses own = Addresses.ofComputation(FLEET, computation);
    String credential =
        Files.readString(folder.resolve("r").resolve(computation).resolve("credential"));
    SpeakingAgent agent = new SpeakingAgent(own, "nats");
    agent.join(
        transports().service(TransportProvider.class, "nats"),
        Joining.settings(transports().service(CredentialIssuer.class, "nats"), own, credential));
    awaitHeard(agent, computation);
    agent.speak();
    awaitMore(agent);
    return agent;
  }

  /** The agent of another VM says hello on a transport, and that is all. */
  private void greet(String computation, String transport) throws Exception {
    Addresses own = Addresses.ofComputation(FLEET, computation);
    try (SpeakingAgent agent = new SpeakingAgent(own, transport)) {
      agent.join(
          transports().service(TransportProvider.class, transport),
          Joining.settings(transports().service(CredentialIssuer.class, transport), own));
      awaitHeard(agent, computation);
    }
    manager.delete("/vms/" + computation);
  }

  private void awaitHeard(SpeakingAgent agent, String computation) {
    await(
        "the manager hears the agent of " + computation,
        () -> {
          agent.sayHello();
          return manager.get("/vms/" + computation).string("state").equals("booted");
        });
  }

  private void changeNats(SpeakingAgent agent, ProviderGaps gaps) throws Exception {
    ServiceRegistration<LinkHolder> holder = context.registerService(LinkHolder.class, agent, null);
    try (Bundles bundles =
        new Bundles(
            context,
            new Verifier(null, null),
            new Shelf(folder.resolve("shelf")),
            Patience.LIMIT,
            () -> (name, from, to, refreshed, failure) -> {})) {
      byte[] jar = NewerJar.of(transports().jar("nats"), "0.1.1", Map.of());
      assertEquals(3, bundles.update(jar, TransportBundles.proof(jar), false).links());
      awaitMore(agent);
      await("it is up", () -> links().equals("nats:connected") && canRegister());
      bundles.rollback(NATS, false);
      awaitMore(agent);
      await("it is up", () -> links().equals("nats:connected") && canRegister());
    }
    holder.unregister();
    assertEquals(List.of(), gaps.found(), "the new one is there before the old one goes");
    assertEquals(2, gaps.gone(), "the listener has seen both go");
    assertHas(
        service, "fairlead_computations_link_swaps_total{transport=\"nats\",outcome=\"done\"} 2");
    // The manager also opens its link anew for the credential of an issuer that has come.
    assertHas(
        manager, "fairlead_manager_link_swaps_total{transport=\"nats\",outcome=\"failed\"} 0");
  }

  private static void assertHas(JsonClient client, String sample) {
    String metrics = new String(client.getBytes("/metrics"), UTF_8);
    assertTrue(metrics.contains(sample), metrics);
  }

  /** Every line is in the store, once, in its order. */
  private void assertStored(String computation, long last) {
    try (JsonClient.LineReader lines =
        service.lines("/computations/%s/logs?run=latest".formatted(computation))) {
      for (long n = 1; n <= last; n++) {
        JsonObject line = lines.nextObject();
        assertNotNull(line, () -> last + " lines were said; one of them is not there");
        assertEquals(Long.toString(n), line.string("message"));
      }
      assertNull(lines.nextObject(), "no line is there twice");
    }
  }

  private static void awaitMore(SpeakingAgent agent) {
    long before = agent.delivered();
    await("lines flow", () -> agent.delivered() > before + 100);
  }

  private TransportBundles transports() {
    return Objects.requireNonNull(found);
  }

  private void configure(String pid, Map<String, Object> values) throws IOException {
    configurations.getConfiguration(pid, "?").update(FrameworkUtil.asDictionary(values));
  }

  /** Of the computations service. */
  private String links() {
    try {
      return String.join(
          " ",
          service.get("/health").objects("links").stream()
              .map(link -> link.string("transport") + ":" + link.string("state"))
              .toList());
    } catch (RuntimeException e) {
      return e.toString(); // it does not listen yet
    }
  }

  /** Whether the manager is connected to whom it must ask before it starts a VM. */
  private boolean canRegister() {
    try {
      return manager.get("/health").string("registry").equals("connected");
    } catch (RuntimeException e) {
      return false; // it does not listen yet
    }
  }

  private static int freePort() throws IOException {
    try (ServerSocket socket = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
      return socket.getLocalPort();
    }
  }
}
