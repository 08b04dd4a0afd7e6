// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.agent.grpc;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import com.google.protobuf.ByteString;
import dev.fairlead.agent.AgentException;
import dev.fairlead.agent.AgentException.Reason;
import dev.fairlead.agent.grpc.proto.AgentServiceGrpc;
import dev.fairlead.agent.grpc.proto.AlgoRequest;
import dev.fairlead.agent.grpc.proto.AlgoResponse;
import dev.fairlead.agent.grpc.proto.AttestationRequest;
import dev.fairlead.agent.grpc.proto.ChallengeRequest;
import dev.fairlead.agent.grpc.proto.ResultRequest;
import dev.fairlead.agent.grpc.proto.StateRequest;
import dev.fairlead.protocol.AgentState;
import io.grpc.ManagedChannel;
import io.grpc.Metadata;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import io.grpc.netty.shaded.io.grpc.netty.NettyChannelBuilder;
import io.grpc.stub.MetadataUtils;
import io.grpc.stub.StreamObserver;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.KeyPair;
import java.security.KeyPairGenerator;
import java.time.Duration;
import java.util.List;
import java.util.Random;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Door and client together over loopback, and the door alone against a client of bad manners. */
class AgentDoorTest {

  @BeforeAll
  static void bePatient() {
    Awaitility.setDefaultTimeout(Duration.ofSeconds(40)); // a busy machine is late
  }

  @TempDir Path directory;

  private KeyPair keys;
  private FakeAgent agent;
  private AgentServer server;
  private AgentClient client;
  private ManagedChannel channel;

  @BeforeEach
  void open() throws Exception {
    keys = KeyPairGenerator.getInstance("Ed25519").generateKeyPair();
    agent = new FakeAgent(keys.getPublic());
    server = AgentServer.start(agent, new InetSocketAddress(InetAddress.getLoopbackAddress(), 0));
    client = new AgentClient("127.0.0.1", server.port(), "c1");
    channel =
        NettyChannelBuilder.forAddress("127.0.0.1", server.port())
            .usePlaintext()
            .maxInboundMessageSize(4 << 20)
            .build();
  }

  @AfterEach
  void close() throws Exception {
    channel.shutdownNow();
    assertThat(channel.awaitTermination(10, TimeUnit.SECONDS)).isTrue();
    client.close();
    server.close();
  }

  private Path file(int size) throws Exception {
    byte[] bytes = new byte[size];
    new Random(size).nextBytes(bytes);
    return Files.write(directory.resolve("file-" + size), bytes);
  }

  private static void assertRefused(ThrowingCall call, String code) {
    assertThatThrownBy(call::run)
        .isInstanceOfSatisfying(
            AgentClientException.class, e -> assertThat(e.code()).isEqualTo(code));
  }

  /** May throw anything. */
  private interface ThrowingCall {
    void run() throws Exception;
  }

  @Test
  void carriesArtefactsOfAnySizeWhole() throws Exception {
    for (int size : new int[] {0, 1, (1 << 20) - 1, 1 << 20, (1 << 20) + 1, 10 << 20}) {
      Path file = file(size);
      client.uploadAlgorithm(file, "bin", List.of("a", "b c"), keys.getPrivate());
      assertThat(agent.algorithm).isEqualTo(Files.readAllBytes(file));
      client.uploadDataset(file, "data.csv", keys.getPrivate());
      assertThat(agent.dataset).isEqualTo(Files.readAllBytes(file));
    }
    assertThat(agent.parameters.arguments()).containsExactly("a", "b c");
    assertThat(agent.filename).isEqualTo("data.csv");
  }

  @Test
  void anUploadIsMadeAgainWhereItsConnectionBreaks() throws Exception {
    Path file = file(10 << 20);
    try (BreakingWay way = new BreakingWay(server.port(), 3 << 20);
        AgentClient far = new AgentClient("127.0.0.1", way.port(), "c1")) {
      far.uploadAlgorithm(file, "bin", List.of(), keys.getPrivate());
      assertThat(agent.algorithm).isEqualTo(Files.readAllBytes(file));
      assertThat(agent.begun.get()).isEqualTo(2);
    }
  }

