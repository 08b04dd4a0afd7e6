// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.agent.core;

import static java.lang.System.Logger.Level.INFO;
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
import dev.fairlead.agent.core.RoleVerifier.Candidate;
import dev.fairlead.agent.run.AlgorithmRun;
import dev.fairlead.agent.run.ResultArchive;
import dev.fairlead.agent.run.RunOutcome;
import dev.fairlead.agent.run.Sandbox;
import dev.fairlead.agent.spi.AlgorithmKind;
import dev.fairlead.protocol.AgentState;
import dev.fairlead.protocol.ComputationDigest;
import dev.fairlead.protocol.Event;
import dev.fairlead.protocol.LogRecord;
import dev.fairlead.protocol.Manifest;
import dev.fairlead.protocol.ManifestEnvelope;
import dev.fairlead.protocol.json.JsonObject;
import dev.fairlead.protocol.json.ProtocolException;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.PublicKey;
import java.time.Duration;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.TimeUnit;
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

  /** So many refusals are told as events; of more, few are logged, so that nobody can flood. */
  private static final int REFUSALS_TOLD = 100;

  private static final long IDLE_NANOS = TimeUnit.SECONDS.toNanos(60);
  private static final long STOP_MILLIS = 30_000;

  private final Identity identity;
  private final AgentSettings settings;
  private final Environment environment;
  private final Artefacts artefacts;
  private final Nonces nonces;
  private final RoleVerifier verifier;
  private final long startedNanos;

  private final ReentrantLock lock = new ReentrantLock();
  private volatile AgentStatus status;
  private int refusals;

  /** Rises with each start, so that what belongs to an earlier one can do no harm. */
  private int generation;

  private int runs;
  private @Nullable ManifestInForce manifest;
  private @Nullable Program program;
  private final Map<Integer, NamedFile> datasets = new HashMap<>();
  private final Set<FileUpload> uploads = new HashSet<>();
  private @Nullable AlgorithmRun run;
  private @Nullable Thread runThread;
  private ResultArchive.@Nullable Packed result;

  private record Program(AlgorithmKind kind, List<String> arguments, Path file) {}

  private record NamedFile(String name, Path file) {}

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
    this.startedNanos = environment.nanoTime().getAsLong();
    this.status =
        new AgentStatus(
            identity.computation(),
            identity.epoch(),
            AgentState.IDLE,
            null,
            null,
            null,
            0,
            Map.of());
  }

  /** Begins to wait for a manifest. */
  public void start() {
    locked(() -> step(Trigger.START, JsonObject.empty()));
  }

  @Override
  public AgentStatus status() {
    AgentStatus last = status;
    return new AgentStatus(
        last.computation(),
        last.epoch(),
        last.state(),
        last.manifestSha256(),
        last.failure(),
        last.resultSha3(),
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
            ManifestInForce current = manifest;
            if (current != null && current.sha256().equals(envelope.sha256())) {
              return;
            }
            if (current != null) {
              throw new ProtocolException(
                  "second-manifest",
                  "A manifest is in force already; restart the computation to give it another.");
            }
            accept(Manifest.parse(envelope.manifest()));
          } catch (ProtocolException e) {
            refuse("ManifestRefused", e.code(), String.valueOf(e.getMessage()));
          } catch (AgentException e) {
            refuse("ManifestRefused", e.code(), e.sentence());
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
    require(AgentState.RECEIVING_MANIFEST, "Taking a manifest");
    ManifestInForce accepted = ManifestInForce.of(parsed);
    manifest = accepted;
    step(
        Trigger.MANIFEST_RECEIVED,
        JsonObject.builder()
            .put("manifest_sha256", accepted.sha256())
            .put("datasets", accepted.datasets().size())
            .build());
  }

  // --- roles ---

  @Override
  public Challenge challenge(Role role) {
    AgentStatus now = status;
    String artefact = "";
    boolean fits =
        switch (role) {
          case ALGORITHM_PROVIDER -> now.state() == AgentState.RECEIVING_ALGORITHM;
          case DATA_PROVIDER -> now.state() == AgentState.RECEIVING_DATA;
          case CONSUMER -> isOver(now.state());
        };
    if (!fits) {
      throw AgentStateMachine.refusal(now.state(), "Acting as " + role.word());
    }
    if (role == Role.CONSUMER) {
      artefact = now.resultSha3() == null ? RoleProof.NO_ARTEFACT : now.resultSha3();
    }
    return new Challenge(identity.computation(), nonces.next(), Nonces.VALID_MILLIS, artefact);
  }

  private static boolean isOver(AgentState state) {
    return state == AgentState.CONSUMING_RESULTS
        || state == AgentState.COMPLETE
        || state == AgentState.FAILED;
  }

  // --- uploads ---

  @Override
  public Upload uploadAlgorithm(RoleProof proof, AlgorithmParameters offered) {
    lock.lock();
    try {
      require(AgentState.RECEIVING_ALGORITHM, "Uploading the algorithm");
      ManifestInForce current = inForce();
      Candidate expected = current.algorithm();
      if (expected == null) {
        throw noDigest("an algorithm");
      }
      verifier.verify(Role.ALGORITHM_PROVIDER, proof, List.of(expected));
      AlgorithmParameters wanted = chosen(current.manifest(), offered);
      AlgorithmKind kind =
          environment
              .kinds()
              .apply(wanted.kind())
              .orElseThrow(
                  () ->
                      new AgentException(
                          Reason.INVALID,
                          "unknown-kind",
                          "This agent does not run algorithms of kind '%s'; kind bin always works."
                              .formatted(wanted.kind().replaceAll("[^a-z0-9-]", "?"))));
      return open(
          settings.algorithmBytes(),
          expected.artefact(),
          file -> algorithmArrived(new Program(kind, wanted.arguments(), file)));
    } finally {
      lock.unlock();
    }
  }

  /** What the manifest says goes before what the uploader says. */
  private static AlgorithmParameters chosen(Manifest manifest, AlgorithmParameters offered) {
    Manifest.Algorithm given = manifest.algorithm().orElseThrow();
    JsonObject json = manifest.json().optionalObject("algorithm").orElse(JsonObject.empty());
    return new AlgorithmParameters(
        json.has("algo_type") ? given.type() : offered.kind(),
        json.has("algo_args") ? given.args() : offered.arguments());
  }

  private void algorithmArrived(Program arrived) {
    require(AgentState.RECEIVING_ALGORITHM, "Uploading the algorithm");
    program = arrived;
    JsonObject details =
        JsonObject.builder()
            .put("kind", arrived.kind().name())
            .put("bytes", sizeOf(arrived.file()))
            .build();
    if (inForce().datasets().isEmpty()) {
      step(Trigger.ALGORITHM_RECEIVED_ALONE, details);
      startRun();
    } else {
      step(Trigger.ALGORITHM_RECEIVED, details);
    }
  }

  @Override
  public Upload uploadDataset(RoleProof proof, String filename) {
    lock.lock();
    try {
      require(AgentState.RECEIVING_DATA, "Uploading a dataset");
      List<Integer> numbers = datasetsFor(filename);
      if (numbers.isEmpty()) {
        throw noDigest("a dataset of this name");
      }
      List<ManifestInForce.Dataset> expected = inForce().datasets();
      List<Candidate> candidates = new ArrayList<>();
      for (int number : numbers) {
        candidates.add(requireNonNull(expected.get(number).candidate(), "candidate is null"));
      }
      int chosen = verifier.verify(Role.DATA_PROVIDER, proof, candidates);
      int number = numbers.get(chosen);
      Candidate candidate = candidates.get(chosen);
      // A proof that holds for any contents proves nothing yet: they will show when they are here.
      boolean ofContents = candidate.key() != null && !proof.nonce().isEmpty();
      NamedFile here = datasets.get(number);
      if (here != null && ofContents) {
        throw alreadyHere();
      }
      String name = here == null ? datasetName(number, filename) : here.name();
      return open(
          settings.datasetBytes(),
          candidate.artefact(),
          file -> datasetArrived(number, new NamedFile(name, file)));
    } finally {
      lock.unlock();
    }
  }

  /**
   * The numbers of the datasets that may be meant by a name, likely ones first. What has come is
   * among them, so that who sends it again, since an answer was lost, is told so.
   */
  private List<Integer> datasetsFor(String filename) {
    List<ManifestInForce.Dataset> expected = inForce().datasets();
    List<Integer> toCome = new ArrayList<>();
    List<Integer> here = new ArrayList<>();
    for (int i = 0; i < expected.size(); i++) {
      NamedFile taken = datasets.get(i);
      String name = taken == null ? expected.get(i).filename() : taken.name();
      boolean named = filename.isEmpty() || name == null || filename.equals(name);
      if (expected.get(i).candidate() != null && named) {
        (taken == null ? toCome : here).add(i);
      }
    }
    List<Integer> all = new ArrayList<>(filename.isEmpty() ? toCome : here);
    all.addAll(filename.isEmpty() ? here : toCome);
    return all;
  }

  /** Whether a dataset with these contents has come. */
  private boolean isHere(String digest) {
    List<ManifestInForce.Dataset> expected = inForce().datasets();
    return datasets.keySet().stream()
        .map(number -> expected.get(number).candidate())
        .anyMatch(candidate -> candidate != null && candidate.artefact().equals(digest));
  }

  private static AgentException alreadyHere() {
    return new AgentException(
        Reason.WRONG_STATE,
        "already-here",
        "This dataset has come already: nothing is to be done.");
  }

  private static AgentException noDigest(String what) {
    return new AgentException(
        Reason.NOT_PERMITTED,
        "not-in-manifest",
        "The manifest names no hash of %s, so nothing can be uploaded for it.".formatted(what));
  }

  /** The name that the algorithm will see: the manifest's, the uploader's, or one of ours. */
  private String datasetName(int number, String offered) {
    List<ManifestInForce.Dataset> expected = inForce().datasets();
    String given = expected.get(number).filename();
    if (given != null) {
      return given;
    }
    if (offered.isEmpty()) {
      return "dataset-" + (number + 1);
    }
    boolean taken = expected.stream().anyMatch(dataset -> offered.equals(dataset.filename()));
    for (NamedFile other : datasets.values()) {
      taken |= other.name().equals(offered);
    }
    if (taken || !offered.matches("[A-Za-z0-9_][A-Za-z0-9._ -]{0,127}")) {
      throw badFilename();
    }
    return offered;
  }

  private static AgentException badFilename() {
    return new AgentException(
        Reason.INVALID,
        "bad-filename",
        "A dataset's filename must be a plain name of A-Z a-z 0-9 . _ - and blank that no other dataset has.");
  }

  private void datasetArrived(int number, NamedFile file) {
    require(AgentState.RECEIVING_DATA, "Uploading a dataset");
    if (datasets.containsKey(number)) {
      throw alreadyHere();
    }
    if (datasets.values().stream().anyMatch(other -> other.name().equals(file.name()))) {
      throw badFilename();
    }
    datasets.put(number, file);
    JsonObject details =
        JsonObject.builder()
            .put("filename", file.name())
            .put("bytes", sizeOf(file.file()))
            .put("received", datasets.size())
            .put("expected", inForce().datasets().size())
            .build();
    if (datasets.size() == inForce().datasets().size()) {
      step(Trigger.DATA_RECEIVED, details);
      startRun();
    } else {
      tell("DatasetReceived", "InProgress", details);
    }
  }

  private static long sizeOf(Path file) {
    try {
      return Files.size(file);
    } catch (IOException e) {
      throw new AgentException(
          Reason.INTERNAL, "disk", "The agent's disk lost what was uploaded.", e);
    }
  }

  private FileUpload open(long limit, String digest, Consumer<Path> arrived) {
    long now = environment.nanoTime().getAsLong();
    if (uploads.size() >= settings.uploads()) {
      // Whoever went away without a word must not keep the others out.
      List.copyOf(uploads).forEach(old -> old.closeIfIdle(now));
    }
    if (uploads.size() >= settings.uploads()) {
      throw new AgentException(
          Reason.BUSY,
          "too-many-uploads",
          "There are %d uploads under way; try again when one has ended."
              .formatted(settings.uploads()));
    }
    FileUpload upload = new FileUpload(artefacts.begin(limit), digest, generation, arrived, now);
    uploads.add(upload);
    return upload;
  }

  private final class FileUpload implements Upload {

    private final Artefacts.Incoming incoming;
    private final String digest;
    private final int born;
    private final Consumer<Path> arrived;
    private volatile long lastNanos;

    /** Taken before the agent's lock, or tried: never waited for with that lock held. */
    private final ReentrantLock turn = new ReentrantLock();

    private boolean over;

    FileUpload(
        Artefacts.Incoming incoming, String digest, int born, Consumer<Path> arrived, long nanos) {
      this.incoming = incoming;
      this.digest = digest;
      this.born = born;
      this.arrived = arrived;
      this.lastNanos = nanos;
    }

    @Override
    public void write(ByteBuffer bytes) {
      turn.lock();
      try {
        requireOpen();
        lastNanos = environment.nanoTime().getAsLong();
        boolean taken = false;
        try {
          incoming.write(bytes);
          taken = true;
        } finally {
          if (!taken) {
            close();
          }
        }
      } finally {
        turn.unlock();
      }
    }

    @Override
    public String complete() {
      turn.lock();
      try {
        requireOpen();
        String found = incoming.finish();
        if (!found.equals(digest)) {
          locked(
              () -> {
                // Where no key tells datasets apart, the contents do.
                if (born == generation && manifest != null && isHere(found)) {
                  throw alreadyHere();
                }
              });
          throw new AgentException(
              Reason.INVALID,
              "hash-mismatch",
              "What came has SHA3-256 %s; the manifest wants %s.".formatted(found, digest));
        }
        locked(
            () -> {
              if (born != generation) {
                throw AgentStateMachine.refusal(status.state(), "Ending an earlier upload");
              }
              arrived.accept(incoming.file());
              incoming.keep();
            });
        return found;
      } finally {
        close();
        turn.unlock();
      }
    }

    @Override
    public void close() {
      turn.lock();
      try {
        if (!over) {
          over = true;
          locked(() -> uploads.remove(this));
          incoming.close();
        }
      } finally {
        turn.unlock();
      }
    }

    /** With the agent's lock held. */
    void closeIfIdle(long now) {
      if (now - lastNanos > IDLE_NANOS && turn.tryLock()) {
        try {
          close();
        } finally {
          turn.unlock();
        }
      }
    }

    private void requireOpen() {
      if (over) {
        throw new AgentException(
            Reason.WRONG_STATE, "upload-ended", "The upload has ended; begin it anew.");
      }
    }
  }

  // --- run ---

  private void startRun() {
    Program start = requireNonNull(program, "program is null");
    runs++;
    TreeMap<String, Path> files = new TreeMap<>();
    datasets.values().forEach(dataset -> files.put(dataset.name(), dataset.file()));
    Duration most = settings.run().time();
    Duration time =
        inForce().manifest().timeout().filter(wanted -> wanted.compareTo(most) < 0).orElse(most);
    Duration least = Duration.ofSeconds(1);
    AlgorithmRun next =
        new AlgorithmRun(
            new AlgorithmRun.Plan(
                "run-" + runs,
                start.kind(),
                start.arguments(),
                start.file(),
                files,
                artefacts.fresh("result"),
                settings.run().withTime(time.compareTo(least) < 0 ? least : time)),
            environment.sandbox(),
            this::print);
    run = next;
    int born = generation;
    Thread thread = new Thread(() -> execute(next, born), "fairlead-run");
    thread.setDaemon(true);
    runThread = thread;
    tell(
        "AlgorithmRun",
        "Starting",
        JsonObject.builder()
            .put("sandbox", environment.sandbox().name())
            .put("timeout_ms", time.toMillis())
            .build());
    thread.start();
  }

  private void execute(AlgorithmRun next, int born) {
    try {
      RunOutcome outcome = next.call();
      locked(
          () -> {
            if (born == generation) {
              ended(outcome);
            }
          });
    } catch (InterruptedException e) {
      log.log(WARNING, "The run's thread was interrupted; the agent ends.");
    } catch (RuntimeException | Error e) {
      environment.fatal().accept(e);
    }
  }

  private void ended(RunOutcome outcome) {
    run = null;
    if (outcome instanceof RunOutcome.Success success) {
      result = success.result();
      JsonObject details =
          JsonObject.builder()
              .put("result_bytes", success.result().size())
              .put("result_sha3_256", success.result().sha3())
              .build();
      tell("AlgorithmRun", "Completed", details);
      step(Trigger.RUN_COMPLETE, details);
    } else if (outcome instanceof RunOutcome.Failure failure) {
      JsonObject details =
          JsonObject.builder()
              .put("code", failure.code())
              .put("message", failure.sentence())
              .build();
      tell("AlgorithmRun", "Failed", details);
      fail(failure.sentence(), details);
    }
  }

  private void fail(String sentence, JsonObject details) {
    AgentStatus last = status;
    status =
        new AgentStatus(
            last.computation(),
            last.epoch(),
            last.state(),
            last.manifestSha256(),
            sentence,
            null,
            0,
            Map.of());
    step(Trigger.RUN_FAILED, details);
  }

  private void print(String source, String line) throws InterruptedException {
    environment
        .reporter()
        .log(
            new LogRecord(
                environment.clock().instant(),
                source.equals("stderr") ? LogRecord.Level.ERROR : LogRecord.Level.INFO,
                source,
                line,
                identity.computation()));
  }

  // --- result ---

  @Override
  public ResultReading openResult(RoleProof proof) {
    lock.lock();
    try {
      AgentState state = status.state();
      if (!isOver(state)) {
        throw AgentStateMachine.refusal(state, "Reading the result");
      }
      ResultArchive.Packed packed = result;
      String artefact = packed == null ? RoleProof.NO_ARTEFACT : packed.sha3();
      List<Candidate> candidates = new ArrayList<>();
      for (PublicKey key : inForce().consumers()) {
        candidates.add(new Candidate(artefact, key));
      }
      if (candidates.isEmpty()) {
        throw new AgentException(
            Reason.NOT_PERMITTED,
            "no-consumer",
            "The manifest names no consumer with a key, so nobody may read the result.");
      }
      verifier.verify(Role.CONSUMER, proof, candidates);
      if (packed == null) {
        throw new AgentException(
            Reason.WRONG_STATE, "run-failed", "There is no result: " + status.failure());
      }
      return new FileReading(packed, generation);
    } finally {
      lock.unlock();
    }
  }

  private final class FileReading implements ResultReading {

    private final ResultArchive.Packed packed;
    private final int born;

    FileReading(ResultArchive.Packed packed, int born) {
      this.packed = packed;
      this.born = born;
    }

    @Override
    public long size() {
      return packed.size();
    }

    @Override
    public String sha3() {
      return packed.sha3();
    }

    @Override
    public InputStream stream() throws IOException {
      return Files.newInputStream(packed.file());
    }

    @Override
    public void consumed() {
      locked(
          () -> {
            if (born == generation && status.state() == AgentState.CONSUMING_RESULTS) {
              step(Trigger.RESULTS_CONSUMED, JsonObject.empty());
            }
          });
    }

    @Override
    public void close() {
      // The file stays: it may be read again.
    }
  }

  // --- end ---

  /**
   * Ends what goes on, and forgets all; the agent is then {@code Idle}. Waits until the algorithm
   * is gone, 30 s at most.
   *
   * @param reason one sentence for a person
   */
  public void stop(String reason) {
    Thread thread;
    List<FileUpload> open;
    lock.lock();
    try {
      generation++;
      thread = runThread;
      open = List.copyOf(uploads);
      AlgorithmRun current = run;
      if (current != null) {
        current.stop();
      }
      manifest = null;
      program = null;
      run = null;
      runThread = null;
      result = null;
      datasets.clear();
      step(Trigger.STOP, JsonObject.builder().put("reason", reason).build());
    } finally {
      lock.unlock();
    }
    open.forEach(FileUpload::close);
    try {
      if (thread != null && thread != Thread.currentThread()) {
        thread.join(STOP_MILLIS);
      }
      artefacts.clear();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    } catch (IOException e) {
      log.log(WARNING, "What was uploaded could not be removed.", e);
    }
  }

  /** Ends the algorithm without a word. Idempotent. */
  @Override
  public void close() {
    Thread thread;
    lock.lock();
    try {
      generation++;
      thread = runThread;
      AlgorithmRun current = run;
      if (current != null) {
        current.stop();
      }
    } finally {
      lock.unlock();
    }
    try {
      if (thread != null) {
        thread.interrupt();
        thread.join(STOP_MILLIS);
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  // --- states and events; all with the lock held ---

  private void locked(Runnable action) {
    lock.lock();
    try {
      action.run();
    } finally {
      lock.unlock();
    }
  }

  private ManifestInForce inForce() {
    return requireNonNull(manifest, "manifest is null");
  }

  private void require(AgentState wanted, String what) {
    if (status.state() != wanted) {
      throw AgentStateMachine.refusal(status.state(), what);
    }
  }

  private void step(Trigger trigger, JsonObject details) {
    AgentStatus last = status;
    AgentState next =
        AgentStateMachine.next(last.state(), trigger)
            .orElseThrow(() -> AgentStateMachine.refusal(last.state(), trigger.word()));
    ManifestInForce current = manifest;
    ResultArchive.Packed packed = result;
    status =
        new AgentStatus(
            last.computation(),
            last.epoch(),
            next,
            current == null ? null : current.sha256(),
            next == AgentState.FAILED ? last.failure() : null,
            packed == null ? null : packed.sha3(),
            0,
            Map.of());
    log.log(INFO, "{0} -> {1} ({2})", last.state(), next, trigger.word());
    if (trigger == Trigger.STOP) {
      tell("Stopped", "Stopped", details);
    } else {
      tell(next.wireName(), word(next), details);
    }
  }

  private static String word(AgentState state) {
    return switch (state) {
      case IDLE -> "IdleState";
      case RECEIVING_MANIFEST, RECEIVING_ALGORITHM, RECEIVING_DATA, RUNNING -> "InProgress";
      case CONSUMING_RESULTS -> "Ready";
      case COMPLETE -> "Completed";
      case FAILED -> "Failed";
    };
  }

  /**
   * Tells that something was refused; after the first hundred only in the log.
   *
   * @param type of the event
   */
  public void reportRefusal(String type, String code, String message) {
    locked(() -> refuse(type, code, message));
  }

  private void refuse(String type, String code, String message) {
    refusals++;
    // Beyond the bound, ever fewer of them: 128, 256, 512…
    if (refusals <= REFUSALS_TOLD || Integer.bitCount(refusals) == 1) {
      log.log(WARNING, "{0} ({1} so far): {2}: {3}", type, refusals, code, message);
    }
    if (refusals <= REFUSALS_TOLD) {
      tell(type, "Warning", JsonObject.builder().put("code", code).put("message", message).build());
    }
  }

  private void tell(String type, String word, JsonObject details) {
    environment
        .reporter()
        .event(
            new Event(
                type,
                word,
                environment.clock().instant(),
                identity.computation(),
                ORIGINATOR,
                details));
  }
}
