// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.itest;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.fairlead.transport.access.AccessProvider;
import dev.fairlead.transport.access.Credential;
import dev.fairlead.transport.access.CredentialIssuer;
import dev.fairlead.transport.access.Grant;
import dev.fairlead.transport.access.PeerAdmission;
import dev.fairlead.transport.api.Message;
import dev.fairlead.transport.api.Transport;
import dev.fairlead.transport.api.TransportException;
import dev.fairlead.transport.api.TransportListener;
import dev.fairlead.transport.api.TransportProvider;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import javax.inject.Inject;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.osgi.framework.Bundle;
import org.osgi.framework.BundleContext;
import org.osgi.util.tracker.ServiceTracker;

/** The vsock transport as a bundle: its services appear, work over a real hub, and go. */
@InFelix({"transport-api", "transport-base", "transport-vsock", "lib-junixsocket"})
class VsockInFelixIT {

  private static final int PATIENCE_SECONDS = 20;

  @Inject private BundleContext context;

  @Test
  void servicesBearTheTransportsName() throws Exception {
    TransportProvider provider = service(TransportProvider.class);
    assertEquals("vsock", provider.name());
    assertEquals("vsock", service(AccessProvider.class).name());
    assertEquals(
        "vsock",
        Objects.requireNonNull(context.getServiceReference(TransportProvider.class))
            .getProperty("transport.name"));
  }

  @Test
  void messageGoesThroughARealHub() throws Exception {
    Path folder = Files.createTempDirectory("fl-hub-"); // a socket's path must be short
    Map<String, String> hubSettings = Map.of("dir", folder.toString());
    try (CredentialIssuer issuer = service(AccessProvider.class).open(hubSettings::get)) {
      List<String> own = List.of("it/felix/**");
      Credential credential = issuer.issue(new Grant("felix", own, own), Duration.ofMinutes(5));
      Map<String, String> settings =
          Map.of(
              TransportProvider.ENDPOINT, issuer.endpoint().uri().toString(),
              TransportProvider.CREDENTIAL, credential.content(),
              TransportProvider.REPLIES, "it/felix");
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
      for (String name : List.of("book", "issuer.lock", "hub.lock")) {
        Files.deleteIfExists(folder.resolve(name));
      }
      Files.delete(folder);
    }
  }

  @Test
  void vmsAreAdmittedByTheirNumber() throws Exception {
    Path folder = Files.createTempDirectory("fl-hub-");
    Map<String, String> hubSettings = Map.of("dir", folder.toString(), "port", "19998");
    CredentialIssuer issuer = service(AccessProvider.class).open(hubSettings::get);
    try {
      // Listens at AF_VSOCK, by the native library of the other bundle.
      assertInstanceOf(PeerAdmission.class, issuer)
          .admit("123", URI.create("vsock://4711"))
          .close();
    } finally {
      issuer.close();
      for (String name : List.of("book", "issuer.lock", "hub.lock")) {
        Files.deleteIfExists(folder.resolve(name));
      }
      Files.delete(folder);
    }
  }

  @Test
  void servicesGoAndComeWithTheBundle() throws Exception {
    service(TransportProvider.class);
    Bundle bundle =
        List.of(context.getBundles()).stream()
            .filter(each -> "dev.fairlead.transport.vsock".equals(each.getSymbolicName()))
            .findFirst()
            .orElseThrow();
    bundle.stop();
    assertFalse(hasService(TransportProvider.class), "the service went with its bundle");
    assertFalse(hasService(AccessProvider.class), "the service went with its bundle");
    bundle.start();
    assertEquals("vsock", service(TransportProvider.class).name());
  }

  private boolean hasService(Class<?> type) {
    return context.getServiceReference(type.getName()) != null;
  }

  private <T> T service(Class<T> type) throws InterruptedException {
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
}
