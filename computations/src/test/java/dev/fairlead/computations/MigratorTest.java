// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.computations;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import dev.fairlead.computations.liveness.AgentState;
import dev.fairlead.computations.liveness.Liveness;
import dev.fairlead.computations.parity.ParityLimits;
import dev.fairlead.computations.registry.EmbeddedDatabase;
import dev.fairlead.computations.registry.Registry;
import dev.fairlead.computations.registry.Request;
import dev.fairlead.delivery.Copies;
import dev.fairlead.delivery.Defects;
import dev.fairlead.delivery.Link;
import dev.fairlead.delivery.OutStream;
import dev.fairlead.delivery.Outbox;
import dev.fairlead.delivery.Runner;
import dev.fairlead.delivery.StreamConfig;
import dev.fairlead.protocol.Addresses;
import dev.fairlead.protocol.Command;
import dev.fairlead.protocol.Command.Inject;
import dev.fairlead.protocol.json.JsonObject;
import dev.fairlead.transport.api.Message;
import dev.fairlead.transport.api.Transport.Subscription;
import dev.fairlead.transport.tck.memory.MemoryHub;
import dev.fairlead.transport.tck.memory.MemoryIssuer;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.UUID;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.Consumer;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Migrations of agents that are played here, with a real registry and real credentials. */
class MigratorTest {

  private static final String DIGEST = "7".repeat(64);
  private static final Duration PATIENCE = Duration.ofSeconds(60);

  @TempDir Path directory;

  private final MemoryHub hub = MemoryHub.start("h" + UUID.randomUUID(), InstantSource.system());
  private final MemoryIssuer issuer = new MemoryIssuer(hub, InstantSource.system());
  private final AtomicLong nanos = new AtomicLong();
  private final Map<String, FakeAgent> agents = new HashMap<>();
  private final List<String> moves = new CopyOnWriteArrayList<>();

  /** What was asked of whoever issues credentials. */
  private final List<String> asked = new CopyOnWriteArrayList<>();

  private EmbeddedDatabase database;
  private Registry registry;
  private Liveness liveness;
  private Migrator migrator;
  private boolean moving = true;
  private boolean movesNever;
  private final List<CompletableFuture<Void>> undecided = new ArrayList<>();

  @BeforeEach
  void open() {
    database = new EmbeddedDatabase(directory.resolve("registry"));
    registry = Registry.open(database.source(), EmbeddedDatabase.SYNC, InstantSource.system());
    Access access = new Access("f", "vsock", Duration.ofHours(1));
    access.add(new NamedTransport("vsock", issuer).issuer());
    access.add(new NamedTransport("nats", issuer, asked::add).issuer());
    liveness = new Liveness(InstantSource.system(), nanos::get, change -> {});
    migrator =
        new Migrator(
            "f",
            access,
            registry,
            liveness,
            this::send,
            new Mover() {
              @Override
              public CompletionStage<Void> move(String computation, String transport) {
                return MigratorTest.this.move(computation, transport);
              }

              @Override
              public void clean(String computation, String transport) {
                asked.add("clean " + computation);
              }
            },
            new Migrator.Comparison(
                new ParityLimits(64, 64, 256, 64, 16, Duration.ofSeconds(10), 100), false),
            InstantSource.system(),
            nanos::get);
    agents.values().forEach(agent -> watch(agent.id, agent.on));
  }

  @AfterEach
  void close() {
    agents.values().forEach(FakeAgent::close);
    database.close();
    issuer.close();
    hub.close();
  }

