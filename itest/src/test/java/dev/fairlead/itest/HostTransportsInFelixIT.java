// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.itest;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.fairlead.bundles.Bundles;
import dev.fairlead.bundles.Proof;
import dev.fairlead.bundles.Shelf;
import dev.fairlead.bundles.Verifier;
import dev.fairlead.delivery.LinkHolder;
import dev.fairlead.delivery.OutStream;
import dev.fairlead.delivery.Outbox;
import dev.fairlead.delivery.Runner;
import dev.fairlead.delivery.StreamConfig;
import dev.fairlead.delivery.Switchboard;
import dev.fairlead.delivery.SwitchboardListener;
import dev.fairlead.http.JsonClient;
import dev.fairlead.protocol.Addresses;
import dev.fairlead.transport.access.Credential;
import dev.fairlead.transport.access.CredentialIssuer;
import dev.fairlead.transport.access.Grant;
import dev.fairlead.transport.api.TransportProvider;
import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.time.Duration;
import java.util.Arrays;
import java.util.HashMap;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.LockSupport;
import java.util.function.BooleanSupplier;
import java.util.logging.Level;
import java.util.logging.Logger;
import javax.inject.Inject;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.osgi.framework.Bundle;
import org.osgi.framework.BundleContext;
import org.osgi.framework.FrameworkUtil;
import org.osgi.framework.InvalidSyntaxException;
import org.osgi.framework.ServiceEvent;
import org.osgi.framework.ServiceListener;
import org.osgi.framework.ServiceReference;
import org.osgi.framework.ServiceRegistration;
import org.osgi.service.cm.ConfigurationAdmin;

