// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.itest;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.fairlead.computations.store.RecordStore;
import dev.fairlead.delivery.AckLevel;
import dev.fairlead.delivery.Disk;
import dev.fairlead.delivery.Inbox;
import dev.fairlead.delivery.InboxListener;
import dev.fairlead.delivery.OutStream;
import dev.fairlead.delivery.Outbox;
import dev.fairlead.delivery.Policy;
import dev.fairlead.delivery.Runner;
import dev.fairlead.delivery.SegmentLog;
import dev.fairlead.delivery.StreamConfig;
import dev.fairlead.delivery.Switchboard;
import dev.fairlead.delivery.SwitchboardListener;
import dev.fairlead.protocol.Addresses;
import dev.fairlead.transport.access.Credential;
import dev.fairlead.transport.access.CredentialIssuer;
import dev.fairlead.transport.access.Grant;
import dev.fairlead.transport.api.TransportProvider;
import dev.fairlead.transport.nats.NatsTransportProvider;
import dev.fairlead.transport.nats.access.NatsAccessProvider;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Function;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A broker that stores what it acknowledges: agents forget, and the collector may be away. */
final class StoredIT {

  private static final String FLEET = "fl";
  private static final Duration LONG = Duration.ofMinutes(2);

  @TempDir Path folder;

  private CredentialIssuer issuer;

  @BeforeEach
  void startBroker() {
    issuer =
        new NatsAccessProvider()
            .open(
                Map.of(
                        "dir",
                        folder.resolve("broker").toString(),
                        "store",
                        FLEET + "/*/up/logs",
                        "store.mib",
                        "16")
                    ::get);
  }

  @AfterEach
  void endBroker() {
    issuer.close();
  }

  private Function<String, @Nullable String> settings(Addresses party) {
    Credential credential =
        issuer.issue(
            new Grant(party.party(), party.sends(), party.receives()), Duration.ofHours(1));
    return name ->
        switch (name) {
          case TransportProvider.ENDPOINT -> issuer.endpoint().uri().toString();
          case TransportProvider.CA_SHA256 -> issuer.endpoint().caSha256();
          case TransportProvider.CREDENTIAL -> credential.content();
          case TransportProvider.REPLIES -> party.replies();
          default -> null;
        };
  }

  /** One end: its thread and its way to the others. */
  private class End implements AutoCloseable {
    final Runner runner = Runner.start("fairlead-stored-it");
    final Switchboard switchboard = new Switchboard(runner, SwitchboardListener.NONE);

    void use(Addresses party) {
      switchboard
          .use(new NatsTransportProvider(), settings(party), Duration.ofSeconds(10))
          .toCompletableFuture()
          .join();
    }

    @Override
    public void close() {
      switchboard.close();
      runner.close();
    }
  }

  /** An agent with little memory and no spool. */
  private final class Agent extends End {
    static final int MEMORY = 256 * 1024;
    final Outbox outbox = new Outbox(switchboard, runner);
    final OutStream logs;

    Agent(String id, Policy policy) {
      Addresses own = Addresses.ofComputation(FLEET, id);
      logs =
          outbox.open(
              StreamConfig.of(own.stream(Addresses.LOGS), own.acks(Addresses.LOGS), "e1")
                  .withCapacity(MEMORY)
                  .withPolicy(policy)
                  .withForgetAt(AckLevel.STORED));
      use(own);
    }

    void say(int lines) throws InterruptedException {
      for (int i = 0; i < lines; i++) {
        long unused = logs.append(line(logs.last() + 1));
      }
    }

    /** As a kill would: nothing is handed over any more. */
    @Override
    public void close() {
      outbox.close();
      super.close();
    }
  }

  private final class Collector extends End {
    final RecordStore store =
        new RecordStore(
            FLEET,
            Disk.of(folder.resolve("store")),
            SegmentLog.Config.of("test collector"),
            InstantSource.system());
    final Inbox inbox =
        new Inbox(
            switchboard,
            runner,
            store,
            List.of(Addresses.everyUp(FLEET, Addresses.LOGS)),
            stream ->
                Addresses.parse(stream.address())
                    .map(from -> from.acks(Addresses.LOGS))
                    .or(Optional::empty),
            InboxListener.NONE,
            AckLevel.STORED);

    Collector() {
      store.streams().forEach(inbox::announce);
      use(Addresses.ofCollector(FLEET));
    }

    long lines() {
      return store.lines("1", Addresses.LOGS);
    }

    List<String> read() {
      List<String> lines = new ArrayList<>();
      while (lines.size() < lines()) {
        store.read("1", Addresses.LOGS, lines.size() + 1).forEach(l -> lines.add(text(l)));
      }
      return lines;
    }

