// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.agent.grpc;

import static java.util.Objects.requireNonNullElse;

import com.google.protobuf.ByteString;
import com.google.protobuf.UnsafeByteOperations;
import dev.fairlead.agent.AgentException;
import dev.fairlead.agent.AgentService;
import dev.fairlead.agent.AgentStatus;
import dev.fairlead.agent.AlgorithmParameters;
import dev.fairlead.agent.ResultReading;
import dev.fairlead.agent.Role;
import dev.fairlead.agent.Upload;
import dev.fairlead.agent.grpc.proto.AgentServiceGrpc;
import dev.fairlead.agent.grpc.proto.AlgoRequest;
import dev.fairlead.agent.grpc.proto.AlgoResponse;
import dev.fairlead.agent.grpc.proto.AttestationRequest;
import dev.fairlead.agent.grpc.proto.AttestationResponse;
import dev.fairlead.agent.grpc.proto.ChallengeRequest;
import dev.fairlead.agent.grpc.proto.ChallengeResponse;
import dev.fairlead.agent.grpc.proto.DataRequest;
import dev.fairlead.agent.grpc.proto.DataResponse;
import dev.fairlead.agent.grpc.proto.ResultRequest;
import dev.fairlead.agent.grpc.proto.ResultResponse;
import dev.fairlead.agent.grpc.proto.StateRequest;
import dev.fairlead.agent.grpc.proto.StateResponse;
import io.grpc.Metadata;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import io.grpc.stub.ServerCallStreamObserver;
import io.grpc.stub.StreamObserver;
import java.io.IOException;
import java.io.InputStream;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * The service itself: translates calls to the agent's own words. gRPC calls it with one thread at a
 * time for each call; what blocks (the disk) blocks a thread of the server's own pool.
 */
final class AgentDoor extends AgentServiceGrpc.AgentServiceImplBase {

  private static final int CHUNK = 1 << 20;

  private final AgentService agent;

  AgentDoor(AgentService agent) {
    this.agent = agent;
  }

  @Override
  public StreamObserver<AlgoRequest> algo(StreamObserver<AlgoResponse> answer) {
    Metadata metadata = Headers.ofCall();
    return new Receiver<AlgoRequest, AlgoResponse>(answer, AlgoResponse.getDefaultInstance()) {
      @Override
      Upload begin(AlgoRequest first) {
        return agent.uploadAlgorithm(
            Headers.proof(metadata, Role.ALGORITHM_PROVIDER.word()), parameters(metadata));
      }

      @Override
      ByteString bytes(AlgoRequest request) {
        if (!request.getRequirements().isEmpty()) {
          throw new AgentException(
              AgentException.Reason.INVALID,
              "no-requirements",
              "This kind of algorithm takes no requirements: leave them out.");
        }
        return request.getAlgorithm();
      }
    };
  }

  @Override
  public StreamObserver<DataRequest> data(StreamObserver<DataResponse> answer) {
    Metadata metadata = Headers.ofCall();
    return new Receiver<DataRequest, DataResponse>(answer, DataResponse.getDefaultInstance()) {
      @Override
      Upload begin(DataRequest first) {
        return agent.uploadDataset(
            Headers.proof(metadata, Role.DATA_PROVIDER.word()), first.getFilename());
      }

      @Override
      ByteString bytes(DataRequest request) {
        return request.getDataset();
      }
    };
  }

  @Override
  public void result(ResultRequest request, StreamObserver<ResultResponse> answer) {
    Metadata headers = Headers.ofAnswer();
    ResultReading reading;
    try {
      reading = agent.openResult(Headers.proof(Headers.ofCall(), Role.CONSUMER.word()));
    } catch (RuntimeException e) {
      answer.onError(Statuses.of(e));
      return;
    }
    headers.put(Headers.FILE_SIZE, Long.toString(reading.size()));
    headers.put(Headers.SHA3_256, reading.sha3());
    new Sender(reading, (ServerCallStreamObserver<ResultResponse>) answer).start();
  }

  @Override
  public void attestation(AttestationRequest request, StreamObserver<AttestationResponse> answer) {
    answer.onError(
        Status.UNIMPLEMENTED
            .withDescription("no-evidence: This deployment has no source of evidence.")
            .asRuntimeException());
  }

  @Override
  public void challenge(ChallengeRequest request, StreamObserver<ChallengeResponse> answer) {
    try {
      var challenge = agent.challenge(Role.of(request.getRole()));
      answer.onNext(
          ChallengeResponse.newBuilder()
              .setComputation(challenge.computation())
              .setNonce(challenge.nonce())
              .setValidMs(challenge.validMillis())
              .setArtefact(challenge.artefact())
              .build());
      answer.onCompleted();
    } catch (RuntimeException e) {
      answer.onError(Statuses.of(e));
    }
  }

