// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.agent.grpc;

import com.google.protobuf.ByteString;
import com.google.protobuf.UnsafeByteOperations;
import dev.fairlead.agent.Role;
import dev.fairlead.agent.RoleProof;
import dev.fairlead.agent.grpc.proto.AgentServiceGrpc;
import dev.fairlead.agent.grpc.proto.AlgoRequest;
import dev.fairlead.agent.grpc.proto.AlgoResponse;
import dev.fairlead.agent.grpc.proto.ChallengeRequest;
import dev.fairlead.agent.grpc.proto.ChallengeResponse;
import dev.fairlead.agent.grpc.proto.DataRequest;
import dev.fairlead.agent.grpc.proto.DataResponse;
import dev.fairlead.agent.grpc.proto.ResultRequest;
import dev.fairlead.agent.grpc.proto.ResultResponse;
import dev.fairlead.agent.grpc.proto.StateRequest;
import dev.fairlead.agent.grpc.proto.StateResponse;
import dev.fairlead.protocol.AgentState;
import io.grpc.ManagedChannel;
import io.grpc.Metadata;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import io.grpc.netty.shaded.io.grpc.netty.NettyChannelBuilder;
import io.grpc.stub.ClientCallStreamObserver;
import io.grpc.stub.ClientResponseObserver;
import io.grpc.stub.MetadataUtils;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.InetSocketAddress;
import java.nio.channels.Channels;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.security.GeneralSecurityException;
import java.security.MessageDigest;
import java.security.PrivateKey;
import java.security.Signature;
import java.time.Duration;
import java.util.Base64;
import java.util.HexFormat;
import java.util.Iterator;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * A provider's or consumer's side of the agent's gRPC door. Each call asks for a nonce, signs, and
 * blocks until the agent has answered. For one thread at a time.
 *
 * <p>The way to a guest leads through its VM, which may stand still for a while and lose
 * connections. So where the connection fails, or nothing moves for {@value #STALL_SECONDS} s, an
 * upload is made again as a whole, with a new nonce, {@value #ATTEMPTS} times at most. How long all
 * of it takes is not limited, as long as it moves.
 */
public final class AgentClient implements AutoCloseable {

  private static final int CHUNK = 1 << 20;
  private static final long ANSWER_SECONDS = 30;
  private static final long TRANSFER_SECONDS = 600;
  private static final long STALL_SECONDS = 120;
  private static final int ATTEMPTS = 4;

  /** How long it may take an agent to see that an earlier attempt of ours is over. */
  private static final long BUSY_SECONDS = 120;

  private static final Duration BUSY_PAUSE = Duration.ofSeconds(5);

  private static final String NO_CONNECTION = "no-connection";
  private static final String TOO_MANY_UPLOADS = "too-many-uploads";
  private static final System.Logger LOG = System.getLogger(AgentClient.class.getName());

  private final ManagedChannel channel;
  private final String computation;
  private final Duration busyPause;

  /**
   * Makes one; it connects with its first call.
   *
   * @param computation whose agent has to answer there
   */
  public AgentClient(String host, int port, String computation) {
    this(host, port, computation, BUSY_PAUSE);
  }

  /**
   * Makes one; it connects with its first call.
   *
   * @param computation whose agent has to answer there
   * @param busyPause before an upload is made again for which there was no room
   */
  AgentClient(String host, int port, String computation, Duration busyPause) {
    this.computation = computation;
    this.busyPause = busyPause;
    channel =
        NettyChannelBuilder.forAddress(new InetSocketAddress(host, port))
            .usePlaintext()
            .maxInboundMessageSize(CHUNK + (64 << 10))
            .build();
  }

  /**
   * The state in which the agent is, by its wire name.
   *
   * @throws AgentClientException when it does not answer, or another computation's does
   */
  public String state() {
    StateResponse state =
        call(
            () ->
                AgentServiceGrpc.newBlockingStub(channel)
                    .withWaitForReady()
                    .withDeadlineAfter(ANSWER_SECONDS, TimeUnit.SECONDS)
                    .state(StateRequest.getDefaultInstance()));
    requireOwn(state.getComputation());
    return state.getState();
  }

  /**
   * Sends an algorithm, as its provider.
   *
   * @param kind {@code bin}
   * @param key the provider's; its public half stands in the manifest
   * @throws AgentClientException when the agent refuses it or does not answer, time and again
   * @throws IOException when the file cannot be read
   */
  public void uploadAlgorithm(Path file, String kind, List<String> arguments, PrivateKey key)
      throws IOException {
    String digest = sha3(file);
    patiently(
        AgentState.RECEIVING_ALGORITHM,
        () -> {
          Metadata headers = prove(Role.ALGORITHM_PROVIDER, digest, key);
          headers.put(Headers.ALGORITHM_KIND, kind);
          arguments.forEach(argument -> headers.put(Headers.ALGORITHM_ARGUMENT, argument));
          Sending<AlgoRequest, AlgoResponse> sending =
              new Sending<>(file, bytes -> AlgoRequest.newBuilder().setAlgorithm(bytes).build());
          stub(headers).algo(sending);
          return sending;
        });
  }

  /**
   * Sends a dataset, as its provider.
   *
   * @param filename the manifest's name for it
   * @throws AgentClientException when the agent refuses it or does not answer, time and again
   * @throws IOException when the file cannot be read
   */
  public void uploadDataset(Path file, String filename, PrivateKey key) throws IOException {
    String digest = sha3(file);
    patiently(
        AgentState.RECEIVING_DATA,
        () -> {
          Metadata headers = prove(Role.DATA_PROVIDER, digest, key);
          Sending<DataRequest, DataResponse> sending =
              new Sending<>(
                  file,
                  bytes ->
                      DataRequest.newBuilder().setDataset(bytes).setFilename(filename).build());
          stub(headers).data(sending);
          return sending;
        });
  }

  /** Begins an upload as a whole. */
  private interface Attempt {
    Sending<?, ?> begin() throws IOException;
  }

  /**
   * Makes an upload, again where the connection failed. Then an answer may have been lost, so that
   * a later attempt is refused since an earlier one has been taken: that is a success, if that one
   * had sent everything.
   *
   * @param during the agent's state in which it is taken
   */
  private void patiently(AgentState during, Attempt attempt) throws IOException {
    boolean sentBefore = false;
    long busySince = 0;
    for (int made = 1; true; ) {
      Sending<?, ?> sending = null;
      try {
        sending = attempt.begin();
        sending.await();
        return;
      } catch (AgentClientException e) {
        AgentClientException failure = e;
        if (sentBefore) {
          try {
            if (wasTaken(during, e.code())) {
              return;
            }
          } catch (AgentClientException unknown) {
            failure = unknown;
          }
        }
        // Of an attempt that was answered with a refusal, nothing was taken.
        sentBefore |= e.code().equals(NO_CONNECTION) && sending != null && sending.isSent();
        if (made > 1 && failure.code().equals(TOO_MANY_UPLOADS)) {
          // The agent may still wait for what an earlier attempt of ours had to say.
          long now = System.nanoTime();
          busySince = busySince == 0 ? now : busySince;
          if (now - busySince > TimeUnit.SECONDS.toNanos(BUSY_SECONDS)) {
            throw failure;
          }
          pause();
          continue;
        }
        if (!failure.code().equals(NO_CONNECTION)) {
          throw failure;
        }
        if (made == ATTEMPTS) {
          throw new AgentClientException(
              NO_CONNECTION,
              "The upload was tried %d times: see whether the VM runs, and try again. %s"
                  .formatted(made, failure.getMessage()),
              failure);
        }
        made++;
        busySince = 0;
        LOG.log(System.Logger.Level.DEBUG, "The upload is made again.", failure);
      }
    }
  }

  private boolean wasTaken(AgentState during, String code) {
    return code.equals("already-here")
        || (code.equals("wrong-state") && AgentState.parse(state()).compareTo(during) > 0);
  }

  private void pause() {
    try {
      Thread.sleep(busyPause.toMillis());
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new AgentClientException("interrupted", "The upload was given up.", e);
    }
  }

  /**
   * Takes the result, as its consumer.
   *
   * @param target the zip file; it appears when it is whole, its digest verified
   * @throws AgentClientException when the agent refuses, or what came is not what it announced
   * @throws IOException when the file cannot be written
   */
  public void fetchResult(Path target, PrivateKey key) throws IOException {
    ChallengeResponse challenge = challenge(Role.CONSUMER);
    Metadata headers = prove(challenge, Role.CONSUMER, challenge.getArtefact(), key);
    Path part = target.resolveSibling(target.getFileName() + ".part");
    MessageDigest digest = digest();
    try {
      try (OutputStream out =
          Channels.newOutputStream(
              FileChannel.open(
                  part,
                  StandardOpenOption.CREATE,
                  StandardOpenOption.TRUNCATE_EXISTING,
                  StandardOpenOption.WRITE))) {
        Iterator<ResultResponse> chunks =
            AgentServiceGrpc.newBlockingStub(channel)
                .withInterceptors(MetadataUtils.newAttachHeadersInterceptor(headers))
                .withDeadlineAfter(TRANSFER_SECONDS, TimeUnit.SECONDS)
                .result(ResultRequest.getDefaultInstance());
        while (call(chunks::hasNext)) {
          byte[] bytes = call(chunks::next).getFile().toByteArray();
          digest.update(bytes);
          out.write(bytes);
        }
      }
      if (!HexFormat.of().formatHex(digest.digest()).equals(challenge.getArtefact())) {
        throw new AgentClientException(
            "hash-mismatch",
            "What came is not the result that the agent announced.",
            new IOException("SHA3-256 differs"));
      }
      Files.move(part, target, StandardCopyOption.REPLACE_EXISTING);
    } finally {
      Files.deleteIfExists(part);
    }
  }

  private AgentServiceGrpc.AgentServiceStub stub(Metadata headers) {
    return AgentServiceGrpc.newStub(channel)
        .withInterceptors(MetadataUtils.newAttachHeadersInterceptor(headers));
  }

  private ChallengeResponse challenge(Role role) {
    ChallengeResponse challenge =
        call(
            () ->
                AgentServiceGrpc.newBlockingStub(channel)
                    .withWaitForReady()
                    .withDeadlineAfter(ANSWER_SECONDS, TimeUnit.SECONDS)
                    .challenge(ChallengeRequest.newBuilder().setRole(role.word()).build()));
    requireOwn(challenge.getComputation());
    return challenge;
  }

  private void requireOwn(String answering) {
    if (!answering.equals(computation)) {
      throw new AgentClientException(
          "another-computation",
          "At %s answers the agent of another computation (%s), not that of %s; nothing was signed or sent. Ask the manager where the agent is, and whether its VM runs."
              .formatted(channel.authority(), printable(answering), computation));
    }
  }

  /** What a stranger says, as far as it may be shown. */
  private static String printable(String said) {
    return said.matches("[A-Za-z0-9_-]{1,64}") ? said : "of no valid name";
  }

  private Metadata prove(Role role, String artefact, PrivateKey key) {
    return prove(challenge(role), role, artefact, key);
  }

  private Metadata prove(ChallengeResponse challenge, Role role, String artefact, PrivateKey key) {
    String text = RoleProof.text(computation, role, artefact, challenge.getNonce());
    Metadata headers = new Metadata();
    headers.put(Headers.USER_ID, role.word());
    headers.put(Headers.NONCE, challenge.getNonce());
    headers.put(Headers.SIGNATURE, Base64.getEncoder().encodeToString(sign(text, key)));
    return headers;
  }

  private static byte[] sign(String text, PrivateKey key) {
    String algorithm =
        switch (key.getAlgorithm()) {
          case "RSA" -> "SHA256withRSA";
          case "EC" -> "SHA256withECDSA";
          default -> "Ed25519";
        };
    try {
      Signature signature = Signature.getInstance(algorithm);
      signature.initSign(key);
      signature.update(text.getBytes(StandardCharsets.US_ASCII));
      return signature.sign();
    } catch (GeneralSecurityException e) {
      throw new AgentClientException(
          "bad-key", "The key cannot sign: it must be Ed25519, EC or RSA.", e);
    }
  }

  private static String sha3(Path file) throws IOException {
    MessageDigest digest = digest();
    try (InputStream in = Files.newInputStream(file)) {
      byte[] buffer = new byte[1 << 16];
      for (int n = in.read(buffer); n >= 0; n = in.read(buffer)) {
        digest.update(buffer, 0, n);
      }
    }
    return HexFormat.of().formatHex(digest.digest());
  }

  private static MessageDigest digest() {
    try {
      return MessageDigest.getInstance("SHA3-256");
    } catch (GeneralSecurityException e) {
      throw new IllegalStateException("Java 17 has SHA3-256.", e);
    }
  }

  /** A call that may fail as gRPC fails. */
  private interface Call<T> {
    T make();
  }

  private static <T> T call(Call<T> call) {
    try {
      return call.make();
    } catch (StatusRuntimeException e) {
      throw translate(e.getStatus(), e);
    }
  }

  private static AgentClientException translate(Status status, Throwable cause) {
    String description = status.getDescription();
    int colon = description == null ? -1 : description.indexOf(": ");
    if (description != null && colon > 0 && description.substring(0, colon).matches("[a-z0-9-]+")) {
      return new AgentClientException(
          description.substring(0, colon),
          "The agent refuses: " + description.substring(colon + 2),
          cause);
    }
    return switch (status.getCode()) {
      case UNAVAILABLE, DEADLINE_EXCEEDED ->
          new AgentClientException(NO_CONNECTION, "The agent does not answer: " + status, cause);
      default ->
          new AgentClientException(
              "call-failed",
              "The call failed, and would fail again: %s; see whether that is an agent of this version."
                  .formatted(status),
              cause);
    };
  }

  /** Lets go of the connection. Idempotent. */
  @Override
  public void close() {
    channel.shutdownNow();
    try {
      channel.awaitTermination(2, TimeUnit.SECONDS);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  /** A file on its way out, as fast as the agent takes it. */
  private static final class Sending<Q, A> implements ClientResponseObserver<Q, A> {

    private final InputStream in;
    private final Function<ByteString, Q> message;
    private final CompletableFuture<@Nullable Void> answered = new CompletableFuture<>();
    private @Nullable ClientCallStreamObserver<Q> call;
    private boolean whole;
    private boolean begun;
    private volatile boolean sent;
    private volatile long movedAt = System.nanoTime();

    Sending(Path file, Function<ByteString, Q> message) throws IOException {
      this.in = Files.newInputStream(file);
      this.message = message;
    }

    @Override
    public void beforeStart(ClientCallStreamObserver<Q> stream) {
      call = stream;
      stream.setOnReadyHandler(() -> send(stream));
    }

    private synchronized void send(ClientCallStreamObserver<Q> stream) {
      movedAt = System.nanoTime();
      try {
        while (!whole && stream.isReady()) {
          byte[] chunk = in.readNBytes(CHUNK);
          if (chunk.length > 0 || !begun) {
            begun = true;
            stream.onNext(message.apply(UnsafeByteOperations.unsafeWrap(chunk)));
          }
          if (chunk.length < CHUNK) {
            whole = true;
            sent = true;
            stream.onCompleted();
          }
        }
      } catch (IOException e) {
        whole = true;
        stream.cancel("The file cannot be read", e);
        answered.completeExceptionally(e);
      }
    }

    /** Whether all of it has been handed over. */
    boolean isSent() {
      return sent;
    }

    void await() throws IOException {
      try (in) {
        while (!answered.isDone()) {
          long left = movedAt + TimeUnit.SECONDS.toNanos(STALL_SECONDS) - System.nanoTime();
          if (left <= 0) {
            cancel("Too slow", null);
            throw new AgentClientException(
                NO_CONNECTION,
                "Nothing of the upload has moved for " + STALL_SECONDS + " s.",
                new IOException("The upload stands still."));
          }
          awaitAnswer(left);
        }
        answered.get();
      } catch (ExecutionException e) {
        if (e.getCause() instanceof IOException broken) {
          throw broken;
        }
        throw translate(Status.fromThrowable(e), e);
      } catch (InterruptedException e) {
        cancel("Given up", e);
        Thread.currentThread().interrupt();
        throw new AgentClientException("interrupted", "The upload was given up.", e);
      }
    }

    /** Waits for the answer, so long at most. */
    private void awaitAnswer(long nanos) throws InterruptedException, ExecutionException {
      try {
        answered.get(nanos, TimeUnit.NANOSECONDS);
      } catch (TimeoutException e) {
        LOG.log(System.Logger.Level.DEBUG, "No answer yet.", e);
      }
    }

    private void cancel(String why, @Nullable Throwable cause) {
      ClientCallStreamObserver<Q> current = call;
      if (current != null) {
        current.cancel(why, cause);
      }
    }

    @Override
    public void onNext(A answer) {}

    @Override
    public void onError(Throwable e) {
      answered.completeExceptionally(e);
    }

    @Override
    public void onCompleted() {
      answered.complete(null);
    }
  }
}
