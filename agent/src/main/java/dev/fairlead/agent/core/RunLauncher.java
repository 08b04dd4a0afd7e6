// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.agent.core;

import dev.fairlead.agent.AgentException;
import dev.fairlead.agent.AgentException.Reason;
import dev.fairlead.agent.run.AlgorithmRun;
import dev.fairlead.agent.run.RunLimits;
import dev.fairlead.agent.run.RunOutcome;
import dev.fairlead.agent.spi.AlgorithmKind;
import dev.fairlead.protocol.LogRecord;
import dev.fairlead.protocol.json.JsonObject;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.SortedMap;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Consumer;

/**
 * Starts runs of algorithms in the agent's sandbox, and hands on what they print. Called by whoever
 * holds the agent's lock; lines come from threads of the runs.
 */
final class RunLauncher {

  private static final Duration LEAST = Duration.ofSeconds(1);

  private final String computation;
  private final Agent.Environment environment;
  private final RunLimits limits;
  private final Artefacts artefacts;
  private final AgentEvents events;
  private final AtomicInteger runs = new AtomicInteger();

  /** An algorithm that can be run. */
  record Program(AlgorithmKind kind, List<String> arguments, Path file) {}

  /**
   * Makes one.
   *
   * @param limits of each run; a manifest may ask for less time
   * @param artefacts where results are put
   */
  RunLauncher(
      String computation,
      Agent.Environment environment,
      RunLimits limits,
      Artefacts artefacts,
      AgentEvents events) {
    this.computation = computation;
    this.environment = environment;
    this.limits = limits;
    this.artefacts = artefacts;
    this.events = events;
  }

  /**
   * The kind of algorithm of a name.
   *
   * @throws AgentException {@code INVALID} where there is none
   */
  AlgorithmKind kind(String name) {
    return environment
        .kinds()
        .apply(name)
        .orElseThrow(
            () ->
                new AgentException(
                    Reason.INVALID,
                    "unknown-kind",
                    "This agent does not run algorithms of kind '%s'; kind bin always works."
                        .formatted(name.replaceAll("[^a-z0-9-]", "?"))));
  }

  /**
   * Starts a run, and tells it.
   *
   * @param datasets by the names that the algorithm sees
   * @param timeout that the manifest asks for
   * @param ended called by the run's thread
   */
  RunThread start(
      Program program,
      SortedMap<String, Path> datasets,
      Optional<Duration> timeout,
      Consumer<RunOutcome> ended) {
    Duration time =
        timeout.filter(wanted -> wanted.compareTo(limits.time()) < 0).orElse(limits.time());
    AlgorithmRun.Plan plan =
        new AlgorithmRun.Plan(
            "run-" + runs.incrementAndGet(),
            program.kind(),
            program.arguments(),
            program.file(),
            datasets,
            artefacts.fresh("result"),
            limits.withTime(time.compareTo(LEAST) < 0 ? LEAST : time));
    RunThread run =
        new RunThread(
            new AlgorithmRun(plan, environment.sandbox(), this::print), ended, environment.fatal());
    events.tell(
        "AlgorithmRun",
        "Starting",
        JsonObject.builder()
            .put("sandbox", environment.sandbox().name())
            .put("timeout_ms", time.toMillis())
            .build());
    run.start();
    return run;
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
                computation));
  }
}