  @Override
  public void state(StateRequest request, StreamObserver<StateResponse> answer) {
    AgentStatus status = agent.status();
    answer.onNext(
        StateResponse.newBuilder()
            .setComputation(status.computation())
            .setEpoch(status.epoch())
            .setState(status.state().wireName())
            .setManifestSha256(requireNonNullElse(status.manifestSha256(), ""))
            .setFailure(requireNonNullElse(status.failure(), ""))
            .setResultSha3256(requireNonNullElse(status.resultSha3(), ""))
            .setUptimeMs(status.uptimeMillis())
            .build());
    answer.onCompleted();
  }

  private static AlgorithmParameters parameters(Metadata metadata) {
    String kind = metadata.get(Headers.ALGORITHM_KIND);
    List<String> arguments = new ArrayList<>();
    Iterable<String> given = metadata.getAll(Headers.ALGORITHM_ARGUMENT);
    if (given != null) {
      given.forEach(arguments::add);
    }
    return new AlgorithmParameters(kind == null || kind.isEmpty() ? "bin" : kind, arguments);
  }

  /** An artefact on its way in, as far as the call goes. */
  private abstract static class Receiver<Q, A> implements StreamObserver<Q> {

    private final ServerCallStreamObserver<A> answer;
    private final A thanks;
    private @Nullable Upload upload;
    private boolean refused;

    Receiver(StreamObserver<A> answer, A thanks) {
      this.answer = (ServerCallStreamObserver<A>) answer;
      this.thanks = thanks;
      // One message at a time: the next is asked for when the last is on the disk.
      this.answer.disableAutoRequest();
      this.answer.request(1);
    }

    abstract Upload begin(Q first);

    abstract ByteString bytes(Q request);

    @Override
    public final void onNext(Q request) {
      if (refused) {
        return;
      }
      try {
        Upload current = upload;
        if (current == null) {
          current = begin(request);
          upload = current;
        }
        current.write(bytes(request).asReadOnlyByteBuffer());
        answer.request(1);
      } catch (RuntimeException e) {
        refuse(e);
      }
    }

    @Override
    public final void onCompleted() {
      if (refused) {
        return;
      }
      Upload current = upload;
      if (current == null) {
        refuse(
            new AgentException(
                AgentException.Reason.INVALID, "empty-upload", "Not a byte was sent."));
        return;
      }
      try (current) {
        current.complete();
        answer.onNext(thanks);
        answer.onCompleted();
      } catch (RuntimeException e) {
        refuse(e);
      }
    }

    @Override
    public final void onError(Throwable gone) {
      close();
    }

    private void refuse(RuntimeException e) {
      refused = true;
      close();
      answer.onError(Statuses.of(e));
    }

    private void close() {
      Upload current = upload;
      if (current != null) {
        current.close();
      }
    }
  }

  /** The result on its way out: as fast as the consumer takes it, and no faster. */
  private static final class Sender {

    private final ResultReading reading;
    private final ServerCallStreamObserver<ResultResponse> answer;
    private @Nullable InputStream bytes;
    private boolean whole;
    private boolean ended;

    Sender(ResultReading reading, ServerCallStreamObserver<ResultResponse> answer) {
      this.reading = reading;
      this.answer = answer;
    }

    void start() {
      answer.setOnReadyHandler(this::send);
      answer.setOnCancelHandler(this::end);
      // Called when all has gone out: only then has the consumer taken the result.
      answer.setOnCloseHandler(this::closed);
      send();
    }

    private synchronized void send() {
      try {
        while (!ended && !whole && answer.isReady()) {
          InputStream in = bytes;
          if (in == null) {
            in = reading.stream();
            bytes = in;
          }
          byte[] chunk = in.readNBytes(CHUNK);
          if (chunk.length == 0) {
            whole = true;
            answer.onCompleted();
          } else {
            answer.onNext(
                ResultResponse.newBuilder()
                    .setFile(UnsafeByteOperations.unsafeWrap(chunk))
                    .build());
          }
        }
      } catch (IOException e) {
        fail(
            Status.INTERNAL
                .withDescription("result-unreadable: The result cannot be read.")
                .withCause(e)
                .asRuntimeException());
      } catch (RuntimeException e) {
        fail(Statuses.of(e));
      }
    }

    private synchronized void closed() {
      if (whole && !ended) {
        reading.consumed();
      }
      end();
    }

    private void fail(StatusRuntimeException status) {
      if (!ended) {
        end();
        answer.onError(status);
      }
    }

    private synchronized void end() {
      if (ended) {
        return;
      }
      ended = true;
      try {
        InputStream in = bytes;
        if (in != null) {
          in.close();
        }
      } catch (IOException e) {
        throw new java.io.UncheckedIOException("The result's file does not close.", e);
      } finally {
        reading.close();
      }
    }
  }
}
