// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.itest;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.fairlead.transport.access.AccessProvider;
import dev.fairlead.transport.access.Credential;
import dev.fairlead.transport.access.CredentialIssuer;
import dev.fairlead.transport.access.Grant;
import dev.fairlead.transport.api.Message;
import dev.fairlead.transport.api.Transport;
import dev.fairlead.transport.api.TransportException;
import dev.fairlead.transport.api.TransportListener;
import dev.fairlead.transport.api.TransportProvider;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import javax.inject.Inject;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.osgi.framework.Bundle;
import org.osgi.framework.BundleContext;
import org.osgi.util.tracker.ServiceTracker;

/**
 * A transport as a bundle: its services appear, work over a real broker or hub, and go. A class for
 * each transport says its name, and which bundles it takes.
 */
abstract class TransportInFelix {

  private static final int PATIENCE_SECONDS = 20;

  private final String name;
  @Inject private BundleContext context;

  TransportInFelix(String name) {
    this.name = name;
  }

  @Test
  void servicesBearTheTransportsName() throws Exception {
    assertEquals(name, service(TransportProvider.class).name());
    assertEquals(name, service(AccessProvider.class).name());
    assertEquals(
        name,
        Objects.requireNonNull(context.getServiceReference(TransportProvider.class))
            .getProperty("transport.name"));
  }

  @Test
  void messageGoesThroughARealPeer() throws Exception {
    Path folder = Files.createTempDirectory("fl-it-"); // a socket's path must be short
    Map<String, String> peer = Map.of("dir", folder.toString());
    try (CredentialIssuer issuer = service(AccessProvider.class).open(peer::get)) {
      List<String> own = List.of("it/felix/**");
      Credential credential = issuer.issue(new Grant("felix", own, own), Duration.ofMinutes(5));
      Map<String, @Nullable String> settings = new HashMap<>();
      settings.put(TransportProvider.ENDPOINT, issuer.endpoint().uri().toString());
      settings.put(TransportProvider.CREDENTIAL, credential.content());
      settings.put(TransportProvider.CA_SHA256, issuer.endpoint().caSha256());
      settings.put(TransportProvider.REPLIES, "it/felix");
      CountDownLatch connected = new CountDownLatch(1);
      TransportListener listener =
          new TransportListener() {
            @Override
            public void stateChanged(Transport.State state, String reason) {
              if (state == Transport.State.CONNECTED) {
                connected.countDown();
              }
            }

            @Override
            public void refused(@Nullable String address, TransportException refusal) {}
          };
      try (Transport transport = service(TransportProvider.class).open(settings::get, listener)) {
        assertTrue(connected.await(PATIENCE_SECONDS, TimeUnit.SECONDS), "is connected");
        CompletableFuture<Message> received = new CompletableFuture<>();
        transport.subscribe("it/felix/up/*", received::complete);
        transport
            .send(new Message("it/felix/up/logs", "out of a bundle".getBytes(UTF_8)))
            .toCompletableFuture()
            .get(PATIENCE_SECONDS, TimeUnit.SECONDS);
        Message message = received.get(PATIENCE_SECONDS, TimeUnit.SECONDS);
        assertEquals("it/felix/up/logs", message.address());
        assertEquals("out of a bundle", new String(message.bytes(), UTF_8));
      }
    } finally {
      delete(folder);
    }
  }

  @Test
  void servicesGoAndComeWithTheBundle() throws Exception {
    service(TransportProvider.class);
    Bundle bundle = bundle("dev.fairlead.transport." + name);
    bundle.stop();
    assertFalse(hasService(TransportProvider.class), "the service went with its bundle");
    assertFalse(hasService(AccessProvider.class), "the service went with its bundle");
    bundle.start();
    assertEquals(name, service(TransportProvider.class).name());
  }

  /** A leaf is replaced and taken away while what it stands on stays as it is. */
  @Test
  void bundleIsUpdatedAndUninstalledAlone() throws Exception {
    service(TransportProvider.class);
    Bundle bundle = bundle("dev.fairlead.transport." + name);
    Bundle base = bundle("dev.fairlead.transport.base");
    long before = base.getLastModified();
    String location = bundle.getLocation();
    byte[] jar;
    try (InputStream in = URI.create(location).toURL().openStream()) {
      jar = in.readAllBytes();
    }
    bundle.update(new ByteArrayInputStream(jar));
    assertEquals(name, service(TransportProvider.class).name());
    messageGoesThroughARealPeer();
    bundle.uninstall();
    assertFalse(hasService(TransportProvider.class), "the service went with its bundle");
    Bundle again = context.installBundle(location, new ByteArrayInputStream(jar));
    again.start();
    messageGoesThroughARealPeer();
    assertEquals(Bundle.ACTIVE, base.getState());
    assertEquals(before, base.getLastModified());
  }

  private Bundle bundle(String symbolicName) {
    return Stream.of(context.getBundles())
        .filter(each -> symbolicName.equals(each.getSymbolicName()))
        .findFirst()
        .orElseThrow();
  }

  private boolean hasService(Class<?> type) {
    return context.getServiceReference(type.getName()) != null;
  }

  /** Waits for a service. */
  final <T> T service(Class<T> type) throws InterruptedException {
    ServiceTracker<T, T> tracker = new ServiceTracker<>(context, type, null);
    tracker.open();
    try {
      return Objects.requireNonNull(
          tracker.waitForService(TimeUnit.SECONDS.toMillis(PATIENCE_SECONDS)),
          () -> "There is no service " + type.getName());
    } finally {
      tracker.close();
    }
  }

  static void delete(Path folder) throws IOException {
    try (Stream<Path> files = Files.walk(folder)) {
      for (Path file : files.sorted(Comparator.reverseOrder()).toList()) {
        Files.delete(file);
      }
    }
  }
}
