// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.computations.registry;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.fairlead.computations.ComputationException;
import dev.fairlead.computations.liveness.AgentState;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.Statement;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class RegistryTest {

  private static final String DIGEST = "7".repeat(64);
  private static final byte[] MANIFEST = "{\"id\":\"123\"}".getBytes(UTF_8);

  @TempDir Path directory;
  private Instant now = Instant.parse("2026-01-01T00:00:00Z");
  private EmbeddedDatabase database;
  private Registry registry;
  private int requests;

  @BeforeEach
  void open() {
    database = new EmbeddedDatabase(directory.resolve("registry"));
    registry = Registry.open(database.source(), EmbeddedDatabase.SYNC, () -> now);
  }

  @AfterEach
  void close() {
    database.close();
  }

  @Test
  void keepsWhatWasRegisteredAcrossARestart() {
    register("123");
    registry.credential("123", 1, "c".repeat(64), now.plusSeconds(60));
    registry.epoch("123", "e1", 1);
    registry.agent("123", 1, AgentState.CONNECTED, now);
    Computation before = registry.find("123").orElseThrow();
    long revision = registry.revision();

    close();
    open();

    assertThat(registry.find("123")).contains(before);
    assertThat(before.run().vm()).isEqualTo(VmState.BOOTED);
    assertThat(before.run().agent()).isEqualTo(AgentState.CONNECTED);
    assertThat(before.run().lastHeard()).isEqualTo(now);
    assertThat(before.run().credentialExpiresAt()).isEqualTo(now.plusSeconds(60));
    assertThat(registry.manifest("123")).hasValue(MANIFEST);
    assertThat(registry.epochs("123")).containsExactly(new Epoch("e1", 1, now));
    assertThat(registry.revision()).isEqualTo(revision).isEqualTo(4);
  }

  @Test
  void keepsTheNewestMigrationAcrossARestart() {
    assertThat(registry.migration()).isEmpty();
    registry.migration(1, "one".getBytes(UTF_8));
    registry.migration(2, "two".getBytes(UTF_8));
    registry.migration(2, "two, changed".getBytes(UTF_8));
    close();
    open();
    assertThat(registry.migration()).hasValue("two, changed".getBytes(UTF_8));
  }

  @Test
  void aTakenIdGetsASuffixWhileItsVmHasNotEnded() {
    assertThat(register("123").id()).isEqualTo("123");
    assertThat(register("123").id()).isEqualTo("123-2");
    assertThat(register("123").id()).isEqualTo("123-3");
    registry.ended(request(), "123-2", "FINISHED", "guest-shutdown");
    Computation again = register("123");
    assertThat(again.id()).isEqualTo("123-2");
    assertThat(again.run().number()).isEqualTo(2);
    assertThat(again.run().vm()).isEqualTo(VmState.STARTING);
    assertThat(registry.runs("123-2"))
        .extracting(Run::vm)
        .containsExactly(VmState.ENDED, VmState.STARTING);
    assertThat(registry.all()).extracting(Computation::id).containsExactly("123", "123-2", "123-3");
  }

  @Test
  void aLongIdIsCutToMakeRoomForItsSuffix() {
    String longest = "a".repeat(64);
    assertThat(register(longest).id()).isEqualTo(longest);
    assertThat(register(longest).id()).isEqualTo("a".repeat(62) + "-2");
  }

  @Test
  void theSameRequestChangesNothingMore() {
    Request request = request();
    Computation first = registry.register(request, "123", MANIFEST, DIGEST);
    registry.credential("123", 1, "c".repeat(64), now.plusSeconds(60));
    Computation second = registry.register(request, "123", MANIFEST, DIGEST);
    assertThat(second.id()).isEqualTo(first.id());
    assertThat(registry.all()).hasSize(1);

    Request end = request();
    registry.ended(end, "123", "KILLED", "signal-9");
    Request renewal = request();
    assertThat(registry.renew(renewal, "123").run().number()).isEqualTo(2);
    assertThat(registry.renew(renewal, "123").run().number()).isEqualTo(2);
    assertThat(registry.ended(end, "123", "KILLED", "signal-9").run().number())
        .as("the end that was reported before is that of run 1")
        .isEqualTo(1);
    assertThat(registry.find("123").orElseThrow().run().vm()).isEqualTo(VmState.STARTING);
  }

  @Test
  void aRequestsIdCountsPerManagerAndForOneThingOnly() {
    Request request = request();
    registry.register(request, "123", MANIFEST, DIGEST);
    assertCode("request-id-reused", () -> registry.renew(request, "123"));
    Request sameIdOfAnother = new Request("_host-2", request.id());
    assertThat(registry.register(sameIdOfAnother, "123", MANIFEST, DIGEST).id()).isEqualTo("123-2");
  }

  @Test
  void aRunIsRenewedOnlyAfterItsVmEndedAndOnlyByItsManager() {
    register("123");
    assertCode("vm-not-ended", () -> registry.renew(request(), "123"));
    Request stranger = new Request("_host-2", "r");
    assertCode("not-your-computation", () -> registry.ended(stranger, "123", "KILLED", "x"));
    assertCode("unknown-computation", () -> registry.renew(request(), "124"));
    registry.ended(request(), "123", "KILLED", "signal-9");
    assertCode("not-your-computation", () -> registry.renew(stranger, "123"));
    Run run = registry.renew(request(), "123").run();
    assertThat(run.digest()).isEqualTo(DIGEST);
    assertThat(run.agent()).isEqualTo(AgentState.STARTING);
    assertThat(run.credentialSha256()).isNull();
    assertThat(registry.manifest("123")).hasValue(MANIFEST);
  }

  @Test
  void theFirstReasonOfAnEndStays() {
    register("123");
    registry.ended(request(), "123", "CRASHED", "guest-panic");
    registry.ended(request(), "123", "KILLED", "signal-9");
    Run run = registry.find("123").orElseThrow().run();
    assertThat(run.endKind()).isEqualTo("CRASHED");
    assertThat(run.endReason()).isEqualTo("guest-panic");
    assertThat(run.endedAt()).isEqualTo(now);
    assertThat(run.agent()).isEqualTo(AgentState.GONE);
  }

  @Test
  void whatWasNotRevokedIsKnownUntilItIs() {
    register("a");
    register("b");
    assertThat(registry.toRevoke()).isEmpty();
    registry.ended(request(), "a", "KILLED", "signal-9");
    assertThat(registry.toRevoke()).extracting(Computation::id).containsExactly("a");
    registry.revoked("a", 1);
    assertThat(registry.toRevoke()).isEmpty();
  }

  @Test
  void anEpochBelongsToTheRunItWasFirstSeenIn() {
    register("123");
    assertThat(registry.epoch("123", "e1", 1)).isEqualTo(1);
    registry.ended(request(), "123", "KILLED", "signal-9");
    registry.renew(request(), "123");
    assertThat(registry.epoch("123", "e2", 2)).isEqualTo(2);
    assertThat(registry.epoch("123", "e1", 2)).isEqualTo(1);
    assertThat(registry.epochs("123")).extracting(Epoch::name).containsExactly("e1", "e2");
    for (int i = 1; i < Registry.MAX_EPOCHS; i++) {
      registry.epoch("123", "more-" + i, 2);
    }
    assertCode("too-many-epochs", () -> registry.epoch("123", "one-more", 2));
    assertCode("unknown-computation", () -> registry.epoch("nobody", "e", 1));
  }

  @Test
  void refusesManifestsThatDoNotFit() {
    assertCode(
        "manifest-too-large",
        () -> registry.register(request(), "a", new byte[Registry.MAX_MANIFEST + 1], DIGEST));
    assertCode("manifest-too-large", () -> registry.register(request(), "a", new byte[0], DIGEST));
    byte[] largest = new byte[Registry.MAX_MANIFEST];
    registry.register(request(), "a", largest, DIGEST);
    assertThat(registry.manifest("a")).hasValue(largest);
    assertThat(registry.manifest("b")).isEmpty();
  }

  @Test
  void whatFailsLeavesNothingBehind() {
    long before = registry.revision();
    assertCode("unknown-computation", () -> registry.renew(request(), "nobody"));
    assertThat(registry.revision()).isEqualTo(before);
  }

  @Test
  void oldRequestsAreForgotten() {
    Request request = request();
    registry.register(request, "123", MANIFEST, DIGEST);
    now = now.plus(Duration.ofDays(8));
    registry.forgetRequests(Duration.ofDays(7));
    assertThat(registry.register(request, "123", MANIFEST, DIGEST).id()).isEqualTo("123-2");
  }

  @Test
  void manyAtOnceGetDifferentIds() throws Exception {
    ExecutorService threads = Executors.newFixedThreadPool(8);
    try {
      List<Callable<String>> work = new ArrayList<>();
      for (int i = 0; i < 40; i++) {
        work.add(() -> register("123").id());
      }
      List<String> ids = new ArrayList<>();
      for (Future<String> one : threads.invokeAll(work)) {
        ids.add(one.get());
      }
      assertThat(ids).doesNotHaveDuplicates().hasSize(40).contains("123", "123-2", "123-40");
      assertThat(registry.revision()).isEqualTo(40);
    } finally {
      threads.shutdownNow();
      assertThat(threads.awaitTermination(10, TimeUnit.SECONDS)).isTrue();
    }
  }

  @Test
  void aSecondServiceIsRefusedAndTold() throws Exception {
    // H2 lets one process in once more, so another process tries.
    Process second =
        new ProcessBuilder(
                ProcessHandle.current().info().command().orElse("java"),
                "-cp",
                System.getProperty("java.class.path"),
                SecondService.class.getName(),
                directory.resolve("registry").toString())
            .redirectErrorStream(true)
            .start();
    String said = new String(second.getInputStream().readAllBytes(), UTF_8);
    assertThat(second.waitFor()).isZero();
    assertThat(said).contains("registry-unusable");
  }

  @Test
  void survivesTheKillOfItsProcess() throws Exception {
    Path file = directory.resolve("killed");
    Process victim =
        new ProcessBuilder(
                ProcessHandle.current().info().command().orElse("java"),
                "-cp",
                System.getProperty("java.class.path"),
                Victim.class.getName(),
                file.toString())
            .redirectErrorStream(true)
            .start();
    try (var lines = victim.inputReader(UTF_8)) {
      String last = lines.readLine();
      for (int i = 0; i < 20; i++) {
        last = lines.readLine();
      }
      victim.destroyForcibly();
      assertThat(victim.waitFor()).isNotZero();
      assertThat(last).startsWith("registered ");
      try (EmbeddedDatabase killed = new EmbeddedDatabase(file)) {
        Registry found = Registry.open(killed.source(), EmbeddedDatabase.SYNC, () -> now);
        assertThat(found.find(last.substring("registered ".length()))).isPresent();
        assertThat(found.revision()).isEqualTo(found.all().size());
      }
    }
  }

  @Test
  void refusesADatabaseOfANewerVersion() throws Exception {
    try (Connection connection = database.source().getConnection();
        Statement statement = connection.createStatement()) {
      statement.execute("INSERT INTO schema_step VALUES (99, 0)");
    }
    assertCode(
        "registry-unusable",
        () -> Registry.open(database.source(), EmbeddedDatabase.SYNC, () -> now));
  }

  @Test
  void aStepThatWasCutOffIsDoneAgain() throws Exception {
    register("123");
    try (Connection connection = database.source().getConnection();
        Statement statement = connection.createStatement()) {
      statement.execute("DELETE FROM schema_step");
      statement.execute("DROP INDEX request_received");
    }
    Registry again = Registry.open(database.source(), EmbeddedDatabase.SYNC, () -> now);
    assertThat(again.find("123")).isPresent();
    assertThat(again.revision()).isEqualTo(1);
  }

  @Test
  void aDamagedFileIsNamedNotReplaced() throws Exception {
    Path file = directory.resolve("damaged.mv.db");
    Files.writeString(file, "this is no database".repeat(1000));
    assertCode("registry-unusable", () -> new EmbeddedDatabase(directory.resolve("damaged")));
    assertThat(file).content().startsWith("this is no database");
  }

  private Computation register(String wantedId) {
    return registry.register(request(), wantedId, MANIFEST, DIGEST);
  }

  private synchronized Request request() {
    return new Request("_host-1", "r" + requests++);
  }

  private static void assertCode(String code, Runnable call) {
    assertThatThrownBy(call::run)
        .isInstanceOfSatisfying(
            ComputationException.class, e -> assertThat(e.code()).isEqualTo(code));
  }

  /** Another process that wants the same registry. */
  static final class SecondService {
    public static void main(String[] args) {
      try (EmbeddedDatabase database = new EmbeddedDatabase(Path.of(args[0]))) {
        System.out.println("opened " + database.source());
      } catch (ComputationException e) {
        System.out.println(e.code());
      }
    }
  }

  /** Registers until it is killed, and says what it has registered. */
  static final class Victim {
    public static void main(String[] args) {
      try (EmbeddedDatabase database = new EmbeddedDatabase(Path.of(args[0]))) {
        Registry registry = Registry.open(database.source(), EmbeddedDatabase.SYNC, Instant::now);
        for (int i = 0; ; i++) {
          String id =
              registry.register(new Request("_host-1", "r" + i), "c" + i, MANIFEST, DIGEST).id();
          System.out.println("registered " + id);
        }
      }
    }
  }
}
