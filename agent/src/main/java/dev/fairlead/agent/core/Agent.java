// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.agent.core;

import static java.lang.System.Logger.Level.WARNING;
import static java.util.Objects.requireNonNull;

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
import dev.fairlead.agent.run.Sandbox;
import dev.fairlead.agent.spi.AlgorithmKind;
import dev.fairlead.protocol.AgentState;
import dev.fairlead.protocol.ComputationDigest;
import dev.fairlead.protocol.Manifest;
import dev.fairlead.protocol.ManifestEnvelope;
import dev.fairlead.protocol.json.JsonObject;
import dev.fairlead.protocol.json.ProtocolException;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.time.InstantSource;
import java.util.Optional;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Consumer;
import java.util.function.Function;
import java.util.function.LongSupplier;
import java.util.random.RandomGenerator;
import org.jspecify.annotations.Nullable;

/**
 * The agent itself, apart from how it is reached: holds the state, and does what each state asks
 * for. Every step is taken under one lock and told as an event before the next one can begin. Safe
 * for use by several threads.
 */
public final class Agent implements AgentService, AutoCloseable {

  /** Who says its events. */
  public static final String ORIGINATOR = "agent";

  private static final System.Logger log = System.getLogger(Agent.class.getName());

  private final Identity identity;
  private final AgentSettings settings;
  private final Environment environment;
  private final Artefacts artefacts;
  private final Nonces nonces;
  private final RoleVerifier verifier;
  private final Uploads uploads;
  private final AgentEvents events;
  private final Lifecycle lifecycle;
  private final RunLauncher launcher;
  private final long startedNanos;

  private final ReentrantLock lock = new ReentrantLock();

  /** What the manifest in force asks for; null while there is none. */
  private @Nullable Computation computation;

  /**
   * Who this is.
   *
   * @param epoch changes with each start
   */
  public record Identity(String computation, String epoch, String version) {}

  /**
   * What an agent needs from outside.
   *
   * @param work a directory of its own, for uploads and results
   * @param kinds finds a kind of algorithm by its name
   * @param nanoTime a clock that never goes back
   * @param random cannot be guessed
   * @param fatal told when a thread of the agent fails in a way that nobody foresaw
   */
  public record Environment(
      Path work,
      Sandbox sandbox,
      Function<String, Optional<AlgorithmKind>> kinds,
      Reporter reporter,
      InstantSource clock,
      LongSupplier nanoTime,
      RandomGenerator random,
      Consumer<Throwable> fatal) {}

  /**
   * Makes one, in state {@code Idle}.
   *
   * @throws IOException when the working directory cannot be used
   */
  public Agent(Identity identity, AgentSettings settings, Environment environment)
      throws IOException {
    this.identity = identity;
    this.settings = settings;
    this.environment = environment;
    this.artefacts =
        new Artefacts(
            environment.work().resolve("artefacts"),
            settings.algorithmBytes() + 2 * settings.datasetBytes());
    this.nonces = new Nonces(identity.computation(), environment.nanoTime(), environment.random());
    this.verifier = new RoleVerifier(identity.computation(), nonces, settings.bareSignatures());
    this.uploads = new Uploads(artefacts, settings.uploads(), environment.nanoTime());
    this.events =
        new AgentEvents(identity.computation(), environment.clock(), environment.reporter()::event);
    this.lifecycle = new Lifecycle(events);
    this.launcher =
        new RunLauncher(identity.computation(), environment, settings.run(), artefacts, events);
    this.startedNanos = environment.nanoTime().getAsLong();
  }

  /** Begins to wait for a manifest. */
  public void start() {
    locked(() -> lifecycle.step(Trigger.START, JsonObject.empty()));
  }

  @Override
  public AgentStatus status() {
    Lifecycle.Standing now = lifecycle.now();
    return new AgentStatus(
        identity.computation(),
        identity.epoch(),
        now.state(),
        now.manifestSha256(),
        now.failure(),
        now.resultSha3(),
        uptime().toMillis(),
        environment.reporter().books());
  }

  /** Time since it was made. */
  public Duration uptime() {
    return Duration.ofNanos(environment.nanoTime().getAsLong() - startedNanos);
  }

  // --- manifest ---

  /** Takes an envelope that came over the transport. Whatever is wrong with it becomes an event. */
  public void takeEnvelope(byte[] bytes) {
    locked(
        () -> {
          try {
            ManifestEnvelope envelope = ManifestEnvelope.parse(bytes);
            if (!envelope.computation().equals(identity.computation())) {
              throw new ProtocolException(
                  "wrong-computation", "The manifest is for another computation.");
            }
            String current = lifecycle.now().manifestSha256();
            if (envelope.sha256().equals(current)) {
              return;
            }
            if (current != null) {
              throw new ProtocolException(
                  "second-manifest",
                  "A manifest is in force already; restart the computation to give it another.");
            }
            accept(Manifest.parse(envelope.manifest()));
          } catch (ProtocolException e) {
            events.refused("ManifestRefused", e.code(), String.valueOf(e.getMessage()));
          } catch (AgentException e) {
            events.refused("ManifestRefused", e.code(), e.sentence());
          }
        });
  }