  @Test
  void anUploadWhoseAnswerIsLostHasSucceeded() throws Exception {
    Path file = file(1000);
    try (BreakingWay way = new BreakingWay(server.port(), Long.MAX_VALUE);
        AgentClient far = new AgentClient("127.0.0.1", way.port(), "c1")) {
      agent.taken =
          () -> {
            way.cut();
            agent.state = AgentState.RUNNING;
            agent.refusal = new AgentException(Reason.WRONG_STATE, "wrong-state", "Too late.");
          };
      far.uploadAlgorithm(file, "bin", List.of(), keys.getPrivate());
      assertThat(agent.algorithm).isEqualTo(Files.readAllBytes(file));
      // Said to somebody who has not tried before, the same is a refusal.
      assertRefused(
          () -> far.uploadAlgorithm(file, "bin", List.of(), keys.getPrivate()), "wrong-state");
    }
  }

  @Test
  void anUploadThatHadNotSentEverythingWasNotTaken() throws Exception {
    Path file = file(10 << 20);
    try (BreakingWay way = new BreakingWay(server.port(), 3 << 20);
        AgentClient far = new AgentClient("127.0.0.1", way.port(), "c1")) {
      agent.opened =
          () -> {
            agent.state = AgentState.RUNNING;
            agent.refusal = new AgentException(Reason.WRONG_STATE, "wrong-state", "Too late.");
          };
      assertRefused(
          () -> far.uploadAlgorithm(file, "bin", List.of(), keys.getPrivate()), "wrong-state");
      assertThat(agent.algorithm).isNull();
    }
  }

  @Test
  void aDatasetWhoseAnswerIsLostHasSucceededWhenItIsThere() throws Exception {
    Path file = file(1000);
    try (BreakingWay way = new BreakingWay(server.port(), Long.MAX_VALUE);
        AgentClient far = new AgentClient("127.0.0.1", way.port(), "c1")) {
      agent.taken =
          () -> {
            way.cut();
            agent.refusal = new AgentException(Reason.WRONG_STATE, "already-here", "It is there.");
          };
      far.uploadDataset(file, "data.csv", keys.getPrivate());
      assertThat(agent.dataset).isEqualTo(Files.readAllBytes(file));
      assertRefused(() -> far.uploadDataset(file, "data.csv", keys.getPrivate()), "already-here");
    }
  }

  @Test
  void whetherAnUploadWasTakenIsAskedAgainWhereThatAnswerIsLostToo() throws Exception {
    Path file = file(1000);
    AtomicInteger asked = new AtomicInteger();
    try (BreakingWay way = new BreakingWay(server.port(), Long.MAX_VALUE);
        AgentClient far = new AgentClient("127.0.0.1", way.port(), "c1")) {
      agent.taken =
          () -> {
            way.cut();
            agent.state = AgentState.RUNNING;
            agent.refusal = new AgentException(Reason.WRONG_STATE, "wrong-state", "Too late.");
          };
      agent.asked =
          () -> {
            if (asked.incrementAndGet() == 1) {
              way.cut();
            }
          };
      far.uploadAlgorithm(file, "bin", List.of(), keys.getPrivate());
      assertThat(asked).hasValue(2);
      assertThat(agent.begun).hasValue(1);
    }
  }

  @Test
  void anUploadWaitsUntilTheAgentHasSeenThatTheLastAttemptIsOver() throws Exception {
    Path file = file(10 << 20);
    agent.opened =
        () -> {
          agent.refusals.set(5);
          agent.refusal = new AgentException(Reason.BUSY, "too-many-uploads", "Wait.");
          agent.opened = () -> {};
        };
    try (BreakingWay way = new BreakingWay(server.port(), 3 << 20);
        AgentClient far = new AgentClient("127.0.0.1", way.port(), "c1", Duration.ofMillis(1))) {
      far.uploadAlgorithm(file, "bin", List.of(), keys.getPrivate());
      assertThat(agent.algorithm).isEqualTo(Files.readAllBytes(file));
      assertThat(agent.begun).hasValue(2);
    }
    // Who has not begun yet is told.
    agent.refusals.set(1);
    assertRefused(
        () -> client.uploadAlgorithm(file, "bin", List.of(), keys.getPrivate()),
        "too-many-uploads");
  }

