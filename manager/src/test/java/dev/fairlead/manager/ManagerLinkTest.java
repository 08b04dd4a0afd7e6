// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.manager;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.awaitility.Awaitility.await;

import dev.fairlead.delivery.Runner;
import dev.fairlead.delivery.Switchboard;
import dev.fairlead.delivery.SwitchboardListener;
import dev.fairlead.protocol.Addresses;
import dev.fairlead.protocol.Event;
import dev.fairlead.protocol.Registration;
import dev.fairlead.transport.access.Credential;
import dev.fairlead.transport.access.Grant;
import dev.fairlead.transport.api.TransportProvider;
import dev.fairlead.transport.tck.memory.MemoryHub;
import dev.fairlead.transport.tck.memory.MemoryIssuer;
import dev.fairlead.transport.tck.memory.MemoryTransportProvider;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.List;
import java.util.UUID;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.atomic.AtomicInteger;
import org.awaitility.Awaitility;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

class ManagerLinkTest {

  @BeforeAll
  static void bePatient() {
    Awaitility.setDefaultTimeout(Duration.ofSeconds(40)); // a busy machine is late
  }

  private static final byte[] COMPUTATION = "{\"id\":\"a\"}".getBytes(UTF_8);

  private final MemoryHub hub =
      MemoryHub.start("m" + UUID.randomUUID().toString().substring(0, 8), InstantSource.system());
  private final MemoryIssuer issuer = new MemoryIssuer(hub, InstantSource.system());
  private ManagerLink link;
  private @Nullable CredentialKeeper keeper;

  @BeforeEach
  void open() {
    link = new ManagerLink("fl", "host-a", "", Duration.ofMillis(300), Duration.ofSeconds(5));
  }

  private void connect() {
    CredentialKeeper kept =
        new CredentialKeeper(issuer, link.grant(), Duration.ofMinutes(5), InstantSource.system());
    keeper = kept;
    kept.start(() -> link.use(new MemoryTransportProvider(), kept.over(name -> null)));
    await().until(() -> link.registry().isConnected());
  }

  @AfterEach
  void close() {
    if (keeper != null) {
      keeper.close();
    }
    link.close();
    hub.close();
  }

  @Test
  void asksTheRegistry() {
    try (TestRegistry peer = new TestRegistry(issuer, true)) {
      connect();
      await().until(peer::connected);
      Registry registry = link.registry();
      Registration registration = registry.register(COMPUTATION);
      assertThat(registration.computation()).isEqualTo("a");
      assertThat(registration.credential()).isEqualTo("credential-1");
      registry.ended("r1", "a", "killed", "signal-9");
      registry.ended("r1", "a", "killed", "signal-9");
      assertThat(peer.registry.told).containsExactly("a killed signal-9");
      assertThat(registry.renew("a").credential()).isEqualTo("credential-2");
    }
  }

  @Test
  void tellsRefusalsApart() {
    try (TestRegistry peer = new TestRegistry(issuer, true)) {
      connect();
      await().until(peer::connected);
      Registry registry = link.registry();
      assertThatExceptionOfType(ManagerException.class)
          .isThrownBy(() -> registry.renew("b"))
          .matches(
              e ->
                  e.code().equals("unknown-computation")
                      && e.category() == ManagerException.Category.REFUSED);
      peer.registry.away = true;
      assertThatExceptionOfType(ManagerException.class)
          .isThrownBy(() -> registry.register(COMPUTATION))
          .matches(e -> e.category() == ManagerException.Category.RETRY);
    }
  }

  @Test
  void saysThatTheBrokerIsAway() {
    assertThatExceptionOfType(ManagerException.class)
        .isThrownBy(() -> link.registry().register(COMPUTATION))
        .matches(
            e ->
                e.code().equals("broker-unreachable")
                    && e.category() == ManagerException.Category.RETRY);
    connect();
    hub.kill();
    await().until(() -> !link.registry().isConnected());
    assertThatExceptionOfType(ManagerException.class)
        .isThrownBy(() -> link.registry().register(COMPUTATION))
        .matches(e -> e.code().equals("broker-unreachable"));
    hub.restart();
    await().until(() -> link.registry().isConnected());
  }

  @Test
  void takesBackWhatWasRegisteredTooLate() {
    try (TestRegistry peer = new TestRegistry(issuer, false)) {
      connect();
      await().until(peer::connected);
      assertThatExceptionOfType(ManagerException.class)
          .isThrownBy(() -> link.registry().register(COMPUTATION))
          .matches(e -> e.code().equals("registry-unreachable"));
      assertThat(peer.registry.told).isEmpty();
      peer.mayAnswer.complete(null);
      await().until(() -> peer.registry.told.contains("a never-booted answered-too-late"));
    }
  }

  @Test
  void saysEventsAndHearsHellos() {
    List<String> greeted = new CopyOnWriteArrayList<>();
    AtomicInteger connects = new AtomicInteger();
    link.listen(greeted::add, connects::incrementAndGet);
    link.say(event("a", "VmProvision"));
    try (TestRegistry peer = new TestRegistry(issuer, true);
        Runner runner = Runner.start("test-agent");
        Switchboard agent = new Switchboard(runner, SwitchboardListener.NONE)) {
      await().until(peer::connected);
      connect();
      link.say(event("a", "VmRunning"));
      await()
          .untilAsserted(
              () ->
                  assertThat(peer.events)
                      .extracting(Event::type)
                      .contains("VmProvision", "VmRunning"));
      assertThat(connects.get()).isPositive();
      Addresses own = Addresses.ofComputation("fl", "a");
      Credential credential =
          issuer.issue(new Grant(own.party(), own.sends(), own.receives()), Duration.ofMinutes(1));
      agent
          .use(
              new MemoryTransportProvider(),
              name ->
                  switch (name) {
                    case TransportProvider.ENDPOINT -> hub.uri().toString();
                    case TransportProvider.CREDENTIAL -> credential.content();
                    case TransportProvider.REPLIES -> own.replies();
                    default -> null;
                  },
              Duration.ofSeconds(5))
          .toCompletableFuture()
          .join();
      await().until(agent::connected);
      peer.greet(agent, "a");
      await().until(() -> greeted.contains("a"));
    }
  }

  private static Event event(String computation, String type) {
    return new Event(type, "InProgress", Instant.now(), computation, "manager");
  }
}