  @Override
  public String acceptManifest(byte[] computation) {
    if (!settings.manifestThroughDoors()) {
      throw new AgentException(
          Reason.NOT_PERMITTED,
          "manifest-by-transport",
          "This agent takes its manifest from the registry only; register the computation there.");
    }
    if (computation.length > Manifest.MAX_BYTES) {
      throw new AgentException(
          Reason.TOO_LARGE,
          "too-large",
          "A computation has at most %d bytes.".formatted(Manifest.MAX_BYTES));
    }
    try {
      String digest = ComputationDigest.of(computation);
      Manifest parsed = Manifest.parse(computation);
      locked(() -> accept(parsed));
      return digest;
    } catch (ProtocolException e) {
      throw new AgentException(Reason.INVALID, e.code(), String.valueOf(e.getMessage()), e);
    }
  }

  private void accept(Manifest parsed) {
    lifecycle.require(AgentState.RECEIVING_MANIFEST, "Taking a manifest");
    ManifestInForce accepted = ManifestInForce.of(parsed);
    computation =
        new Computation(accepted, settings, lock, lifecycle, events, verifier, uploads, launcher);
    lifecycle.manifestReceived(accepted);
  }

  // --- roles ---

  @Override
  public Challenge challenge(Role role) {
    Lifecycle.Standing now = lifecycle.now();
    String artefact = "";
    boolean fits =
        switch (role) {
          case ALGORITHM_PROVIDER -> now.state() == AgentState.RECEIVING_ALGORITHM;
          case DATA_PROVIDER -> now.state() == AgentState.RECEIVING_DATA;
          case CONSUMER -> now.isOver();
        };
    if (!fits) {
      throw AgentStateMachine.refusal(now.state(), "Acting as " + role.word());
    }
    if (role == Role.CONSUMER) {
      artefact = now.resultSha3() == null ? RoleProof.NO_ARTEFACT : now.resultSha3();
    }
    return new Challenge(identity.computation(), nonces.next(), Nonces.VALID_MILLIS, artefact);
  }

  @Override
  public Upload uploadAlgorithm(RoleProof proof, AlgorithmParameters offered) {
    lock.lock();
    try {
      lifecycle.require(AgentState.RECEIVING_ALGORITHM, "Uploading the algorithm");
      return inForce().uploadAlgorithm(proof, offered);
    } finally {
      lock.unlock();
    }
  }

  @Override
  public Upload uploadDataset(RoleProof proof, String filename) {
    lock.lock();
    try {
      lifecycle.require(AgentState.RECEIVING_DATA, "Uploading a dataset");
      return inForce().uploadDataset(proof, filename);
    } finally {
      lock.unlock();
    }
  }

  @Override
  public ResultReading openResult(RoleProof proof) {
    lock.lock();
    try {
      Lifecycle.Standing now = lifecycle.now();
      if (!now.isOver()) {
        throw AgentStateMachine.refusal(now.state(), "Reading the result");
      }
      return inForce().openResult(proof);
    } finally {
      lock.unlock();
    }
  }

  private Computation inForce() {
    return requireNonNull(computation, "computation is null");
  }

  // --- end ---

  /**
   * Ends what goes on, and forgets all; the agent is then {@code Idle}. Waits until the algorithm
   * is gone, 30 s at most.
   *
   * @param reason one sentence for a person
   */
  public void stop(String reason) {
    RunThread run;
    lock.lock();
    try {
      run = letGo();
      computation = null;
      lifecycle.stopped(reason);
    } finally {
      lock.unlock();
    }
    uploads.end();
    try {
      if (run != null) {
        run.join();
      }
      artefacts.clear();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    } catch (IOException e) {
      log.log(WARNING, "What was uploaded could not be removed.", e);
    }
  }

  /** Ends the algorithm without a word; what is still being uploaded is not taken. Idempotent. */
  @Override
  public void close() {
    RunThread run;
    lock.lock();
    try {
      run = letGo();
    } finally {
      lock.unlock();
    }
    try {
      if (run != null) {
        run.interrupt();
        run.join();
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  private @Nullable RunThread letGo() {
    return computation == null ? null : computation.end();
  }

  /**
   * Tells that something was refused; after the first hundred only in the log.
   *
   * @param type of the event
   */
  public void reportRefusal(String type, String code, String message) {
    events.refused(type, code, message);
  }

  private void locked(Runnable action) {
    lock.lock();
    try {
      action.run();
    } finally {
      lock.unlock();
    }
  }
}
