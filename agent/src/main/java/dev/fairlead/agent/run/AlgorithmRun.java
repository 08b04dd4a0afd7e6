// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.agent.run;

import static java.lang.System.Logger.Level.WARNING;

import dev.fairlead.agent.spi.AlgorithmKind;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.concurrent.Callable;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.ScheduledFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;

/** One run of one algorithm, from the empty working directory to the packed result. Used once. */
public final class AlgorithmRun implements Callable<RunOutcome> {

  /** The longest line of output in bytes; longer ones are delivered in pieces. */
  public static final int MAX_LINE = 8 * 1024;

  private static final System.Logger log = System.getLogger(AlgorithmRun.class.getName());

  private final Plan plan;
  private final Sandbox sandbox;
  private final LineSink sink;
  private final AtomicLong printed = new AtomicLong();
  private final AtomicReference<RunOutcome.@Nullable Failure> verdict = new AtomicReference<>();
  private volatile Sandbox.@Nullable Running running;

  /**
   * What is run.
   *
   * @param name of the run, {@code [a-z0-9-]{1,32}}
   * @param algorithm the artefact; removed as soon as it is laid out
   * @param datasets the artefacts by the name that the algorithm sees; removed likewise
   * @param result where the packed result shall lie
   */
  public record Plan(
      String name,
      AlgorithmKind kind,
      List<String> arguments,
      Path algorithm,
      SortedMap<String, Path> datasets,
      Path result,
      RunLimits limits) {

    /** Takes copies. */
    public Plan {
      arguments = List.copyOf(arguments);
      datasets = new TreeMap<>(datasets);
    }
  }

  /** Makes one. */
  public AlgorithmRun(Plan plan, Sandbox sandbox, LineSink sink) {
    this.plan = plan;
    this.sandbox = sandbox;
    this.sink = sink;
  }

  /** Ends the run at once; {@link #call} then returns a failure. Idempotent, from any thread. */
  public void stop() {
    end("stopped", "The run was stopped.");
  }

  /** Runs it, in the caller's thread. */
  @Override
  public RunOutcome call() throws InterruptedException {
    try (Sandbox.Cell cell = sandbox.open(plan.name(), plan.limits())) {
      return run(cell);
    } catch (ResultArchive.RefusedException e) {
      return new RunOutcome.Failure("bad-result", String.valueOf(e.getMessage()));
    } catch (IOException e) {
      log.log(WARNING, "A run could not be started.", e);
      return new RunOutcome.Failure(
          "not-started", "The algorithm could not be run: %s".formatted(e.getMessage()));
    }
  }

  private RunOutcome run(Sandbox.Cell cell) throws IOException, InterruptedException {
    Path directory = cell.directory();
    Path results = Files.createDirectory(directory.resolve("results"));
    Path datasets = Files.createDirectory(directory.resolve("datasets"));
    for (Map.Entry<String, Path> dataset : plan.datasets().entrySet()) {
      Files.copy(dataset.getValue(), datasets.resolve(dataset.getKey()));
      Files.delete(dataset.getValue());
    }
    AlgorithmKind.AlgorithmCommand command =
        plan.kind().prepare(plan.algorithm(), directory, plan.arguments());
    Files.delete(plan.algorithm());
    if (verdict.get() == null) {
      int code = execute(cell, command);
      if (verdict.get() == null && code != 0) {
        end("exit-code", "The algorithm ended with exit code %d.".formatted(code));
      }
    }
    RunOutcome.Failure failure = verdict.get();
    if (failure != null) {
      return failure;
    }
    return new RunOutcome.Success(
        ResultArchive.pack(results, plan.result(), plan.limits().resultBytes()));
  }

  private int execute(Sandbox.Cell cell, AlgorithmKind.AlgorithmCommand command)
      throws IOException, InterruptedException {
    Sandbox.Running process = cell.start(command);
    running = process;
    if (verdict.get() != null) {
      process.kill();
    }
    ScheduledExecutorService timer =
        Executors.newSingleThreadScheduledExecutor(
            task -> {
              Thread thread = new Thread(task, "fairlead-run-timer");
              thread.setDaemon(true);
              return thread;
            });
    try {
      ScheduledFuture<?> deadline =
          timer.schedule(
              () ->
                  end(
                      "timeout",
                      "The algorithm ran longer than its limit of %d s."
                          .formatted(plan.limits().time().toSeconds())),
              plan.limits().time().toMillis(),
              TimeUnit.MILLISECONDS);
      OutputPump stdout = pump("stdout", process.stdout());
      OutputPump stderr = pump("stderr", process.stderr());
      int code = process.await();
      process.limitHit().ifPresent(sentence -> end("memory-limit", sentence));
      // What is left behind must not go on, nor hold the pipes open.
      process.kill();
      stdout.await();
      stderr.await();
      deadline.cancel(false);
      return code;
    } finally {
      timer.shutdownNow();
      process.kill();
    }
  }

  private OutputPump pump(String source, InputStream stream) {
    return OutputPump.start(
        source,
        stream,
        line -> print(source, line),
        () -> end("output-failed", "What the algorithm printed could not be passed on."));
  }

  private void print(String source, String line) throws InterruptedException {
    long all = printed.addAndGet(line.length() + 1L);
    if (all > plan.limits().outputBytes()) {
      end(
          "output-limit",
          "The algorithm printed more than %d bytes.".formatted(plan.limits().outputBytes()));
      return;
    }
    sink.line(source, line);
  }

  /** Keeps the first reason, and ends the processes. */
  private void end(String code, String sentence) {
    boolean first = verdict.compareAndSet(null, new RunOutcome.Failure(code, sentence));
    Sandbox.Running process = running;
    if (first && process != null) {
      process.kill();
    }
  }
}