    /** As a kill between storing and answering: what it would still say is not said. */
    void die() {
      switchboard.close();
      inbox.close();
      store.close();
      runner.close();
    }

    @Override
    public void close() {
      inbox.close();
      super.close();
      store.close();
    }
  }

  private static byte[] line(long number) {
    return ("{\"line\":" + number + ",\"message\":\"" + "x".repeat(150) + "\"}").getBytes(UTF_8);
  }

  private static String text(byte[] line) {
    return new String(line, UTF_8);
  }

  private static void requireAll(List<String> lines, int count) {
    assertThat(lines).hasSize(count);
    for (int i = 0; i < count; i++) {
      assertThat(lines.get(i)).isEqualTo(text(line(i + 1)));
    }
  }

  @Test
  void anAgentWithLittleMemoryOutlivesAnOutageOfTheCollectorAndThenMayDie() throws Exception {
    int lines = 20_000; // 3.5 MB through 256 KiB of memory, and nobody reads
    try (Agent agent = new Agent("1", Policy.BLOCK)) {
      agent.say(lines);
      agent.logs.reached(lines, AckLevel.STORED).toCompletableFuture().get();
      assertThat(agent.logs.books().queued()).isZero();
      assertThat(agent.logs.positions().delivered()).isZero();
    }
    try (Collector collector = new Collector()) {
      await().atMost(LONG).until(() -> collector.lines() >= lines);
      requireAll(collector.read(), lines);
      assertThat(collector.inbox.books().gaps()).isZero();
    }
  }

  @Test
  void aCollectorThatDiesBetweenStoringAndAnsweringLosesAndDoublesNothing() throws Exception {
    int lines = 30_000;
    try (Agent agent = new Agent("1", Policy.BLOCK)) {
      int said = 0;
      for (int death = 1; death <= 3; death++) {
        Collector collector = new Collector();
        agent.say(lines / 4);
        said += lines / 4;
        long some = said / 2;
        await().atMost(LONG).until(() -> collector.lines() >= some);
        collector.die();
      }
      agent.say(lines - said);
      agent.logs.reached(lines, AckLevel.STORED).toCompletableFuture().get();
    }
    try (Collector collector = new Collector()) {
      await().atMost(LONG).until(() -> collector.lines() >= lines);
      requireAll(collector.read(), lines);
    }
  }

  @Test
  void aFullStoreLeavesItToTheOutboxAndEachDropIsAGapThatTheReaderSees() throws Exception {
    int lines = 150_000; // 26 MB into 16 MiB
    try (Agent agent = new Agent("1", Policy.DROP_NEW)) {
      for (int i = 0; i < lines; i += 500) {
        agent.say(500);
        await() // all is stored, or the broker has no more room
            .atMost(LONG)
            .until(() -> agent.logs.books().queued() == 0 || agent.logs.books().resent() > 20);
      }
      long dropped = agent.logs.books().droppedTotal();
      assertThat(dropped).isPositive();
      assertThat(agent.logs.books().balanced()).isTrue();
      try (Collector collector = new Collector()) {
        await().atMost(LONG).until(() -> agent.logs.books().queued() == 0);
        await()
            .atMost(LONG)
            .until(
                () -> collector.inbox.books().stored() + collector.inbox.books().gaps() >= lines);
        assertThat(collector.inbox.books().gaps()).isEqualTo(dropped);
        assertThat(collector.inbox.books().stored()).isEqualTo(lines - dropped);
      }
    }
  }

  @Test
  void aWholeComputationRunsAndItsLinesWaitAtTheBrokerAlone() throws Exception {
    Path own = Files.createDirectory(folder.resolve("host"));
    try (HostUp host = HostUp.start(own, "--set", "forget=stored", "--set", "store.mib=32")) {
      host.runExample(own);
      assertThat(streams(own)).as("streams of JetStream").contains("fairlead~sum~up~logs");
      await()
          .atMost(LONG)
          .untilAsserted(
              () ->
                  assertThat(
                          host.computations("GET", "/computations/sum/logs", null).body().lines())
                      .filteredOn(line -> line.contains("sum so far"))
                      .hasSizeGreaterThanOrEqualTo(12_000)
                      .doesNotHaveDuplicates());
    }
  }

  private static List<String> streams(Path own) throws IOException {
    try (Stream<Path> files = Files.walk(own.resolve("home/broker/jetstream"), 5)) {
      return files.map(file -> String.valueOf(file.getFileName())).toList();
    }
  }
}
