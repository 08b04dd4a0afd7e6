// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.agent.core;

import static java.util.Objects.requireNonNull;

import dev.fairlead.agent.AgentException;
import dev.fairlead.agent.AgentException.Reason;
import dev.fairlead.agent.AlgorithmParameters;
import dev.fairlead.agent.ResultReading;
import dev.fairlead.agent.Role;
import dev.fairlead.agent.RoleProof;
import dev.fairlead.agent.Upload;
import dev.fairlead.agent.core.RoleVerifier.Candidate;
import dev.fairlead.agent.core.RunLauncher.Program;
import dev.fairlead.agent.run.ResultArchive;
import dev.fairlead.agent.run.RunOutcome;
import dev.fairlead.agent.spi.AlgorithmKind;
import dev.fairlead.protocol.AgentState;
import dev.fairlead.protocol.json.JsonObject;
import java.util.List;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * What the manifest in force asks for: takes algorithm and datasets from whoever may bring them,
 * has the algorithm run, and gives the result to whoever may have it.
 *
 * <p>All is done with the agent's lock held: its methods are called so, and take it themselves when
 * an upload arrives, a run ends, or a result is consumed, each in a thread of its own.
 */
final class Computation {

  private final ManifestInForce manifest;
  private final AgentSettings settings;
  private final ReentrantLock lock;
  private final Lifecycle lifecycle;
  private final AgentEvents events;
  private final RoleVerifier verifier;
  private final Uploads uploads;
  private final RunLauncher launcher;
  private final Datasets datasets;

  private @Nullable Program program;
  private @Nullable RunThread run;
  private ResultArchive.@Nullable Packed result;

  /** Whatever comes now is too late. */
  private boolean over;

  /**
   * Makes one that waits for its algorithm.
   *
   * @param lock the agent's
   */
  Computation(
      ManifestInForce manifest,
      AgentSettings settings,
      ReentrantLock lock,
      Lifecycle lifecycle,
      AgentEvents events,
      RoleVerifier verifier,
      Uploads uploads,
      RunLauncher launcher) {
    this.manifest = manifest;
    this.settings = settings;
    this.lock = lock;
    this.lifecycle = lifecycle;
    this.events = events;
    this.verifier = verifier;
    this.uploads = uploads;
    this.launcher = launcher;
    this.datasets = new Datasets(manifest.datasets());
  }

  // --- algorithm ---

  /** Begins the upload of the algorithm, which is waited for. */
  Upload uploadAlgorithm(RoleProof proof, AlgorithmParameters offered) {
    Candidate expected = manifest.algorithm();
    if (expected == null) {
      throw noDigest("an algorithm");
    }
    verifier.verify(Role.ALGORITHM_PROVIDER, proof, List.of(expected));
    AlgorithmParameters wanted = manifest.parameters(offered);
    AlgorithmKind kind = launcher.kind(wanted.kind());
    return begin(
        settings.algorithmBytes(),
        expected,
        arrived -> algorithmArrived(kind, wanted.arguments(), arrived));
  }

  private void algorithmArrived(
      AlgorithmKind kind, List<String> arguments, Uploads.Arrived arrived) {
    lifecycle.require(AgentState.RECEIVING_ALGORITHM, "Uploading the algorithm");
    program = new Program(kind, arguments, arrived.file());
    JsonObject details =
        JsonObject.builder().put("kind", kind.name()).put("bytes", arrived.bytes()).build();
    if (datasets.isComplete()) {
      lifecycle.step(Trigger.ALGORITHM_RECEIVED_ALONE, details);
      startRun();
    } else {
      lifecycle.step(Trigger.ALGORITHM_RECEIVED, details);
    }
  }

  // --- datasets ---

  /** Begins the upload of a dataset; some are waited for. */
  Upload uploadDataset(RoleProof proof, String filename) {
    List<Integer> numbers = datasets.meantBy(filename);
    if (numbers.isEmpty()) {
      throw noDigest("a dataset of this name");
    }
    List<Candidate> candidates = numbers.stream().map(datasets::candidate).toList();
    int chosen = verifier.verify(Role.DATA_PROVIDER, proof, candidates);
    int number = numbers.get(chosen);
    Candidate expected = candidates.get(chosen);
    // A proof that holds for any contents proves nothing yet: they will show when they are here.
    boolean ofContents = expected.key() != null && !proof.nonce().isEmpty();
    if (ofContents && datasets.has(number)) {
      throw Datasets.alreadyHere();
    }
    String name = datasets.name(number, filename);
    return begin(
        settings.datasetBytes(), expected, arrived -> datasetArrived(number, name, arrived));
  }

