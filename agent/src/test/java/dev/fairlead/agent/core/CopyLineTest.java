// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.agent.core;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.fairlead.delivery.ArrivedBatch;
import dev.fairlead.delivery.Copies;
import dev.fairlead.delivery.OutStream;
import dev.fairlead.delivery.Outbox;
import dev.fairlead.delivery.Runner;
import dev.fairlead.delivery.StreamConfig;
import dev.fairlead.delivery.Switchboard;
import dev.fairlead.delivery.SwitchboardListener;
import dev.fairlead.protocol.Command;
import dev.fairlead.protocol.Command.Inject;
import dev.fairlead.protocol.json.JsonObject;
import dev.fairlead.transport.access.Grant;
import dev.fairlead.transport.api.Message;
import dev.fairlead.transport.api.TransportException;
import dev.fairlead.transport.api.TransportProvider;
import dev.fairlead.transport.tck.memory.MemoryHub;
import dev.fairlead.transport.tck.memory.MemoryIssuer;
import dev.fairlead.transport.tck.memory.MemoryTransportProvider;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.List;
import java.util.UUID;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.function.Function;
import org.awaitility.Awaitility;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** Copies of an agent's lines over a second transport, a real one. */
class CopyLineTest {

  private static final String LOGS = "fl/c1/up/logs";

  private final InstantSource clock = InstantSource.system();
  private final MemoryHub hub = MemoryHub.start("one-" + UUID.randomUUID(), clock);
  private final MemoryHub other = MemoryHub.start("two-" + UUID.randomUUID(), clock);
  private final MemoryIssuer issuer = new MemoryIssuer(hub, clock);
  private final MemoryIssuer otherIssuer = new MemoryIssuer(other, clock);
  private final Runner runner = Runner.start("test-copy-line");
  private final Switchboard board = new Switchboard(runner, SwitchboardListener.NONE);
  private final Switchboard reader = new Switchboard(runner, SwitchboardListener.NONE);
  private final List<Message> copied = new CopyOnWriteArrayList<>();
  private final List<String> told = new CopyOnWriteArrayList<>();
  private final List<JsonObject> details = new CopyOnWriteArrayList<>();
  private final Copies copies = new Copies(board);
  private final CopyLine line = new CopyLine(copies, LOGS, this::tell);
  private Outbox outbox;
  private OutStream logs;
  private int said;

  @BeforeEach
  void open() {
    Awaitility.setDefaultTimeout(Duration.ofSeconds(60));
    use(board, hub, grant(issuer, "c1"));
    use(reader, other, grant(otherIssuer, "reader"));
    reader.subscribe("fl/**", copied::add);
    outbox = new Outbox(copies, runner);
    logs = outbox.open(StreamConfig.of(LOGS, "fl/c1/down/acks/logs", "e"));
  }

  @AfterEach
  void close() {
    line.close();
    outbox.close();
    board.close();
    reader.close();
    runner.close();
    issuer.close();
    otherIssuer.close();
    hub.close();
    other.close();
    Awaitility.reset();
  }

  @Test
  void copiesGoOverTheSecondTransportUntilTheyAreEnded() {
    line.begin(order("1", "two", Inject.NONE), provider(), over(other, grant(otherIssuer, "c1")));
    assertThat(line.transport()).isEqualTo("two");
    await().until(() -> sayAndSeeCopies());
    line.begin(order("2", "two", Inject.NONE), provider(), name -> null);
    assertThat(told).as("it is done already").containsExactly("Begun");
    line.end();
    assertThat(line.transport()).isNull();
    assertThat(told).containsExactly("Begun", "Ended");
    JsonObject ended = details.get(1);
    assertThat(ended.string("transport")).isEqualTo("two");
    assertThat(ended.integer("batches", 0, 1 << 20)).isPositive();
    assertThat(ended.integer("failed", 0, 1 << 20)).isZero();
    line.end();
    assertThat(told).hasSize(2);
    assertThat(board.connected()).isTrue();
  }

  @Test
  void anotherTransportTakesThePlaceOfTheFirst() {
    line.begin(order("1", "one", Inject.NONE), provider(), over(hub, grant(issuer, "c1")));
    line.begin(order("2", "two", Inject.NONE), provider(), over(other, grant(otherIssuer, "c1")));
    assertThat(told).containsExactly("Begun", "Ended", "Begun");
    assertThat(line.transport()).isEqualTo("two");
    await().until(() -> sayAndSeeCopies());
  }

