// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.agent.core;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import dev.fairlead.agent.AgentException;
import dev.fairlead.agent.AlgorithmParameters;
import dev.fairlead.agent.Challenge;
import dev.fairlead.agent.ResultReading;
import dev.fairlead.agent.Role;
import dev.fairlead.agent.RoleProof;
import dev.fairlead.agent.StreamBooks;
import dev.fairlead.agent.Upload;
import dev.fairlead.agent.run.BinKind;
import dev.fairlead.agent.run.PlainSandbox;
import dev.fairlead.agent.run.RunLimits;
import dev.fairlead.protocol.AgentState;
import dev.fairlead.protocol.Event;
import dev.fairlead.protocol.LogRecord;
import dev.fairlead.protocol.ManifestEnvelope;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.KeyPair;
import java.security.SecureRandom;
import java.time.Duration;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.AtomicReference;
import java.util.zip.ZipInputStream;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class AgentTest {

  @BeforeAll
  static void bePatient() {
    Awaitility.setDefaultTimeout(Duration.ofSeconds(40)); // a busy machine is late
  }

  private static final byte[] SCRIPT =
      "#!/bin/sh\necho hello $1\ncat datasets/* > results/out\n".getBytes(UTF_8);
  private static final byte[] DATA = "data one\n".getBytes(UTF_8);
  private static final byte[] MORE = "data two\n".getBytes(UTF_8);

  @TempDir Path directory;

  private final ConcurrentLinkedQueue<Event> events = new ConcurrentLinkedQueue<>();
  private final ConcurrentLinkedQueue<String> lines = new ConcurrentLinkedQueue<>();
  private final AtomicReference<Throwable> fatal = new AtomicReference<>();
  private final AtomicLong skew = new AtomicLong();

  private final KeyPair programmer = Keys.ed25519();
  private final KeyPair giver = Keys.pair("EC", 256);
  private final KeyPair otherGiver = Keys.ed25519();
  private final KeyPair reader = Keys.pair("RSA", 2048);

  private Agent agent;

  @BeforeEach
  void start() throws IOException {
    agent =
        new Agent(
            new Agent.Identity("c1", "e1", "0"),
            new AgentSettings(
                1 << 20,
                1 << 16,
                2,
                new RunLimits(Duration.ofSeconds(60), 1 << 28, 64, 1 << 26, 1 << 20, 1 << 20),
                false,
                true),
            new Agent.Environment(
                directory,
                new PlainSandbox(directory.resolve("runs")),
                name -> name.equals("bin") ? Optional.of(new BinKind()) : Optional.empty(),
                new Reporter() {
                  @Override
                  public void event(Event event) {
                    events.add(event);
                  }

                  @Override
                  public void log(LogRecord line) {
                    lines.add(line.source() + ":" + line.message());
                  }

                  @Override
                  public Map<String, StreamBooks> books() {
                    return Map.of("logs", new StreamBooks(3, 2, 1, 0));
                  }
                },
                InstantSource.system(),
                () -> System.nanoTime() + skew.get(),
                new SecureRandom(),
                fatal::set));
    agent.start();
  }

  @AfterEach
  void end() {
    agent.close();
    assertThat(fatal.get()).isNull();
  }

  private void manifest(String extra, byte[] algorithm, String... datasets) {
    byte[] bytes =
        Keys.manifest(extra, Keys.entry(algorithm, programmer), List.of(datasets), List.of(reader));
    agent.takeEnvelope(new ManifestEnvelope("c1", bytes).toJson());
  }

  private String dataset(byte[] data, KeyPair key, String filename) {
    return Keys.entry(data, key) + ",\"filename\":\"" + filename + "\"";
  }

  private static String withoutKey(byte[] data) {
    return Keys.entry(data, Keys.ed25519()).replaceFirst(",\"user_key\".*", "");
  }

  private RoleProof proof(KeyPair key, Role role, byte[] artefact) {
    return Keys.proof(key, agent.challenge(role), role, Keys.sha3(artefact));
  }

  private void sendAlgorithm(byte[] expected, byte[] sent) {
    try (Upload upload =
        agent.uploadAlgorithm(
            proof(programmer, Role.ALGORITHM_PROVIDER, expected), AlgorithmParameters.DEFAULT)) {
      upload.write(ByteBuffer.wrap(sent));
      upload.complete();
    }
  }

  private void sendData(byte[] data, KeyPair key, String filename) {
    try (Upload upload = agent.uploadDataset(proof(key, Role.DATA_PROVIDER, data), filename)) {
      upload.write(ByteBuffer.wrap(data));
      upload.complete();
    }
  }

  private AgentState state() {
    return agent.status().state();
  }

  private List<String> told() {
    return events.stream().map(Event::type).toList();
  }

  private static void assertRefused(Runnable call, AgentException.Reason reason, String code) {
    assertThatThrownBy(call::run)
        .isInstanceOfSatisfying(
            AgentException.class,
            e -> {
              assertThat(e.code()).isEqualTo(code);
              assertThat(e.reason()).isEqualTo(reason);
            });
  }

  private List<String> fetch(KeyPair key) throws IOException {
    Challenge challenge = agent.challenge(Role.CONSUMER);
    List<String> names = new ArrayList<>();
    try (ResultReading reading =
            agent.openResult(Keys.proof(key, challenge, Role.CONSUMER, challenge.artefact()));
        ZipInputStream zip = new ZipInputStream(reading.stream())) {
      for (var entry = zip.getNextEntry(); entry != null; entry = zip.getNextEntry()) {
        names.add(entry.getName() + "=" + new String(zip.readAllBytes(), UTF_8));
      }
      reading.consumed();
    }
    return names;
  }

  @Test
  void goesTheWholeWayAndTellsEachStep() throws Exception {
    manifest("", SCRIPT, dataset(DATA, giver, "a"), dataset(MORE, otherGiver, "b"));
    sendAlgorithm(SCRIPT, SCRIPT);
    sendData(MORE, otherGiver, "b");
    assertThat(state()).isEqualTo(AgentState.RECEIVING_DATA);
    sendData(DATA, giver, "");
    await().until(() -> state() == AgentState.CONSUMING_RESULTS);
    assertThat(fetch(reader)).containsExactly("out=data one\ndata two\n");
    assertThat(state()).isEqualTo(AgentState.COMPLETE);
    assertThat(fetch(reader)).hasSize(1);
    assertThat(lines).containsExactly("stdout:hello");
    assertThat(told())
        .containsExactly(
            "ReceivingManifest",
            "ReceivingAlgorithm",
            "ReceivingData",
            "DatasetReceived",
            "Running",
            "AlgorithmRun",
            "AlgorithmRun",
            "ConsumingResults",
            "Complete");
  }

  @Test
  void runsAtOnceWhereThereAreNoDatasetsAndTakesArgumentsFromTheUploader() {
    byte[] script = "#!/bin/sh\necho \"$@\"\n".getBytes(UTF_8);
    manifest("", script);
    try (Upload upload =
        agent.uploadAlgorithm(
            proof(programmer, Role.ALGORITHM_PROVIDER, script),
            new AlgorithmParameters("bin", List.of("a", "b c")))) {
      for (byte b : script) {
        upload.write(ByteBuffer.wrap(new byte[] {b}));
      }
      upload.complete();
    }
    await().until(() -> state() == AgentState.CONSUMING_RESULTS);
    assertThat(lines).containsExactly("stdout:a b c");
  }

  @Test
  void anUploadWithAnotherHashLeavesTheStateAsItIs() {
    manifest("", SCRIPT);
    assertRefused(
        () -> sendAlgorithm(SCRIPT, DATA), AgentException.Reason.INVALID, "hash-mismatch");
    assertThat(state()).isEqualTo(AgentState.RECEIVING_ALGORITHM);
    assertThat(directory.resolve("artefacts")).isEmptyDirectory();
    sendAlgorithm(SCRIPT, SCRIPT);
    await().until(() -> state() != AgentState.RECEIVING_ALGORITHM);
  }

  @Test
  void everythingInAWrongStateIsRefusedWithTheStatesName() {
    RoleProof none = new RoleProof("", "");
    assertThatThrownBy(() -> agent.uploadAlgorithm(none, AlgorithmParameters.DEFAULT))
        .hasMessageContaining("ReceivingManifest");
    assertRefused(
        () -> agent.uploadDataset(none, ""), AgentException.Reason.WRONG_STATE, "wrong-state");
    assertRefused(() -> agent.openResult(none), AgentException.Reason.WRONG_STATE, "wrong-state");
    assertRefused(
        () -> agent.challenge(Role.CONSUMER), AgentException.Reason.WRONG_STATE, "wrong-state");
    manifest("", SCRIPT, dataset(DATA, giver, "a"));
    assertRefused(
        () -> agent.acceptManifest("{\"id\":\"x\"}".getBytes(UTF_8)),
        AgentException.Reason.WRONG_STATE,
        "wrong-state");
    assertRefused(
        () -> agent.uploadDataset(none, "a"), AgentException.Reason.WRONG_STATE, "wrong-state");
    assertThat(state()).isEqualTo(AgentState.RECEIVING_ALGORITHM);
  }

  @Test
  void aKeyMayOnlyDoItsOwnThing() {
    manifest("", SCRIPT, dataset(DATA, giver, "a"), dataset(MORE, otherGiver, "b"));
    assertRefused(
        () ->
            agent.uploadAlgorithm(
                proof(giver, Role.ALGORITHM_PROVIDER, SCRIPT), AlgorithmParameters.DEFAULT),
        AgentException.Reason.NOT_PERMITTED,
        "bad-signature");
    sendAlgorithm(SCRIPT, SCRIPT);
    assertRefused(
        () -> sendData(MORE, giver, "b"), AgentException.Reason.NOT_PERMITTED, "bad-signature");
    assertRefused(
        () -> sendData(DATA, giver, "b"), AgentException.Reason.NOT_PERMITTED, "bad-signature");
    assertRefused(
        () -> sendData(DATA, programmer, "a"),
        AgentException.Reason.NOT_PERMITTED,
        "bad-signature");
    RoleProof once = proof(giver, Role.DATA_PROVIDER, DATA);
    agent.uploadDataset(once, "a").close();
    assertRefused(
        () -> agent.uploadDataset(once, "a"), AgentException.Reason.NOT_PERMITTED, "bad-nonce");
    sendData(DATA, giver, "a");
    assertRefused(
        () -> sendData(DATA, giver, "c"), AgentException.Reason.NOT_PERMITTED, "not-in-manifest");
  }

  @Test
  void aDatasetThatHasComeIsNamedAsSuchToWhoeverMaySendIt() {
    manifest("", SCRIPT, dataset(DATA, giver, "a"), dataset(MORE, otherGiver, "b"));
    sendAlgorithm(SCRIPT, SCRIPT);
    sendData(DATA, giver, "a");
    assertRefused(
        () -> sendData(DATA, giver, "a"), AgentException.Reason.WRONG_STATE, "already-here");
    assertRefused(
        () -> sendData(DATA, giver, ""), AgentException.Reason.WRONG_STATE, "already-here");
    assertRefused(
        () -> sendData(DATA, otherGiver, "a"),
        AgentException.Reason.NOT_PERMITTED,
        "bad-signature");
    assertThat(state()).isEqualTo(AgentState.RECEIVING_DATA);
    sendData(MORE, otherGiver, "");
    assertThat(state()).isNotEqualTo(AgentState.RECEIVING_DATA);
  }

  @Test
  void aDatasetThatHasComeIsKnownByItsContentsWhereThereIsNoKeyAndNoName() {
    manifest("", SCRIPT, withoutKey(DATA), withoutKey(MORE));
    sendAlgorithm(SCRIPT, SCRIPT);
    sendData(DATA, giver, "x");
    assertRefused(
        () -> sendData(DATA, giver, "x"), AgentException.Reason.WRONG_STATE, "already-here");
    assertRefused(
        () -> sendData(DATA, giver, ""), AgentException.Reason.WRONG_STATE, "already-here");
    assertRefused(
        () -> sendData(SCRIPT, giver, "y"), AgentException.Reason.INVALID, "hash-mismatch");
    sendData(MORE, giver, "y");
    assertThat(state()).isNotEqualTo(AgentState.RECEIVING_DATA);
  }

  @Test
  void ofTwoDatasetsOfTheSameContentsEachIsTakenOnceUnderItsName() {
    String same = Keys.entry(DATA, giver);
    manifest("", SCRIPT, same, same);
    sendAlgorithm(SCRIPT, SCRIPT);
    sendData(DATA, giver, "x");
    assertRefused(
        () -> sendData(DATA, giver, "x"), AgentException.Reason.WRONG_STATE, "already-here");
    sendData(DATA, giver, "y");
    assertThat(state()).isNotEqualTo(AgentState.RECEIVING_DATA);
  }

  @Test
  void nobodyButAConsumerReadsTheResult() throws Exception {
    manifest("", SCRIPT, dataset(DATA, giver, "a"));
    sendAlgorithm(SCRIPT, SCRIPT);
    sendData(DATA, giver, "a");
    await().until(() -> state() == AgentState.CONSUMING_RESULTS);
    assertThatThrownBy(() -> fetch(giver)).extracting("code").isEqualTo("bad-signature");
    assertThat(state()).isEqualTo(AgentState.CONSUMING_RESULTS);
  }

  @Test
  void aFailedRunTellsItsReason() {
    byte[] script = "#!/bin/sh\necho bad >&2; exit 3\n".getBytes(UTF_8);
    manifest("", script);
    sendAlgorithm(script, script);
    await().until(() -> state() == AgentState.FAILED);
    assertThat(agent.status().failure()).contains("exit code 3");
    assertThat(lines).containsExactly("stderr:bad");
    assertThatThrownBy(() -> fetch(reader))
        .hasMessageContaining("exit code 3")
        .extracting("code")
        .isEqualTo("run-failed");
    Event last = events.stream().reduce((a, b) -> b).orElseThrow();
    assertThat(last.type()).isEqualTo("Failed");
    assertThat(last.details().string("code")).isEqualTo("exit-code");
  }

  @Test
  void theManifestsTimeoutHolds() {
    byte[] script = "#!/bin/sh\nexec sleep 600\n".getBytes(UTF_8);
    manifest("\"timeout\":\"1s\",", script);
    sendAlgorithm(script, script);
    await().until(() -> state() == AgentState.FAILED);
    assertThat(agent.status().failure()).contains("limit of 1 s");
  }

  @Test
  void envelopesThatDoNotFitAreRefusedAndTold() {
    byte[] good = Keys.manifest("", Keys.entry(SCRIPT, programmer), List.of(), List.of(reader));
    agent.takeEnvelope("no json".getBytes(UTF_8));
    agent.takeEnvelope(new ManifestEnvelope("c2", good).toJson());
    agent.takeEnvelope(new ManifestEnvelope("c1", "{\"id\":7}".getBytes(UTF_8)).toJson());
    String flipped =
        new String(new ManifestEnvelope("c1", good).toJson(), UTF_8)
            .replace("\"manifest\":\"e", "\"manifest\":\"f");
    agent.takeEnvelope(flipped.getBytes(UTF_8));
    String badKey = new String(good, UTF_8).replace(Keys.base64(reader), "AAAA");
    agent.takeEnvelope(new ManifestEnvelope("c1", badKey.getBytes(UTF_8)).toJson());
    assertThat(state()).isEqualTo(AgentState.RECEIVING_MANIFEST);
    assertThat(told()).filteredOn("ManifestRefused"::equals).hasSize(5);
    agent.takeEnvelope(new ManifestEnvelope("c1", good).toJson());
    assertThat(state()).isEqualTo(AgentState.RECEIVING_ALGORITHM);
  }

  @Test
  void theSameManifestAgainIsIgnoredAndAnotherIsRefusedAndReported() {
    manifest("", SCRIPT);
    String digest = agent.status().manifestSha256();
    manifest("", SCRIPT);
    assertThat(told()).doesNotContain("ManifestRefused");
    for (int i = 0; i < 500; i++) {
      manifest("", MORE);
    }
    assertThat(told()).filteredOn("ManifestRefused"::equals).hasSize(100);
    assertThat(events.stream().reduce((a, b) -> b).orElseThrow().details().string("code"))
        .isEqualTo("second-manifest");
    assertThat(agent.status().manifestSha256()).isEqualTo(digest);
  }

  @Test
  void uploadsAreBoundedInSizeAndNumber() {
    manifest("", SCRIPT, dataset(DATA, giver, "a"));
    sendAlgorithm(SCRIPT, SCRIPT);
    Upload large = agent.uploadDataset(proof(giver, Role.DATA_PROVIDER, DATA), "a");
    assertRefused(
        () -> {
          for (int i = 0; i < 100; i++) {
            large.write(ByteBuffer.allocate(1 << 10));
          }
        },
        AgentException.Reason.TOO_LARGE,
        "too-large");
    assertRefused(large::complete, AgentException.Reason.WRONG_STATE, "upload-ended");
    Upload first = agent.uploadDataset(proof(giver, Role.DATA_PROVIDER, DATA), "a");
    agent.uploadDataset(proof(giver, Role.DATA_PROVIDER, DATA), "a");
    assertRefused(
        () -> agent.uploadDataset(proof(giver, Role.DATA_PROVIDER, DATA), "a"),
        AgentException.Reason.BUSY,
        "too-many-uploads");
    // Who went away without a word does not keep the others out for ever.
    skew.addAndGet(Duration.ofSeconds(61).toNanos());
    sendData(DATA, giver, "a");
    assertRefused(
        () -> first.write(ByteBuffer.allocate(1)),
        AgentException.Reason.WRONG_STATE,
        "upload-ended");
    assertThat(state()).isNotEqualTo(AgentState.RECEIVING_DATA);
  }

  @Test
  void ofTwoAtOnceOneIsTaken() {
    manifest("", SCRIPT, dataset(DATA, giver, "a"));
    Upload one =
        agent.uploadAlgorithm(
            proof(programmer, Role.ALGORITHM_PROVIDER, SCRIPT), AlgorithmParameters.DEFAULT);
    Upload two =
        agent.uploadAlgorithm(
            proof(programmer, Role.ALGORITHM_PROVIDER, SCRIPT), AlgorithmParameters.DEFAULT);
    one.write(ByteBuffer.wrap(SCRIPT));
    two.write(ByteBuffer.wrap(SCRIPT));
    two.complete();
    assertRefused(one::complete, AgentException.Reason.WRONG_STATE, "wrong-state");
    assertThat(state()).isEqualTo(AgentState.RECEIVING_DATA);
  }

  @Test
  void whatIsStillBeingUploadedWhenTheAgentIsClosedStartsNothing() {
    manifest("", SCRIPT);
    Upload upload =
        agent.uploadAlgorithm(
            proof(programmer, Role.ALGORITHM_PROVIDER, SCRIPT), AlgorithmParameters.DEFAULT);
    upload.write(ByteBuffer.wrap(SCRIPT));
    agent.close();
    assertRefused(upload::complete, AgentException.Reason.WRONG_STATE, "wrong-state");
    assertThat(told()).doesNotContain("AlgorithmRun");
  }

  @Test
  void stopEndsTheRunAndForgetsEverything() {
    byte[] script = "#!/bin/sh\necho ready; exec sleep 600\n".getBytes(UTF_8);
    manifest("", script);
    sendAlgorithm(script, script);
    await().until(() -> lines.contains("stdout:ready"));
    agent.stop("enough");
    assertThat(state()).isEqualTo(AgentState.IDLE);
    assertThat(told()).endsWith("Stopped");
    assertThat(directory.resolve("artefacts")).isEmptyDirectory();
    assertThat(directory.resolve("runs")).isEmptyDirectory();
    agent.start();
    manifest("", MORE);
    assertThat(state()).isEqualTo(AgentState.RECEIVING_ALGORITHM);
  }

  @Test
  void theElderShapeOfManifestIsTakenButNothingCanBeUploadedForIt() throws Exception {
    byte[] seed =
        Files.readAllBytes(
            Path.of(
                AgentTest.class.getResource("/dev/fairlead/agent/agent-run-seed.json").toURI()));
    assertThat(agent.acceptManifest(seed))
        .isEqualTo("2faadab28b163fd6e4e9ed9b8ebed8bbe0083f3ebcbf6d37c6e8f1a3461bb0d3");
    assertThat(state()).isEqualTo(AgentState.RECEIVING_ALGORITHM);
    assertRefused(
        () -> agent.uploadAlgorithm(new RoleProof("", ""), AlgorithmParameters.DEFAULT),
        AgentException.Reason.NOT_PERMITTED,
        "not-in-manifest");
  }

  @Test
  void anUnknownKindIsRefusedByName() {
    manifest("", SCRIPT);
    assertRefused(
        () ->
            agent.uploadAlgorithm(
                proof(programmer, Role.ALGORITHM_PROVIDER, SCRIPT),
                new AlgorithmParameters("docker", List.of())),
        AgentException.Reason.INVALID,
        "unknown-kind");
  }
}
