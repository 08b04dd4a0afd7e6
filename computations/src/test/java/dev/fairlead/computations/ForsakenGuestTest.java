// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.computations;

import static org.assertj.core.api.Assertions.assertThat;

import dev.fairlead.computations.liveness.Liveness;
import dev.fairlead.computations.registry.EmbeddedDatabase;
import dev.fairlead.computations.registry.Registry;
import dev.fairlead.computations.registry.Request;
import dev.fairlead.delivery.Requester;
import dev.fairlead.delivery.SwapCounts;
import dev.fairlead.protocol.Addresses;
import dev.fairlead.protocol.AgentState;
import dev.fairlead.protocol.BundleRequest;
import dev.fairlead.protocol.Command;
import dev.fairlead.protocol.Heartbeat;
import dev.fairlead.protocol.json.JsonObject;
import dev.fairlead.transport.api.Message;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A change of a bundle whose agent dies, starts anew or falls silent in the middle. */
class ForsakenGuestTest {

  private static final String DIGEST = "0".repeat(64);
  private static final Duration INTERVAL = Duration.ofSeconds(60);

  @TempDir Path directory;

  private final AtomicLong nanos = new AtomicLong();
  private final byte[] jar = new byte[BundleRequest.PIECE + 1];
  private final List<Message> sent = new ArrayList<>();
  private final InstantSource clock = () -> Instant.EPOCH.plusNanos(nanos.get());
  private EmbeddedDatabase database;
  private Liveness liveness;
  private GuestBundles bundles;
  private Reception.Said said = new Reception.Said(null, null);

  @BeforeEach
  void open() {
    database = new EmbeddedDatabase(directory.resolve("registry"));
    Registry registry = Registry.open(database.source(), EmbeddedDatabase.SYNC, clock);
    registry.register(new Request("h", "1"), "c", new byte[1], DIGEST);
    liveness = new Liveness(clock, nanos::get, change -> {});
    liveness.linkUp("memory");
    liveness.watch("c", 1, dev.fairlead.computations.liveness.AgentState.STARTING, null, null);
    bundles =
        new GuestBundles(
            "f",
            registry,
            liveness,
            new Refusals(clock),
            message -> {
              sent.add(message);
              return CompletableFuture.completedStage(null);
            },
            id -> false,
            id -> said,
            clock);
    beat("e1", 100);
  }

  @AfterEach
  void close() {
    database.close();
  }

  @Test
  void anotherEpochIsAnotherAgentWhichKnowsNothingOfIt() throws Exception {
    begin();
    fetch();
    beat("e1", 101);
    bundles.check();
    assertThat(change().string("state")).isEqualTo("under-way");
    beat("e2", 1);
    bundles.check();
    failed("agent-restarted");
    begin(); // and is told anew
  }

  @Test
  void anAgentThatGoesOnWithItsNumberingAndHasJustStartedIsAnotherToo() throws Exception {
    begin();
    fetch();
    beat("e1", 98); // said before, and overtaken by what was said since
    bundles.check();
    assertThat(change().string("state")).isEqualTo("under-way");
    beat("e1", 2);
    bundles.check();
    failed("agent-restarted");
  }

  @Test
  void whoseAgentWasNotHeardBeforeIsKnownByWhatItSaysFirst() throws Exception {
    said = new Reception.Said(null, null);
    begin();
    beat("e5", 7);
    bundles.check();
    assertThat(change().string("state")).isEqualTo("under-way");
    beat("e6", 8);
    bundles.check();
    failed("agent-restarted");
  }

  @Test
  void whoFallsSilentIsWaitedForNoLongerThanItWouldWait() throws Exception {
    liveness.heard("c", "memory", Duration.ofSeconds(5));
    begin();
    fetch();
    later(70);
    assertThat(change().string("state")).as("it may come back").isEqualTo("under-way");
    later(10);
    failed("agent-away");
    assertThat(ask(new BundleRequest.Piece(command(), 0))).as("it is over").isEmpty();
  }

  @Test
  void whoSpeaksAndNeverSaysWhatBecameOfItIsWaitedForLonger() throws Exception {
    begin();
    fetch();
    for (int i = 0; i < 29; i++) {
      later(10);
      beat("e1", 110 + 10 * i);
    }
    assertThat(change().string("state")).isEqualTo("under-way");
    later(20);
    failed("no-answer");
  }