/**
 * The computations service in a real Felix gains and loses a transport, and has the bundle of
 * another changed, with real brokers, while a host's lines flow into it.
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
  "computations"
})
class HostTransportsInFelixIT {

  private static final Logger PAHO = Logger.getLogger("org.eclipse.paho");
  private static final Duration PATIENCE = Duration.ofSeconds(90);
  private static final String NATS = "dev.fairlead.transport.nats";
  private static final String MQTT = "dev.fairlead.transport.mqtt";

  @Inject private BundleContext context;
  @Inject private ConfigurationAdmin configurations;

  @Test
  void transportsComeAndGoWhileLinesFlow() throws Exception {
    PAHO.setLevel(Level.OFF);
    Path folder = Files.createTempDirectory("fl-it-");
    bundle(MQTT).stop();
    configure(NATS + ".access", Map.of("dir", folder.resolve("n").toString()));
    configure(MQTT + ".access", Map.of("dir", folder.resolve("m").toString()));
    int port = freePort();
    configure(
        "dev.fairlead.computations",
        Map.of(
            "fleet",
            "f",
            "directory",
            folder.resolve("c").toString(),
            "transport",
            "nats",
            "http.port",
            port));
    JsonClient service = new JsonClient(URI.create("http://127.0.0.1:" + port), null);
    await("it is on NATS alone", () -> links(service).equals("nats:connected"));
    References references = new References();
    context.addServiceListener(references);
    try (Lines lines = new Lines(service("nats"), issuer("nats"))) {
      for (int i = 0; i < 3; i++) {
        bundle(MQTT).start();
        await("it is on both", () -> links(service).equals("mqtt:connected nats:connected"));
        lines.awaitMore();
        bundle(MQTT).stop();
        assertEquals("nats:connected", links(service), "it lets go before the bundle is gone");
        lines.awaitMore();
      }

      ServiceRegistration<LinkHolder> holder =
          context.registerService(LinkHolder.class, lines::reopen, null);
      references.gaps.clear(); // MQTT had but one
      try (Bundles bundles =
          new Bundles(
              context,
              new Verifier(null, null),
              new Shelf(folder.resolve("shelf")),
              PATIENCE,
              () -> (name, from, to, refreshed, failure) -> {})) {
        byte[] jar =
            NewerJar.of(Path.of(URI.create(bundle(NATS).getLocation())), "0.1.1", Map.of());
        String sha256 = HexFormat.of().formatHex(MessageDigest.getInstance("SHA-256").digest(jar));
        assertEquals(2, bundles.update(jar, Proof.of(sha256, null), false).links());
        lines.awaitMore();
        await("it is up", () -> links(service).equals("nats:connected"));
        bundles.rollback(NATS, false);
        lines.awaitMore();
      }
      holder.unregister();
      assertEquals(List.of(), references.gaps, "the new one is there before the old one goes");
      assertEquals(2, references.gone.get(), "the listener has seen both go");
      String metrics = new String(service.getBytes("/metrics"), UTF_8);
      String swaps =
          "fairlead_computations_link_swaps_total{transport=\"nats\",outcome=\"done\"} 2";
      assertTrue(metrics.contains(swaps), metrics);
      lines.end();
      assertEquals(0, service.get("/health").object("inbox").integer("gaps", 0, Long.MAX_VALUE));
    } finally {
      context.removeServiceListener(references);
      for (String pid : List.of("dev.fairlead.computations", NATS + ".access", MQTT + ".access")) {
        configurations.getConfiguration(pid, "?").delete();
      }
      await("the issuers go", () -> context.getServiceReference(CredentialIssuer.class) == null);
      TransportInFelix.delete(folder);
    }
  }

  private void configure(String pid, Map<String, Object> values) throws IOException {
    configurations.getConfiguration(pid, "?").update(FrameworkUtil.asDictionary(values));
  }

  private static String links(JsonClient service) {
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

  private static int freePort() throws IOException {
    try (ServerSocket socket = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
      return socket.getLocalPort();
    }
  }

  private Bundle bundle(String name) {
    return Arrays.stream(context.getBundles())
        .filter(each -> name.equals(each.getSymbolicName()))
        .findFirst()
        .orElseThrow();
  }

  private TransportProvider service(String transport) throws Exception {
    return get(TransportProvider.class, transport);
  }

  private CredentialIssuer issuer(String transport) throws Exception {
    return get(CredentialIssuer.class, transport);
  }

  private <T> T get(Class<T> type, String transport) throws Exception {
    List<T> found = new CopyOnWriteArrayList<>();
    String filter = "(transport.name=%s)".formatted(transport);
    await(
        "there is a " + type.getName(),
        () -> {
          try {
            for (ServiceReference<T> one : context.getServiceReferences(type, filter)) {
              T service = context.getService(one);
              if (service != null) {
                found.add(service);
              }
            }
          } catch (InvalidSyntaxException e) {
            throw new AssertionError(e);
          }
          return !found.isEmpty();
        });
    return found.get(0);
  }

  private static void await(String what, BooleanSupplier condition) {
    long deadline = System.nanoTime() + PATIENCE.toNanos();
    while (!condition.getAsBoolean()) {
      assertTrue(System.nanoTime() - deadline < 0, what);
      LockSupport.parkNanos(TimeUnit.MILLISECONDS.toNanos(50));
    }
  }

  /** Notes each provider that goes while there is no other of its name. */
  private final class References implements ServiceListener {

    private final List<String> gaps = new CopyOnWriteArrayList<>();
    private final AtomicInteger gone = new AtomicInteger();

    @Override
    public void serviceChanged(ServiceEvent event) {
      ServiceReference<?> reference = event.getServiceReference();
      Object name = reference.getProperty("transport.name");
      boolean provider =
          Arrays.asList((String[]) reference.getProperty("objectClass"))
              .contains(TransportProvider.class.getName());
      if (event.getType() != ServiceEvent.UNREGISTERING || !provider || !"nats".equals(name)) {
        return;
      }
      gone.incrementAndGet();
      try {
        var all = context.getServiceReferences(TransportProvider.class, "(transport.name=nats)");
        if (all.stream().allMatch(reference::equals)) {
          gaps.add(reference.toString());
        }
      } catch (InvalidSyntaxException e) {
        gaps.add(e.toString());
      }
    }
  }

  /** A host's events, said all the time. */
  private static final class Lines implements AutoCloseable {

    private final Runner runner = Runner.start("it-host");
    private final Switchboard board = new Switchboard(runner, SwitchboardListener.NONE);
    private final Outbox outbox = new Outbox(board, runner);
    private final OutStream stream;
    private final AtomicBoolean ends = new AtomicBoolean();
    private final Thread producer = new Thread(this::produce, "it-host-producer");

    Lines(TransportProvider provider, CredentialIssuer issuer) throws Exception {
      Addresses own = Addresses.ofHost("f", "it");
      Credential credential =
          issuer.issue(new Grant(own.party(), own.sends(), own.receives()), Duration.ofHours(1));
      Map<String, @Nullable String> settings = new HashMap<>();
      settings.put(TransportProvider.ENDPOINT, issuer.endpoint().uri().toString());
      settings.put(TransportProvider.CREDENTIAL, credential.content());
      settings.put(TransportProvider.CA_SHA256, issuer.endpoint().caSha256());
      settings.put(TransportProvider.REPLIES, own.replies());
      board
          .use(provider, settings::get, PATIENCE)
          .toCompletableFuture()
          .get(PATIENCE.toSeconds(), TimeUnit.SECONDS);
      stream =
          outbox.open(
              StreamConfig.of(own.stream(Addresses.EVENTS), own.acks(Addresses.EVENTS), "e1"));
      producer.setDaemon(true);
      producer.start();
    }

    CompletionStage<Void> reopen(TransportProvider old, TransportProvider next) {
      return board.reopen(old, next, PATIENCE);
    }

    private void produce() {
      try {
        for (long n = 1; !ends.get(); n++) {
          stream.append("{\"n\":%d}".formatted(n).getBytes(UTF_8));
          if (n % 20 == 0) {
            LockSupport.parkNanos(TimeUnit.MILLISECONDS.toNanos(5)); // not as fast as can be
          }
        }
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
      }
    }

    void awaitMore() {
      long before = stream.books().delivered();
      await("lines flow", () -> stream.books().delivered() > before + 100);
    }

    void end() throws Exception {
      ends.set(true);
      producer.join(PATIENCE.toMillis());
      outbox.drained().toCompletableFuture().get(PATIENCE.toSeconds(), TimeUnit.SECONDS);
      assertEquals(stream.last(), stream.books().delivered());
      assertTrue(stream.books().balanced());
      assertEquals(0, stream.books().droppedTotal());
    }

    @Override
    public void close() {
      ends.set(true);
      outbox.close();
      board.close();
      runner.close();
    }
  }
}
