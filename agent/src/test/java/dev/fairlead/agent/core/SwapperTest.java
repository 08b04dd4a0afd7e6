// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.agent.core;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.fairlead.delivery.Runner;
import dev.fairlead.delivery.Switchboard;
import dev.fairlead.delivery.SwitchboardListener;
import dev.fairlead.protocol.BootFacts;
import dev.fairlead.protocol.Command;
import dev.fairlead.protocol.TransportFact;
import dev.fairlead.protocol.json.JsonObject;
import dev.fairlead.transport.access.Grant;
import dev.fairlead.transport.api.Transport;
import dev.fairlead.transport.api.TransportListener;
import dev.fairlead.transport.api.TransportProvider;
import dev.fairlead.transport.tck.memory.MemoryHub;
import dev.fairlead.transport.tck.memory.MemoryIssuer;
import dev.fairlead.transport.tck.memory.MemoryTransportProvider;
import java.net.URI;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.function.Function;
import org.awaitility.Awaitility;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

class SwapperTest {

  private static final String CA = "a".repeat(64);

  private final InstantSource clock = InstantSource.system();
  private final MemoryHub hub = MemoryHub.start("one-" + UUID.randomUUID(), clock);
  private final MemoryHub other = MemoryHub.start("two-" + UUID.randomUUID(), clock);
  private final MemoryIssuer issuer = new MemoryIssuer(hub, clock);
  private final MemoryIssuer otherIssuer = new MemoryIssuer(other, clock);
  private final Runner runner = Runner.start("test-swapper");
  private final Switchboard board = new Switchboard(runner, SwitchboardListener.NONE);
  private final Providers providers = new Providers();
  private final Map<String, String> credentials = new ConcurrentHashMap<>();
  private final List<String> told = new CopyOnWriteArrayList<>();
  private final BootFacts facts =
      new BootFacts(
          "c1",
          "fl",
          "one",
          List.of(
              new TransportFact("one", hub.uri(), null),
              new TransportFact("two", other.uri(), CA),
              new TransportFact("absent", other.uri(), null)),
          BootFacts.Channel.INITRD,
          "b".repeat(64),
          null,
          List.of());
  private final Swapper swapper = swapper(Duration.ofSeconds(60));

  private Swapper swapper(Duration patience) {
    return new Swapper(
        facts,
        board,
        providers,
        credentials,
        this::settings,
        this::tell,
        System::nanoTime,
        patience);
  }

  @BeforeAll
  static void bePatient() {
    Awaitility.setDefaultTimeout(Duration.ofSeconds(60)); // a busy machine is late
  }

  @BeforeEach
  void start() {
    providers.add(named("one"));
    providers.add(named("two"));
    credentials.put("one", credential(issuer));
    board
        .use(named("one"), settings(facts.first()), Duration.ofSeconds(30))
        .toCompletableFuture()
        .join();
    await().until(board::connected);
  }

  @AfterEach
  void stop() {
    board.close();
    runner.close();
    issuer.close();
    otherIssuer.close();
    hub.close();
    other.close();
  }

  @Test
  void goesOverToAMeasuredTransportAndBack() {
    swapper.obey(order("1", "two", null, CA, credential(otherIssuer)), false);
    await().until(() -> told.contains("Completed two"));
    assertThat(board.transport()).contains("two");
    assertThat(Objects.requireNonNull(swapper.newest()).done()).isTrue();
    swapper.obey(order("2", "one", hub.uri(), null, credential(issuer)), false);
    await().until(() -> told.contains("Completed one"));
    assertThat(board.transport()).contains("one");
    swapper.obey(order("3", "one", null, null, credential(issuer)), false);
    assertThat(told).as("where it is already").hasSize(3);
    assertThat(Objects.requireNonNull(swapper.newest()).command()).isEqualTo("3");
  }

  @Test
  void goesNowhereElse() {
    swapper.obey(order("1", "smoke", null, null, "x"), false);
    refused("transport-not-permitted");
    swapper.obey(order("2", "two", other.uri(), "c".repeat(64), "x"), false);
    refused("endpoint-not-permitted");
    swapper.obey(order("3", "one", URI.create("mem://elsewhere"), null, "x"), false);
    refused("endpoint-not-permitted");
    swapper.obey(order("4", "absent", null, null, "x"), false);
    refused("transport-not-deployed");
    assertThat(board.transport()).contains("one");
    assertThat(board.connected()).isTrue();
  }

  @Test
  void staysWhereTheNewOneDoesNotLetItIn() {
    swapper.obey(order("1", "two", null, CA, "no credential at all"), false);
    await().until(() -> told.contains("Failed two"));
    assertThat(Objects.requireNonNull(swapper.newest()).reason()).isNotEmpty();
    assertThat(board.transport()).contains("one");
    assertThat(board.connected()).isTrue();
    swapper.obey(order("2", "two", null, CA, credential(otherIssuer)), false);
    await().until(() -> told.contains("Completed two"));
  }

  @Test
  void staysWhereTheNewOneIsDownAndTakesNoSecondOrderMeanwhile() {
    other.kill();
    Swapper hasty = swapper(Duration.ofSeconds(5));
    Command.Swap second = order("2", "two", null, CA, credential(otherIssuer));
    hasty.obey(order("1", "two", null, CA, credential(otherIssuer)), false);
    swapper.obey(second, false);
    refused("change-under-way");
    await().until(() -> told.size() == 2);
    assertThat(Objects.requireNonNull(hasty.newest()).code()).isEqualTo("change-timed-out");
    assertThat(board.transport()).contains("one");
    assertThat(board.connected()).isTrue();
  }

  @Test
  void anEndInTheMiddleIsToldAsSuch() {
    other.kill();
    swapper.obey(order("1", "two", null, CA, credential(otherIssuer)), false);
    board.close();
    await().until(() -> told.contains("Failed two"));
    refused("closed");
  }

  private void refused(String code) {
    assertThat(Objects.requireNonNull(swapper.newest()).done()).isFalse();
    assertThat(Objects.requireNonNull(swapper.newest()).code()).isEqualTo(code);
  }

  private static Command.Swap order(
      String id,
      String transport,
      @Nullable URI endpoint,
      @Nullable String caSha256,
      String credential) {
    return new Command.Swap(
        id, transport, endpoint, caSha256, credential, Instant.now().plusSeconds(600));
  }

  private static String credential(MemoryIssuer from) {
    return from.issue(
            new Grant("c1", List.of("fl/c1/up/**"), List.of("fl/c1/down/**")),
            Duration.ofMinutes(10))
        .content();
  }

  private void tell(String status, JsonObject details) {
    told.add(status + " " + details.string("to"));
  }

  /** The reference transport asks for no CA. */
  private Function<String, @Nullable String> settings(TransportFact fact) {
    return name ->
        switch (name) {
          case TransportProvider.ENDPOINT -> fact.uri().toString();
          case TransportProvider.CREDENTIAL -> credentials.get(fact.name());
          default -> null;
        };
  }

  private static TransportProvider named(String name) {
    TransportProvider real = new MemoryTransportProvider();
    return new TransportProvider() {
      @Override
      public String name() {
        return name;
      }

      @Override
      public Set<Capability> capabilities() {
        return real.capabilities();
      }

      @Override
      public Transport open(
          Function<String, @Nullable String> settings, TransportListener listener) {
        return real.open(settings, listener);
      }
    };
  }
}
