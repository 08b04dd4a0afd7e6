// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.agent.grpc;

import static java.nio.charset.StandardCharsets.US_ASCII;

import dev.fairlead.agent.AgentException;
import dev.fairlead.agent.AgentException.Reason;
import dev.fairlead.agent.AgentService;
import dev.fairlead.agent.AgentStatus;
import dev.fairlead.agent.AlgorithmParameters;
import dev.fairlead.agent.Challenge;
import dev.fairlead.agent.ResultReading;
import dev.fairlead.agent.Role;
import dev.fairlead.agent.RoleProof;
import dev.fairlead.agent.Upload;
import dev.fairlead.protocol.AgentState;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.security.GeneralSecurityException;
import java.security.MessageDigest;
import java.security.PublicKey;
import java.security.Signature;
import java.util.Base64;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;

/** An agent that takes anything from the holder of one key, up to a limit. */
final class FakeAgent implements AgentService {

  static final String NONCE = "the-nonce";

  final PublicKey key;
  final AtomicInteger begun = new AtomicInteger();
  final AtomicInteger closed = new AtomicInteger();
  final AtomicInteger consumed = new AtomicInteger();
  volatile int limit = 64 << 20;
  volatile byte[] result = new byte[0];
  volatile byte @Nullable [] algorithm;
  volatile byte @Nullable [] dataset;
  volatile AlgorithmParameters parameters = AlgorithmParameters.DEFAULT;
  volatile String filename = "";
  volatile @Nullable AgentException refusal;

  /** How often the refusal is still said. */
  final AtomicInteger refusals = new AtomicInteger(Integer.MAX_VALUE);

  volatile AgentState state = AgentState.RECEIVING_ALGORITHM;

  /** Called when an upload is whole, before it is answered. */
  volatile Runnable taken = () -> {};

  /** Called when an upload begins. */
  volatile Runnable opened = () -> {};

  /** Called before the state is said. */
  volatile Runnable asked = () -> {};

  FakeAgent(PublicKey key) {
    this.key = key;
  }

  static String sha3(byte[] bytes) {
    try {
      return HexFormat.of().formatHex(MessageDigest.getInstance("SHA3-256").digest(bytes));
    } catch (GeneralSecurityException e) {
      throw new IllegalStateException(e);
    }
  }

  @Override
  public AgentStatus status() {
    asked.run();
    return new AgentStatus("c1", "e1", state, null, null, null, 7, Map.of());
  }

  @Override
  public String acceptManifest(byte[] computation) {
    throw new UnsupportedOperationException();
  }

  @Override
  public Challenge challenge(Role role) {
    refuseIfTold();
    return new Challenge("c1", NONCE, 1000, role == Role.CONSUMER ? sha3(result) : "");
  }

  @Override
  public Upload uploadAlgorithm(RoleProof proof, AlgorithmParameters wanted) {
    refuseIfTold();
    begun.incrementAndGet();
    parameters = wanted;
    opened.run();
    return new Taking(proof, Role.ALGORITHM_PROVIDER, bytes -> algorithm = bytes);
  }

  @Override
  public Upload uploadDataset(RoleProof proof, String name) {
    refuseIfTold();
    filename = name;
    return new Taking(proof, Role.DATA_PROVIDER, bytes -> dataset = bytes);
  }

  @Override
  public ResultReading openResult(RoleProof proof) {
    refuseIfTold();
    byte[] bytes = result;
    verify(proof, Role.CONSUMER, bytes);
    return new ResultReading() {
      @Override
      public long size() {
        return bytes.length;
      }

      @Override
      public String sha3() {
        return FakeAgent.sha3(bytes);
      }

      @Override
      public InputStream stream() {
        return new ByteArrayInputStream(bytes);
      }

      @Override
      public void consumed() {
        consumed.incrementAndGet();
      }

      @Override
      public void close() {
        closed.incrementAndGet();
      }
    };
  }

  private void refuseIfTold() {
    AgentException told = refusal;
    if (told != null && refusals.getAndDecrement() > 0) {
      throw told;
    }
  }

  private void verify(RoleProof proof, Role role, byte[] artefact) {
    try {
      Signature signature = Signature.getInstance("Ed25519");
      signature.initVerify(key);
      signature.update(RoleProof.text("c1", role, sha3(artefact), NONCE).getBytes(US_ASCII));
      if (signature.verify(Base64.getDecoder().decode(proof.signature()))) {
        return;
      }
    } catch (GeneralSecurityException | IllegalArgumentException e) {
      // Refused below.
    }
    throw new AgentException(Reason.NOT_PERMITTED, "bad-signature", "Sign with the right key.");
  }

  /** Takes the bytes of an upload. */
  private interface Sink {
    void take(byte[] bytes);
  }

  private final class Taking implements Upload {
    private final RoleProof proof;
    private final Role role;
    private final Sink sink;
    private final ByteArrayOutputStream bytes = new ByteArrayOutputStream();

    Taking(RoleProof proof, Role role, Sink sink) {
      this.proof = proof;
      this.role = role;
      this.sink = sink;
    }

    @Override
    public void write(ByteBuffer source) {
      if (bytes.size() + source.remaining() > limit) {
        throw new AgentException(Reason.TOO_LARGE, "too-large", "Send less.");
      }
      byte[] copy = new byte[source.remaining()];
      source.get(copy);
      bytes.writeBytes(copy);
    }

    @Override
    public String complete() {
      verify(proof, role, bytes.toByteArray());
      sink.take(bytes.toByteArray());
      taken.run();
      return sha3(bytes.toByteArray());
    }

    @Override
    public void close() {
      closed.incrementAndGet();
    }
  }

  /** All that the doors may have to translate. */
  static List<Reason> reasons() {
    return List.of(Reason.values());
  }
}