  @Test
  void copiesAreComparedAndAllMoveAtTheCutover() {
    FakeAgent one = agent("1");
    FakeAgent two = agent("2");
    migrator.start("vsock", "nats", 100, true, Inject.NONE);
    assertThat(status().string("phase")).isEqualTo("started");
    assertThat(status().string("verdict")).isEqualTo("undecided");
    refused("verdict-undecided", () -> migrator.cutover(false));
    migrator.check();
    assertThat(one.shadowed).hasSize(1);
    one.say(500);
    two.say(500);
    await().atMost(PATIENCE).until(() -> compared() == 1000);
    migrator.check();
    assertThat(status().string("phase")).isEqualTo("shadowing");
    assertThat(status().object("computations").integer("copying", 0, 9)).isEqualTo(2);
    assertThat(one.shadowed).as("who follows is not told again").hasSize(1);

    assertThat(migrator.cutover(false).string("phase")).isEqualTo("cut-over");
    migrator.check();
    migrator.check();

    assertThat(moves).containsExactlyInAnyOrder("1 nats", "2 nats");
    assertThat(one.copying).isFalse();
    one.say(100);
    migrator.check();
    JsonObject report = migrator.report();
    assertThat(report.string("verdict")).isEqualTo("safe");
    assertThat(report.objects("findings")).isEmpty();
    assertThat(report.integer("compared", 0, 9999)).isEqualTo(1000);
    assertThat(report.object("computations").object("by_transport").integer("nats", 0, 9))
        .isEqualTo(2);
    assertThat(report.objects("steps")).extracting(step -> step.bool("forced")).containsOnly(false);
  }

  @Test
  void defectsInTheCopiesAreFoundByTheirNumbersAndStopEverything() throws Exception {
    FakeAgent one = agent("1");
    migrator.start("vsock", "nats", 100, true, new Inject(1, 1, 1, 5));
    migrator.check();
    one.say(500);
    await().atMost(PATIENCE).until(() -> one.made.size() == 3);
    await().atMost(PATIENCE).until(() -> compared() == 500 - 2);
    nanos.addAndGet(Duration.ofSeconds(11).toNanos());
    migrator.check();

    JsonObject report = migrator.report();
    assertThat(report.string("verdict")).isEqualTo("unsafe");
    assertThat(report.objects("findings"))
        .extracting(finding -> finding.string("kind") + " " + finding.integer("number", 1, 999_999))
        .containsExactlyInAnyOrderElementsOf(one.made);
    assertThat(report.object("held").string("code")).isEqualTo("parity-broken");
    refused("held", () -> migrator.advance(0));
    refused("verdict-unsafe", () -> migrator.cutover(false));

    database.close();
    open(); // as after a crash

    refused("held", () -> migrator.advance(0));
    assertThat(migrator.report().objects("findings")).as("what was known is kept").hasSize(3);
    migrator.check();
    assertThat(moves).isEmpty();
    assertThat(migrator.rollback().string("phase")).isEqualTo("rolled-back");
    await().atMost(PATIENCE).until(() -> stopped(one));
  }

  @Test
  void aForcedCutoverIsWrittenDown() {
    agent("1");
    migrator.start("vsock", "nats", 100, true, Inject.NONE);
    JsonObject step = migrator.cutover(true).objects("steps").get(1);
    assertThat(step.bool("forced")).isTrue();
    assertThat(step.string("verdict")).isEqualTo("undecided");
    migrator.check();
    assertThat(moves).containsExactly("1 nats");
  }

  @Test
  void onlyTheChosenMoveAndOnlyTheyComeBack() {
    for (int i = 0; i < 40; i++) {
      agent("c" + i);
    }
    agent("native").on = "nats";
    watch("native", "nats");
    migrator.start("vsock", "nats", 50, false, Inject.NONE);
    for (int i = 0; i < 10; i++) {
      migrator.check(); // a few at a time
    }
    int moved = moves.size();
    assertThat(moved).isBetween(8, 32);
    assertThat(status().object("computations").integer("moved", 0, 99)).isEqualTo(moved);
    assertThat(status().string("phase")).isEqualTo("advancing");
    refused("no-verdict", () -> migrator.cutover(false));

    migrator.rollback();
    for (int i = 0; i < 10; i++) {
      migrator.check();
    }

    assertThat(moves).hasSize(2 * moved).doesNotContain("native vsock");
    assertThat(agents.values()).filteredOn(agent -> agent.on.equals("nats")).hasSize(1);
  }

  @Test
  void whoCannotBeMovedStopsTheMigration() {
    for (int i = 0; i < 40; i++) {
      agent("c" + i);
    }
    moving = false;
    migrator.start("vsock", "nats", 50, false, Inject.NONE);
    migrator.check();
    migrator.check();
    assertThat(status().object("held").string("code")).isEqualTo("errors-rose");
    assertThat(status().object("failed").fields()).isNotEmpty();
    moving = true;
    int tried = moves.size();
    nanos.addAndGet(Duration.ofMinutes(1).toNanos());
    agents.values().forEach(agent -> watch(agent.id, agent.on));
    migrator.check();
    assertThat(moves).as("it stays where it is").hasSize(tried);
  }