  private void datasetArrived(int number, String name, Uploads.Arrived arrived) {
    lifecycle.require(AgentState.RECEIVING_DATA, "Uploading a dataset");
    datasets.add(number, name, arrived.file());
    JsonObject details =
        JsonObject.builder()
            .put("filename", name)
            .put("bytes", arrived.bytes())
            .put("received", datasets.received())
            .put("expected", datasets.wanted())
            .build();
    if (datasets.isComplete()) {
      lifecycle.step(Trigger.DATA_RECEIVED, details);
      startRun();
    } else {
      events.tell("DatasetReceived", "InProgress", details);
    }
  }

  // --- what algorithm and datasets have in common ---

  private Upload begin(long limit, Candidate expected, Consumer<Uploads.Arrived> taker) {
    return uploads.begin(
        limit,
        arrived ->
            locked(
                () -> {
                  requireInForce();
                  requireContents(expected, arrived.sha3());
                  taker.accept(arrived);
                }));
  }

  private void requireInForce() {
    if (over) {
      throw AgentStateMachine.refusal(lifecycle.now().state(), "Ending an earlier upload");
    }
  }

  private void requireContents(Candidate expected, String sha3) {
    if (sha3.equals(expected.artefact())) {
      return;
    }
    if (datasets.hasContents(sha3)) {
      throw Datasets.alreadyHere(); // where no key tells datasets apart, the contents do
    }
    throw new AgentException(
        Reason.INVALID,
        "hash-mismatch",
        "What came has SHA3-256 %s; the manifest wants %s.".formatted(sha3, expected.artefact()));
  }

  private static AgentException noDigest(String what) {
    return new AgentException(
        Reason.NOT_PERMITTED,
        "not-in-manifest",
        "The manifest names no hash of %s, so nothing can be uploaded for it.".formatted(what));
  }

  // --- run ---

  private void startRun() {
    run =
        launcher.start(
            requireNonNull(program, "program is null"),
            datasets.files(),
            manifest.manifest().timeout(),
            outcome -> locked(() -> runEnded(outcome)));
  }

  private void runEnded(RunOutcome outcome) {
    if (over) {
      return;
    }
    if (outcome instanceof RunOutcome.Success success) {
      result = success.result();
      JsonObject details =
          JsonObject.builder()
              .put("result_bytes", success.result().size())
              .put("result_sha3_256", success.result().sha3())
              .build();
      events.tell("AlgorithmRun", "Completed", details);
      lifecycle.runCompleted(success.result(), details);
    } else if (outcome instanceof RunOutcome.Failure failure) {
      JsonObject details =
          JsonObject.builder()
              .put("code", failure.code())
              .put("message", failure.sentence())
              .build();
      events.tell("AlgorithmRun", "Failed", details);
      lifecycle.runFailed(failure.sentence(), details);
    }
  }

  // --- result ---

  /** Opens the result of the run, which is over. */
  ResultReading openResult(RoleProof proof) {
    ResultArchive.Packed packed = result;
    List<Candidate> readers =
        manifest.readers(packed == null ? RoleProof.NO_ARTEFACT : packed.sha3());
    if (readers.isEmpty()) {
      throw new AgentException(
          Reason.NOT_PERMITTED,
          "no-consumer",
          "The manifest names no consumer with a key, so nobody may read the result.");
    }
    verifier.verify(Role.CONSUMER, proof, readers);
    if (packed == null) {
      throw new AgentException(
          Reason.WRONG_STATE, "run-failed", "There is no result: " + lifecycle.now().failure());
    }
    return new ResultFile(packed, () -> locked(this::consumed));
  }

  private void consumed() {
    if (!over && lifecycle.now().state() == AgentState.CONSUMING_RESULTS) {
      lifecycle.step(Trigger.RESULTS_CONSUMED, JsonObject.empty());
    }
  }

  // --- end ---

  /**
   * Lets nothing more come, and has the algorithm end; does not wait for that. Idempotent.
   *
   * @return the run; null where none has begun
   */
  @Nullable RunThread end() {
    over = true;
    if (run != null) {
      run.stop();
    }
    return run;
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