  @Test
  void whatAnAgentSaysAfterItWasGivenUpHoldsAndIsCountedOnce() throws Exception {
    begin();
    fetch();
    beat("e2", 1);
    bundles.check();
    failed("agent-restarted");
    assertThat(ask(new BundleRequest.Outcome(command(), true, null, null, "0.1.0", 0, 5)))
        .isEmpty();
    assertThat(change().string("state")).isEqualTo("done");
    bundles.check();
    assertThat(change().string("state")).isEqualTo("done");
    assertThat(bundles.counts()).isEqualTo(new SwapCounts(0, 1));
  }

  @Test
  void aRunThatIsOverEndsIt() throws Exception {
    begin();
    fetch();
    liveness.vmEnded("c", 1, "killed");
    bundles.check();
    failed("agent-gone");
  }

  /** A piece that is on its way to a slow guest is not sent after itself each second. */
  @Test
  void aSlowGuestIsGivenAPieceAgainEverMoreSeldom() throws Exception {
    begin();
    int before = sent.size();
    BundleRequest.Piece piece = new BundleRequest.Piece(command(), 0);
    for (int second = 0; second <= 60; second++) {
      ask(piece);
      nanos.addAndGet(Duration.ofSeconds(1).toNanos());
    }
    assertThat(sent).as("at 0, 2, 6, 14, 30 s").hasSize(before + 5);
    assertThat(ask(new BundleRequest.Piece(command(), BundleRequest.PIECE))).hasSize(1);
  }

  @Test
  void whoAsksForeverIsGivenUpInTheEnd() throws Exception {
    begin();
    for (int i = 0; i < 92; i++) {
      assertThat(change().string("state")).as(i + "0 s").isEqualTo(i < 91 ? "under-way" : "failed");
      ask(new BundleRequest.Piece(command(), 0));
      beat("e1", 110 + 10 * i);
      later(10);
    }
    failed("no-answer");
  }

  private void later(int seconds) {
    nanos.addAndGet(Duration.ofSeconds(seconds).toNanos());
    liveness.check();
    bundles.check();
  }

  private void beat(String epoch, int uptime) {
    Heartbeat beat =
        new Heartbeat(
            "c",
            epoch,
            1,
            Instant.EPOCH,
            INTERVAL,
            AgentState.RUNNING,
            Duration.ofSeconds(uptime),
            new Heartbeat.Backlog(0, 0, 0),
            new Heartbeat.Load(1, 2, 0),
            "0.1.0",
            "memory",
            null);
    said = new Reception.Said(null, beat);
    assertThat(liveness.heard("c", "memory", INTERVAL)).isTrue();
  }

  private void begin() throws Exception {
    String digest = HexFormat.of().formatHex(MessageDigest.getInstance("SHA-256").digest(jar));
    assertThat(bundles.begin("c", "a.b", "0.1.1", digest, jar).string("state"))
        .isEqualTo("under-way");
    assertThat(Command.parse(sent.get(sent.size() - 1).bytes())).isInstanceOf(Command.Bundle.class);
    assertThat(bundles.isUnderWay("c")).isTrue();
  }

  private void fetch() {
    assertThat(ask(new BundleRequest.Piece(command(), 0))).hasSize(BundleRequest.PIECE);
  }

  private byte[] ask(BundleRequest request) {
    bundles.asked(
        new Message(
            Addresses.ofComputation("f", "c").bundles(),
            Map.of(Requester.HEADER, "r"),
            ByteBuffer.wrap(request.toJson())));
    return sent.get(sent.size() - 1).bytes();
  }

  private void failed(String code) {
    assertThat(change().string("state")).isEqualTo("failed");
    assertThat(change().string("code")).isEqualTo(code);
    assertThat(change().string("message")).isNotEmpty();
    assertThat(bundles.isUnderWay("c")).isFalse();
    assertThat(bundles.counts().failed()).isPositive();
  }

  private String command() {
    return change().string("command");
  }

  private JsonObject change() {
    return bundles.newest("c").orElseThrow();
  }
}