  @Test
  void anOrderThatWasNotHeardIsGivenAgain() {
    FakeAgent one = agent("1");
    one.deaf = true;
    migrator.start("vsock", "nats", 100, true, Inject.NONE);
    migrator.check();
    migrator.check();
    nanos.addAndGet(Duration.ofSeconds(6).toNanos());
    migrator.check();
    assertThat(one.heard).hasSize(2);
    one.say(10);
    await().atMost(PATIENCE).until(() -> one.logs.books().delivered() == 10);
    assertThat(migrator.report().object("records").has("vsock")).isTrue();
    nanos.addAndGet(Duration.ofSeconds(61).toNanos());
    watch("1", "vsock");
    migrator.check();
    assertThat(status().object("failed").string("1", 500)).contains("copies do not come");
    one.deaf = false;
    nanos.addAndGet(Duration.ofSeconds(6).toNanos());
    watch("1", "vsock");
    migrator.check();
    one.say(10);
    await().atMost(PATIENCE).until(() -> compared() == 10);
    migrator.check();
    assertThat(status().object("failed").fields()).isEmpty();
  }

  @Test
  void whoCopiesUnaskedIsToldToEnd() {
    FakeAgent one = agent("1");
    one.obey(new Command.Shadow("x", "nats", "c", Instant.now(), Inject.NONE));
    one.say(10);
    await().atMost(PATIENCE).until(() -> stopped(one));
  }

  @Test
  void aCredentialOfCopiesIsRevokedWhenTheyHaveHadTimeToEndAndTheAgentIsElsewhere() {
    agent("1");
    migrator.start("vsock", "nats", 100, true, Inject.NONE);
    migrator.check();
    assertThat(asked).containsExactly("clean 1", "issue 1");
    migrator.rollback();
    pass(Duration.ofSeconds(9), "vsock");
    assertThat(asked).doesNotContain("revoke 1");
    nanos.addAndGet(Duration.ofMinutes(5).toNanos());
    liveness.check();
    migrator.check();
    assertThat(asked).as("nobody knows where it is").doesNotContain("revoke 1");
    pass(Duration.ZERO, "vsock");
    assertThat(asked).endsWith("issue 1", "revoke 1");
    pass(Duration.ofMinutes(1), "vsock");
    assertThat(asked).containsOnlyOnce("revoke 1");
  }

  @Test
  void aCredentialOfCopiesStaysWhereTheAgentCameToUseIt() {
    agent("1");
    migrator.start("vsock", "nats", 100, true, Inject.NONE);
    migrator.check();
    migrator.cutover(true);
    migrator.check();
    pass(Duration.ofSeconds(30), "nats");
    pass(Duration.ofSeconds(30), "vsock"); // by somebody else's word, who cleans up after it
    assertThat(asked).doesNotContain("revoke 1");
  }

  @Test
  void aCredentialIsNotRevokedWhereCopiesHaveBegunAnewMeanwhile() {
    agent("1");
    migrator.start("vsock", "nats", 100, true, Inject.NONE);
    migrator.check();
    migrator.rollback();
    migrator.start("vsock", "nats", 100, true, Inject.NONE);
    migrator.check();
    pass(Duration.ofMinutes(1), "vsock");
    assertThat(asked).containsOnly("clean 1", "issue 1").hasSize(4);
  }

  private void pass(Duration time, String on) {
    nanos.addAndGet(time.toNanos());
    agents.keySet().forEach(id -> watch(id, on));
    migrator.check();
  }

  @Test
  void whoEndsIsNotAwaitedAndDidNotFail() {
    for (int i = 0; i < 4; i++) {
      agent("c" + i).deaf = i > 0; // they speak, and send no copies
    }
    migrator.start("vsock", "nats", 100, true, Inject.NONE);
    migrator.check();
    agents.values().forEach(agent -> agent.say(100));
    await().atMost(PATIENCE).until(() -> compared() == 100);
    assertThat(status().string("verdict")).isEqualTo("undecided");

    for (int i = 1; i < 4; i++) {
      liveness.vmEnded("c" + i, 1, "it was done");
    }
    nanos.addAndGet(Duration.ofSeconds(61).toNanos());
    watch("c0", "vsock");
    migrator.check();
    migrator.check();

    assertThat(status().string("verdict")).isEqualTo("safe");
    assertThat(status().object("failed").fields()).isEmpty();
    assertThat(status().optionalObject("held")).isEmpty();
    assertThat(status().object("computations").integer("chosen", 0, 9)).isEqualTo(1);
  }