  @Test
  void bringsTheResultAndSaysThatItWasConsumed() throws Exception {
    agent.result = Files.readAllBytes(file(3_500_000));
    Path target = directory.resolve("result.zip");
    client.fetchResult(target, keys.getPrivate());
    assertThat(target).hasBinaryContent(agent.result);
    await().until(() -> agent.consumed.get() == 1 && agent.closed.get() == 1);
    assertThat(directory.resolve("result.zip.part")).doesNotExist();
  }

  @Test
  void aForeignKeyIsRefused() throws Exception {
    KeyPair other = KeyPairGenerator.getInstance("Ed25519").generateKeyPair();
    assertRefused(
        () -> client.uploadAlgorithm(file(10), "bin", List.of(), other.getPrivate()),
        "bad-signature");
    assertRefused(
        () -> client.fetchResult(directory.resolve("r"), other.getPrivate()), "bad-signature");
    assertThat(directory.resolve("r")).doesNotExist();
    assertThat(agent.consumed.get()).isZero();
  }

  /** Two hosts may confuse their ports; then nobody signs, sends or believes anything. */
  @Test
  void theAgentOfAnotherComputationGetsNothing() throws Exception {
    Path target = directory.resolve("result.zip");
    try (AgentClient astray = new AgentClient("127.0.0.1", server.port(), "c2")) {
      assertRefused(
          () -> astray.uploadAlgorithm(file(10), "bin", List.of(), keys.getPrivate()),
          "another-computation");
      assertRefused(
          () -> astray.uploadDataset(file(10), "data.csv", keys.getPrivate()),
          "another-computation");
      assertRefused(() -> astray.fetchResult(target, keys.getPrivate()), "another-computation");
      assertRefused(astray::state, "another-computation");
    }
    assertThat(agent.begun).hasValue(0);
    assertThat(agent.consumed).hasValue(0);
    assertThat(target).doesNotExist();
  }

  @Test
  void everyReasonHasItsStatusAndKeepsItsCode() {
    for (Reason reason : FakeAgent.reasons()) {
      agent.refusal = new AgentException(reason, "some-code", "Do this.");
      Status.Code expected =
          switch (reason) {
            case WRONG_STATE -> Status.Code.FAILED_PRECONDITION;
            case NOT_PERMITTED -> Status.Code.PERMISSION_DENIED;
            case INVALID -> Status.Code.INVALID_ARGUMENT;
            case TOO_LARGE -> Status.Code.RESOURCE_EXHAUSTED;
            case BUSY -> Status.Code.UNAVAILABLE;
            case INTERNAL -> Status.Code.INTERNAL;
          };
      assertThatThrownBy(
              () ->
                  AgentServiceGrpc.newBlockingStub(channel)
                      .challenge(ChallengeRequest.newBuilder().setRole("consumer").build()))
          .isInstanceOfSatisfying(
              StatusRuntimeException.class,
              e -> {
                assertThat(e.getStatus().getCode()).isEqualTo(expected);
                assertThat(e.getStatus().getDescription()).isEqualTo("some-code: Do this.");
              });
      assertRefused(
          () -> client.uploadAlgorithm(file(10), "bin", List.of(), keys.getPrivate()), "some-code");
    }
  }

  @Test
  void tooMuchEndsTheUploadEarly() throws Exception {
    agent.limit = 2 << 20;
    assertRefused(
        () -> client.uploadAlgorithm(file(10 << 20), "bin", List.of(), keys.getPrivate()),
        "too-large");
    await().until(() -> agent.closed.get() == 1);
    assertThat(agent.algorithm).isNull();
  }

