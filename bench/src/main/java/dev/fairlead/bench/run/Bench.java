// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.bench.run;

import dev.fairlead.bench.raw.RawClients;
import dev.fairlead.bench.results.Case;
import dev.fairlead.bench.results.Change;
import dev.fairlead.bench.results.Cost;
import dev.fairlead.bench.results.Counts;
import dev.fairlead.bench.results.CrossCheck;
import dev.fairlead.bench.results.Failure;
import dev.fairlead.bench.results.Latency;
import dev.fairlead.bench.results.Machine;
import dev.fairlead.bench.results.Memory;
import dev.fairlead.bench.results.Rates;
import dev.fairlead.bench.results.Results;
import dev.fairlead.bench.results.Run;
import dev.fairlead.bench.results.Scenarios;
import dev.fairlead.bench.results.Subject;
import dev.fairlead.bench.results.Timeline;
import dev.fairlead.transport.api.TransportException;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * All runs of a benchmark, one after the other. For use by one thread; {@link #close()} and {@link
 * #results} may be called by another, and see the runs that are through.
 */
public final class Bench implements AutoCloseable {

  /** What has been closed is awaited so long. */
  private static final long END_SECONDS = 20;

  /** Others keep more of a processor busy than this: the figures are doubtful. */
  private static final double FOREIGN = 0.25;

  /** Records of the cross-check for each second that runs measure. */
  private static final int CHECKED_PER_SECOND = 130_000;

  /**
   * The collector of guests and of services, with so much room that it does not have to collect a
   * dozen times a second; all else as the JDK has it.
   */
  private static final List<String> JVM =
      List.of(
          "-XX:+UseSerialGC", "-Xms1g", "-Xmx1g", "-Xmn512m", "-XX:-UsePerfData", "-Xshare:auto");

  private final BenchSettings settings;
  private final Path folder;
  private final Consumer<String> progress;
  private final Plan plan;
  private final Instant started = Instant.now();
  private final double loadBefore = Machine.load();
  private final Object lock = new Object();

  /** Down to 0 once nothing more is started. */
  private final CountDownLatch over = new CountDownLatch(1);

  // All below is guarded by the lock.
  private final List<Run> runs = new ArrayList<>();
  private final List<Failure> failures = new ArrayList<>();
  private final List<CrossCheck> crossChecks = new ArrayList<>();
  private @Nullable Stage stage;
  private @Nullable Setup setup;
  private boolean hasBegun;
  private boolean closed;

  /**
   * Makes one that has not begun.
   *
   * @param folder an empty one for all that the runs need; a short path, since sockets lie in it
   * @param progress told what happens, in sentences
   */
  public Bench(BenchSettings settings, Path folder, Consumer<String> progress) {
    this.settings = settings;
    this.folder = folder;
    this.progress = progress;
    this.plan = settings.plan();
  }

  /**
   * Carries out all runs. One that fails is noted, and the next one follows.
   *
   * @throws BenchException when a program is missing, or it was closed meanwhile
   * @throws InterruptedException when the thread was interrupted
   */
  public void run() throws InterruptedException {
    synchronized (lock) {
      hasBegun = true;
    }
    try {
      runAll();
    } finally {
      over.countDown();
    }
  }

  private void runAll() throws InterruptedException {
    List<Plan.Step> steps = plan.steps();
    progress.accept("%d runs, about %s".formatted(steps.size(), minutes(plan.secondsFrom(0))));
    crossCheck();
    long begun = System.nanoTime();
    for (int i = 0; i < steps.size(); i++) {
      Plan.Step step = steps.get(i);
      String name =
          "%d of %d: %s, %s, repeat %d"
              .formatted(
                  i + 1,
                  steps.size(),
                  step.testCase().label(),
                  step.subject().label(),
                  step.repeat());
      try {
        List<Run> found = run(step, folder.resolve("r" + i));
        synchronized (lock) {
          runs.addAll(found);
        }
        progress.accept(
            "%s: %s; %s left".formatted(name, summary(found), minutes(left(i + 1, begun))));
      } catch (IOException | BenchException e) {
        if (isClosed() || (e instanceof BenchException known && known.isMissingProgram())) {
          throw e instanceof BenchException known
              ? known
              : new BenchException(String.valueOf(e.getMessage()), e);
        }
        synchronized (lock) {
          failures.add(
              new Failure(
                  step.subject(), step.testCase(), step.repeat(), String.valueOf(e.getMessage())));
        }
        progress.accept(name + " FAILED: " + e.getMessage());
      }
    }
  }

  /** What the plan says, and this machine has shown to make of it. */
  private double left(int through, long begun) {
    double planned = plan.secondsFrom(0) - plan.secondsFrom(through);
    double took = (System.nanoTime() - begun) / 1e9;
    return plan.secondsFrom(through) * (planned > 0 ? took / planned : 1);
  }

  private void crossCheck() throws InterruptedException {
    try {
      int count = (int) (CHECKED_PER_SECOND * settings.scale().measured());
      Optional<CrossCheck> found = Mosquitto.check(folder.resolve("x"), count);
      synchronized (lock) {
        found.ifPresent(crossChecks::add);
      }
      found.ifPresent(
          check ->
              progress.accept(
                  String.format(
                      Locale.ROOT,
                      "cross-check by %s: %,.0f messages of %d B a second, %d of %d received",
                      check.tool(),
                      check.endToEndPerSecond(),
                      check.payloadBytes(),
                      check.received(),
                      check.sent())));
    } catch (IOException | TransportException e) {
      progress.accept("no cross-check: " + e.getMessage());
    }
  }

  private List<Run> run(Plan.Step step, Path own) throws IOException, InterruptedException {
    Scale scale = settings.scale();
    Load load = step.scenario().load(step.testCase(), scale);
    Files.createDirectories(own);
    double before = Machine.load();
    try (Setup fresh = setup(step, own, load)) {
      Stage now = new Stage(fresh, load, progress);
      synchronized (lock) {
        if (closed) {
          throw new BenchException("The benchmark was ended.");
        }
        setup = fresh;
        stage = now;
      }
      Outcome outcome = step.scenario().play(now, scale);
      Counts counts = now.end();
      Run whole =
          new Run(
              step.subject(),
              step.testCase(),
              step.repeat(),
              window(step.subject(), load),
              counts,
              outcome.rates(),
              delays(fresh.receiver(), BenchCollector.WRITTEN),
              delays(fresh.sender(), BenchAgent.ACKS),
              outcome.cost(),
              outcome.recovery(),
              Change.NONE,
              now.timeline(),
              now.memory(),
              before,
              Machine.load(),
              marks(outcome));
      return !outcome.turns().isEmpty()
          ? turns(whole, outcome, scale)
          : outcome.before() != null
              ? List.of(fast(whole, outcome.before()), whole)
              : List.of(whole);
    } finally {
      synchronized (lock) {
        setup = null;
        stage = null;
      }
      delete(own);
    }
  }

  private static List<String> marks(Outcome outcome) {
    return outcome.othersBusy().orElse(0) <= FOREIGN
        ? List.of()
        : List.of(
            String.format(
                Locale.ROOT,
                "other work kept %.1f processors busy",
                outcome.othersBusy().getAsDouble()));
  }

  /** The row of what was measured at full speed before; what became of the records is the run's. */
  private static Run fast(Run whole, Outcome before) {
    return new Run(
        whole.subject(),
        new Case(Scenarios.MAX_RATE, whole.testCase().payloadBytes(), 0, 1),
        whole.repeat(),
        whole.window(),
        whole.counts(),
        before.rates(),
        null,
        null,
        before.cost(),
        before.recovery(),
        Change.NONE,
        Timeline.NONE,
        Memory.NONE,
        whole.loadBefore(),
        whole.loadAfter(),
        marks(before));
  }

  /** A row for each change; what became of the records, and the timeline, are those of the run. */
  private static List<Run> turns(Run whole, Outcome outcome, Scale scale) {
    List<Run> rows = new ArrayList<>();
    for (Outcome.Turn turn : outcome.turns()) {
      rows.add(
          new Run(
              Subject.ours(turn.road()),
              whole.testCase(),
              (whole.repeat() - 1) * scale.repeats() + turn.round(),
              whole.window(),
              whole.counts(),
              null,
              null,
              null,
              Cost.NONE,
              turn.recovery(),
              turn.change(),
              rows.isEmpty() ? whole.timeline() : Timeline.NONE,
              Memory.NONE,
              whole.loadBefore(),
              whole.loadAfter(),
              whole.marks()));
    }
    return rows;
  }

  private Setup setup(Plan.Step step, Path own, Load load) {
    Subject subject = step.subject();
    if (step.scenario().isOfAllTransports()) {
      return new OurSetup(settings.wanted(), Map.of(), own, load, JVM);
    }
    String baseline = subject.baseline();
    if (baseline != null) {
      return new RawSetup(RawClients.named(baseline), settings.libraries(), own, load, JVM);
    }
    Subjects.Variant variant = Subjects.variant(subject);
    return new OurSetup(List.of(variant.transport()), variant.settings(), own, load, JVM);
  }

  private static @Nullable Integer window(Subject subject, Load load) {
    String baseline = subject.baseline();
    return baseline == null
        ? (int) (OurSetup.WINDOW_BYTES / (load.bytes() + 1))
        : (Integer) RawClients.named(baseline).window();
  }

  private static @Nullable Latency delays(Party party, String file) throws IOException {
    return party.delays(file).map(Latency::ofNanos).orElse(null);
  }

  private static String summary(List<Run> found) {
    Run run = found.get(found.size() - 1);
    Rates rates = found.get(0).rates();
    StringBuilder text = new StringBuilder();
    if (run.change().switchedMs() != null) {
      text.append("%d changes, the last: ".formatted(found.size()));
    }
    if (rates != null && found.get(0).testCase().ratePerSecond() == 0) {
      text.append(String.format(Locale.ROOT, "%,.0f/s, ", rates.endToEndPerSecond()));
    }
    if (run.latency() != null) {
      text.append(
          String.format(
              Locale.ROOT, "p50 %.0f µs, p99 %.0f µs, ", run.latency().p50(), run.latency().p99()));
    }
    if (run.recovery().firstRecordMs() != null) {
      text.append(
          String.format(
              Locale.ROOT, "first record after %.0f ms, ", run.recovery().firstRecordMs()));
    }
    Double growth = run.memory().heapGrowth();
    if (growth != null) {
      text.append(String.format(Locale.ROOT, "heap %+.2f MB an hour, ", growth / 1e6));
    }
    Counts counts = run.counts();
    text.append(
        counts.isClean()
            ? "%d stored, none lost".formatted(counts.stored())
            : "%d lost, %d twice, %d out of order of %d"
                .formatted(
                    counts.lost(), counts.duplicates(), counts.reordered(), counts.appended()));
    return text.toString();
  }

  private static String minutes(double seconds) {
    long whole = Math.round(seconds);
    return "%d:%02d min".formatted(whole / 60, whole % 60);
  }

  /** Whether every run of ours came to its end, and none of them lost, doubled or mixed up any. */
  public boolean isClean() {
    synchronized (lock) {
      return failures.isEmpty()
          && runs.stream()
              .filter(run -> run.subject().isOurs())
              .allMatch(run -> run.counts().isClean());
    }
  }

  /**
   * What was found so far.
   *
   * @param incomplete why that is not all; null when it is
   */
  public Results results(@Nullable String incomplete) {
    synchronized (lock) {
      return new Results(
          started,
          Duration.between(started, Instant.now()),
          settings.command(),
          settings.seed(),
          settings.quick(),
          incomplete,
          Machine.here(),
          loadBefore,
          Machine.load(),
          Facts.versions(settings.libraries()),
          Facts.configuration(settings.scale(), JVM),
          Facts.notes(),
          crossChecks,
          failures,
          runs);
    }
  }

  private boolean isClosed() {
    synchronized (lock) {
      return closed;
    }
  }

  /**
   * Ends the run that is under way, and all its processes; waits until nothing more is started,
   * since whoever closes may delete the folder next. Idempotent.
   */
  @Override
  public void close() {
    Setup now;
    boolean awaited;
    synchronized (lock) {
      closed = true;
      awaited = hasBegun;
      if (stage != null) {
        stage.giveUp();
      }
      now = setup;
    }
    if (now != null) {
      now.close();
    }
    try {
      if (awaited && !over.await(END_SECONDS, TimeUnit.SECONDS)) {
        System.getLogger(Bench.class.getName())
            .log(System.Logger.Level.WARNING, "What is under way does not end.");
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  private static void delete(Path folder) {
    try (Stream<Path> all = Files.walk(folder)) {
      for (Path path : all.sorted(Comparator.reverseOrder()).toList()) {
        Files.deleteIfExists(path);
      }
    } catch (IOException | UncheckedIOException e) {
      System.getLogger(Bench.class.getName())
          .log(System.Logger.Level.WARNING, "A run's folder stays behind: " + folder, e);
    }
  }
}