  @Test
  void whoEndsWhileItIsMovedDidNotFailToFollow() {
    for (int i = 0; i < 4; i++) {
      agent("c" + i);
    }
    movesNever = true;
    start("vsock", "nats", 100);
    migrator.check();
    assertThat(moves).hasSize(4);
    for (int i = 0; i < 4; i++) {
      liveness.vmEnded("c" + i, 1, "it was done");
    }
    undecided.forEach(one -> one.completeExceptionally(new IllegalStateException("It is gone.")));
    migrator.check();
    assertThat(status().object("failed").fields()).isEmpty();
    assertThat(status().optionalObject("held")).isEmpty();
  }

  @Test
  void whoseCopiesHaveEndedByThemselvesIsToldAgain() {
    FakeAgent one = agent("1");
    migrator.start("vsock", "nats", 100, true, Inject.NONE);
    migrator.check();
    one.say(10);
    await().atMost(PATIENCE).until(() -> compared() == 10);
    pass(Duration.ofSeconds(20), "vsock");
    assertThat(one.heard).hasSize(1);
    one.obey(new Command.ShadowEnd("x")); // it was tried to move it meanwhile
    pass(Duration.ofSeconds(31), "vsock");
    one.say(10);
    await()
        .atMost(PATIENCE)
        .until(
            () -> {
              pass(Duration.ofSeconds(6), "vsock");
              return one.copying;
            });
    one.say(10);
    await().atMost(PATIENCE).until(() -> compared() >= 20);
    pass(Duration.ofSeconds(1), "vsock");
    assertThat(status().object("failed").fields()).isEmpty();
    assertThat(status().string("verdict")).isEqualTo("safe");
  }

  @Test
  void whoIsStartedAgainIsToldAgain() {
    FakeAgent one = agent("1");
    migrator.start("vsock", "nats", 100, true, Inject.NONE);
    migrator.check();
    one.say(10);
    await().atMost(PATIENCE).until(() -> compared() == 10);
    liveness.watch("1", 2, AgentState.STARTING, null, null);
    liveness.heard("1", "vsock", Duration.ofSeconds(60));
    migrator.check();
    assertThat(one.heard).as("by another order").hasSize(2).doesNotHaveDuplicates();
  }

  @Test
  void whatCannotBeIsRefused() {
    refused("no-migration", () -> migrator.status());
    refused("no-migration", () -> migrator.advance(0));
    refused("unknown-transport", () -> start("vsock", "amqp", 5));
    refused("unknown-transport", () -> start("amqp", "nats", 5));
    refused("same-transport", () -> start("nats", "nats", 5));
    refused("bad-percent", () -> start("vsock", "nats", 0));
    refused("bad-percent", () -> start("vsock", "nats", 101));
    start("vsock", "nats", 5);
    refused("migration-under-way", () -> start("vsock", "nats", 5));
    migrator.rollback();
    start("vsock", "nats", 5);
    assertThat(status().integer("migration", 1, 9)).isEqualTo(2);
  }

  private boolean stopped(FakeAgent agent) {
    migrator.check();
    agent.say(1);
    nanos.addAndGet(Duration.ofSeconds(1).toNanos());
    watch(agent.id, agent.on);
    return !agent.copying;
  }

  private void start(String from, String to, int percent) {
    migrator.start(from, to, percent, false, Inject.NONE);
  }

  private JsonObject status() {
    return migrator.status();
  }

  private long compared() {
    return migrator.report().integer("compared", 0, Long.MAX_VALUE);
  }

  private FakeAgent agent(String id) {
    registry.register(new Request("h", UUID.randomUUID().toString()), id, new byte[1], DIGEST);
    FakeAgent agent = new FakeAgent(id);
    agents.put(id, agent);
    watch(id, agent.on);
    return agent;
  }

  private void watch(String id, String on) {
    liveness.linkUp(on);
    liveness.watch(id, 1, AgentState.STARTING, null, null);
    liveness.heard(id, on, Duration.ofSeconds(60));
  }