  private StreamObserver<AlgoRequest> rawUpload(CompletableFuture<Status> end) {
    Metadata headers = new Metadata();
    headers.put(Headers.SIGNATURE, "AAAA");
    headers.put(Headers.NONCE, FakeAgent.NONCE);
    return AgentServiceGrpc.newStub(channel)
        .withInterceptors(MetadataUtils.newAttachHeadersInterceptor(headers))
        .algo(
            new StreamObserver<>() {
              @Override
              public void onNext(AlgoResponse response) {}

              @Override
              public void onError(Throwable e) {
                end.complete(Status.fromThrowable(e));
              }

              @Override
              public void onCompleted() {
                end.complete(Status.OK);
              }
            });
  }

  @Test
  void aMessageBeyondTheChunkIsRefused() throws Exception {
    CompletableFuture<Status> end = new CompletableFuture<>();
    rawUpload(end)
        .onNext(
            AlgoRequest.newBuilder().setAlgorithm(ByteString.copyFrom(new byte[3 << 20])).build());
    assertThat(end.get(20, TimeUnit.SECONDS).getCode()).isEqualTo(Status.Code.RESOURCE_EXHAUSTED);
  }

  @Test
  void anUploadOfNothingAndOneWithRequirementsAreRefused() throws Exception {
    CompletableFuture<Status> end = new CompletableFuture<>();
    rawUpload(end).onCompleted();
    assertThat(end.get(20, TimeUnit.SECONDS).getDescription()).startsWith("empty-upload: ");
    CompletableFuture<Status> other = new CompletableFuture<>();
    rawUpload(other)
        .onNext(AlgoRequest.newBuilder().setRequirements(ByteString.copyFromUtf8("x")).build());
    assertThat(other.get(20, TimeUnit.SECONDS).getCode()).isEqualTo(Status.Code.INVALID_ARGUMENT);
  }

  @Test
  void anUploadThatIsGivenUpIsForgotten() {
    CompletableFuture<Status> end = new CompletableFuture<>();
    StreamObserver<AlgoRequest> upload = rawUpload(end);
    upload.onNext(
        AlgoRequest.newBuilder().setAlgorithm(ByteString.copyFrom(new byte[100])).build());
    await().until(() -> agent.begun.get() == 1);
    upload.onError(new IllegalStateException("given up"));
    await().until(() -> agent.closed.get() == 1);
    assertThat(agent.algorithm).isNull();
  }

  @Test
  void withoutSignatureOrInAnotherRoleNothingIsDone() {
    assertThatThrownBy(
            () ->
                AgentServiceGrpc.newBlockingStub(channel)
                    .result(ResultRequest.getDefaultInstance())
                    .hasNext())
        .hasMessageContaining("PERMISSION_DENIED");
    Metadata headers = new Metadata();
    headers.put(Headers.USER_ID, "data-provider");
    headers.put(Headers.SIGNATURE, "AAAA");
    assertThatThrownBy(
            () ->
                AgentServiceGrpc.newBlockingStub(channel)
                    .withInterceptors(MetadataUtils.newAttachHeadersInterceptor(headers))
                    .result(ResultRequest.getDefaultInstance())
                    .hasNext())
        .hasMessageContaining("PERMISSION_DENIED");
    assertThatThrownBy(
            () ->
                AgentServiceGrpc.newBlockingStub(channel)
                    .challenge(ChallengeRequest.newBuilder().setRole("king").build()))
        .hasMessageContaining("unknown-role");
  }

  @Test
  void stateIsOpenToAllAndAttestationSaysWhatItLacks() {
    assertThat(
            AgentServiceGrpc.newBlockingStub(channel)
                .state(StateRequest.getDefaultInstance())
                .getState())
        .isEqualTo("ReceivingAlgorithm");
    assertThat(client.state()).isEqualTo("ReceivingAlgorithm");
    assertThatThrownBy(
            () ->
                AgentServiceGrpc.newBlockingStub(channel)
                    .attestation(AttestationRequest.getDefaultInstance())
                    .hasNext())
        .hasMessageContaining("UNIMPLEMENTED");
  }
}