  @Test
  void whatIsOrderedToBeDefectiveIsToldByNumber() {
    line.begin(
        order("1", "two", new Inject(1, 1, 1, 5)),
        provider(),
        over(other, grant(otherIssuer, "c1")));
    await()
        .until(
            () -> {
              say(20);
              return told.stream().filter("Injected"::equals).count() == 3;
            });
    assertThat(details)
        .filteredOn(one -> one.has("kind"))
        .extracting(one -> one.string("kind"))
        .containsExactlyInAnyOrder("missing", "altered", "duplicate");
    assertThat(details)
        .filteredOn(one -> one.has("kind"))
        .allMatch(one -> one.string("stream").equals("logs") && one.string("command").equals("1"));
  }

  @Test
  void whatCannotBeOpenedIsToldAndTouchesNothingElse() {
    line.begin(
        order("1", "two", Inject.NONE),
        provider(),
        name -> {
          throw new TransportException(
              TransportException.Category.REFUSED, "no-setting", "The test has none.");
        });
    await().until(() -> told.contains("Failed"));
    assertThat(details).anyMatch(one -> one.optionalString("reason").isPresent());
    say(5);
    assertThat(board.connected()).isTrue();
    line.end();
    line.begin(order("2", "two", Inject.NONE), provider(), over(other, grant(otherIssuer, "c1")));
    await().until(() -> sayAndSeeCopies());
  }

  @Test
  void itSaysWhetherItIsJustBeingOpened() {
    assertThat(line.isUnderWay()).isFalse();
    line.begin(order("1", "two", Inject.NONE), provider(), over(other, grant(otherIssuer, "c1")));
    await().until(() -> !line.isUnderWay());
    line.end();
    String credential = grant(otherIssuer, "c1");
    other.kill();
    line.begin(order("2", "two", Inject.NONE), provider(), over(other, credential));
    assertThat(line.isUnderWay()).isTrue();
    line.end();
    assertThat(line.isUnderWay()).as("what was ended never comes up").isFalse();
  }

  /** Whoever changes a bundle must not fail for a link that nobody needs any more. */
  @Test
  void copiesThatEndWhileTheyAreOpenedAnewAreNoFailure() {
    TransportProvider old = provider();
    TransportProvider next = provider();
    line.begin(order("1", "two", Inject.NONE), old, over(other, grant(otherIssuer, "c1")));
    await().until(() -> sayAndSeeCopies());
    other.kill();
    CompletableFuture<Void> opened = line.reopen(old, next).toCompletableFuture();
    assertThat(opened).isNotDone();
    line.end();
    assertThat(opened).succeedsWithin(Duration.ofSeconds(60));
  }

  @Test
  void afterItsEndItCopiesNoMore() {
    line.close();
    line.begin(order("1", "two", Inject.NONE), provider(), name -> null);
    assertThat(line.transport()).isNull();
    assertThat(told).isEmpty();
  }

  private boolean sayAndSeeCopies() {
    say(1);
    return copied.stream()
        .anyMatch(one -> ArrivedBatch.read(one).filter(b -> b.copiedFrom() > 0).isPresent());
  }

  private void say(int records) {
    try {
      for (int i = 0; i < records; i++) {
        logs.append(("record " + ++said).getBytes(UTF_8));
      }
    } catch (InterruptedException e) {
      throw new AssertionError(e);
    }
  }

  private void tell(String status, JsonObject detail) {
    told.add(status);
    details.add(detail);
  }

  private static void use(Switchboard one, MemoryHub hub, String credential) {
    one.use(provider(), over(hub, credential), Duration.ofSeconds(30)).toCompletableFuture().join();
    await().until(one::connected);
  }

  private static String grant(MemoryIssuer from, String subject) {
    return from.issue(
            new Grant(subject, List.of("fl/c1/up/**"), List.of("fl/**")), Duration.ofMinutes(10))
        .content();
  }

  private static Command.Shadow order(String id, String transport, Inject inject) {
    return new Command.Shadow(id, transport, "c", Instant.now().plusSeconds(600), inject);
  }

  private static TransportProvider provider() {
    return new MemoryTransportProvider();
  }

  private static Function<String, @Nullable String> over(MemoryHub hub, String credential) {
    return name ->
        switch (name) {
          case TransportProvider.ENDPOINT -> hub.uri().toString();
          case TransportProvider.CREDENTIAL -> credential;
          default -> null;
        };
  }
}