  private CompletionStage<Void> send(Message message) {
    String id = Addresses.parse(message.address()).orElseThrow().party();
    FakeAgent agent = agents.get(id);
    if (agent != null) {
      agent.obey(Command.parse(message.bytes()));
    }
    return CompletableFuture.completedStage(null);
  }

  private CompletionStage<Void> move(String id, String to) {
    moves.add(id + " " + to);
    if (movesNever) {
      CompletableFuture<Void> outcome = new CompletableFuture<>();
      undecided.add(outcome);
      return outcome;
    }
    if (!moving) {
      return CompletableFuture.failedStage(new IllegalStateException("The broker is away."));
    }
    FakeAgent agent = Objects.requireNonNull(agents.get(id));
    agent.on = to;
    watch(id, to);
    return CompletableFuture.completedStage(null);
  }

  private static void refused(String code, ThrowingCallable call) {
    assertThatThrownBy(call)
        .isInstanceOfSatisfying(
            ComputationException.class, e -> assertThat(e.code()).isEqualTo(code));
  }

  /** Sends as an agent does, over links that lead straight to the migrator. */
  private final class FakeAgent {

    private final String id;
    private final Runner runner = Runner.start("fake-agent");
    private final Runner copier = Runner.start("fake-copies");
    private final Copies copies = new Copies(new Straight(null));
    private final Outbox outbox = new Outbox(copies, runner);
    private final OutStream logs;
    final List<String> made = new CopyOnWriteArrayList<>();
    final List<Command> heard = new ArrayList<>();
    final List<Command> shadowed = new ArrayList<>();
    volatile String on = "vsock";
    volatile boolean copying;
    boolean deaf;
    private int said;

    FakeAgent(String id) {
      this.id = id;
      logs = outbox.open(StreamConfig.of("f/" + id + "/up/logs", "f/" + id + "/down/acks/l", "e"));
    }

    void obey(Command command) {
      heard.add(command);
      if (deaf) {
        return;
      }
      if (command instanceof Command.Shadow shadow && !copying) {
        shadowed.add(command);
        copying = true;
        Inject inject = shadow.inject();
        copies.begin(
            new Straight(shadow.transport()),
            copier,
            new Defects(
                "f/" + id + "/up/logs",
                inject.drop(),
                inject.alter(),
                inject.duplicate(),
                inject.seed()),
            (stream, kind, number) -> made.add(word(kind) + " " + number));
      } else if (command instanceof Command.ShadowEnd) {
        copies.end();
        copying = false;
      }
    }

    private static String word(Defects.Kind kind) {
      return switch (kind) {
        case DROP -> "missing";
        case ALTER -> "altered";
        case DUPLICATE -> "duplicate";
      };
    }

    void say(int records) {
      try {
        for (int i = 0; i < records; i++) {
          logs.append(("record " + ++said).getBytes(UTF_8));
        }
      } catch (InterruptedException e) {
        throw new AssertionError(e);
      }
    }

    void close() {
      outbox.close();
      runner.close();
      copier.close();
    }

    private final class Straight implements Link {

      private final @Nullable String transport;
      private volatile @Nullable Consumer<Message> acks;

      Straight(@Nullable String transport) {
        this.transport = transport;
      }

      @Override
      public CompletionStage<Void> send(Message message) {
        migrator.arrived(transport == null ? on : transport, 1, message);
        Consumer<Message> answered = acks;
        if (answered != null) {
          runner.execute(() -> answered.accept(stored(message)));
        }
        return CompletableFuture.completedStage(null);
      }

      /** What a sink answers. */
      private Message stored(Message batch) {
        Map<String, String> headers = batch.headers();
        long first = Long.parseLong(String.valueOf(headers.get("fl-first")));
        long last = first + Long.parseLong(String.valueOf(headers.get("fl-count"))) - 1;
        return new Message(
            "f/" + id + "/down/acks/l",
            Map.of("fl-v", "1", "fl-epoch", "e", "fl-stored", Long.toString(last)),
            ByteBuffer.allocate(0));
      }

      @Override
      public Subscription subscribe(String pattern, Consumer<Message> handler) {
        acks = handler;
        return () -> {};
      }

      @Override
      public boolean connected() {
        return true;
      }

      @Override
      public Subscription onConnected(Runnable action) {
        return () -> {};
      }
    }
  }
}
