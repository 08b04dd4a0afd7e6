// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.runtime.cli;

import dev.fairlead.bench.results.MarkdownReport;
import dev.fairlead.bench.results.ResultFiles;
import dev.fairlead.bench.results.Results;
import dev.fairlead.bench.results.ResultsJson;
import dev.fairlead.bench.results.TextReport;
import dev.fairlead.bench.run.Bench;
import dev.fairlead.bench.run.BenchException;
import dev.fairlead.bench.run.BenchSettings;
import dev.fairlead.launcher.JsonLines;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.time.InstantSource;
import java.time.ZoneOffset;
import java.time.format.DateTimeFormatter;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** Measures transports side by side, and against raw clients. */
@Command(
    name = "bench",
    description = {
      "Measures transports side by side, and against raw clients of the same brokers:",
      "throughput, latency, loss, order, cost, and how they come back after faults.",
      "Who sends, what carries and who receives are processes of their own; what was",
      "stored is recounted from the store's files. The whole takes about a quarter of",
      "an hour, the short form three minutes. Ctrl-C keeps what was found so far.",
      ""
    },
    mixinStandardHelpOptions = true,
    subcommands = BenchCompareCommand.class,
    footer = {
      "",
      "A transport takes part when its bundle lies among the distribution's",
      "(runtime/target/fairlead/bundles).",
      "",
      "  micro  Measure single steps (see: fairlead bench micro --help).",
      "",
      "Exit status: 0 all runs came to their end, and none of ours lost, doubled or",
      "mixed up a record; 1 one did; 2 the words of the command are off; 69 a program",
      "is missing; 130 ended by Ctrl-C.",
    })
final class BenchCommand implements Callable<Integer> {

  private static final DateTimeFormatter STAMP =
      DateTimeFormatter.ofPattern("uuuuMMdd-HHmmss").withZone(ZoneOffset.UTC);

  @Option(names = "--quick", description = "The short form: fewer scenarios, shorter runs.")
  private boolean quick;

  @Option(
      names = "--transports",
      paramLabel = "NAME,…",
      defaultValue = "all",
      description = "Which transports, with the raw clients that belong to them (default: all).")
  private String transports = "all";

  @Option(
      names = "--scenarios",
      paramLabel = "NAME,…",
      defaultValue = "all",
      description =
          "Which scenarios (default: all, or the first four in the short form): max-rate,"
              + " fixed-rate, crash, stall, absent, agent-restart, many-agents, slow-consumer,"
              + " noisy-stream, swap. Only where it is named: soak, half of the greatest rate for"
              + " long.")
  private String scenarios = "all";

  @Option(
      names = "--repeat",
      paramLabel = "K",
      description =
          "How often each case is done (default: 3 times for rates, latency and crash, else once).")
  private @Nullable Integer repeat;

  @Option(
      names = "--seconds",
      paramLabel = "N",
      description = "How long a soak takes (default: an hour, a minute in the short form).")
  private @Nullable Integer seconds;

  @Option(
      names = "--rate",
      paramLabel = "N",
      description = "Records a second of a soak (default: half of the greatest that it finds).")
  private @Nullable Long rate;

  @Option(
      names = "--seed",
      paramLabel = "S",
      defaultValue = "1",
      description = "From which the order of runs follows (default: ${DEFAULT-VALUE}).")
  private long seed = 1;

  @Option(
      names = "--out",
      paramLabel = "DIR",
      description = "Where the result files go (default: target/bench/<time> beside the script).")
  private @Nullable Path folder;

  @Option(
      names = "--into",
      paramLabel = "FILE",
      description = "A Markdown document whose place for results is filled with the tables, too.")
  private @Nullable Path document;

  @Mixin private Out out = new Out();

  @Spec private CommandSpec spec = CommandSpec.create();

  /** Made by picocli. */
  BenchCommand() {}

  @Override
  public Integer call() throws IOException, InterruptedException {
    JsonLines.install("error");
    Installation installation = Installation.current();
    BenchSettings settings = settings(installation);
    Path results =
        folder == null
            ? installation.root().resolve("target/bench").resolve(STAMP.format(Instant.now()))
            : folder.toAbsolutePath();
    requireWritable(results);
    requirePlace();
    Progress progress = new Progress(out::progress, InstantSource.system());
    try (Teardown teardown = new Teardown()) {
      return measure(settings, results, teardown, progress);
    } catch (BenchException e) {
      int code = e.isMissingProgram() ? ExitCode.MISSING : ExitCode.FAILED;
      throw new CommandFailure(code, String.valueOf(e.getMessage()), e);
    }
  }

  private int measure(BenchSettings settings, Path results, Teardown teardown, Progress progress)
      throws IOException, InterruptedException {
    AtomicBoolean through = new AtomicBoolean();
    Bench bench = new Bench(settings, teardown.temporaryFolder("fl-bench-"), progress::say);
    teardown.add(
        () -> {
          bench.close();
          if (!through.get()) { // by Ctrl-C, or by a fault
            keep(results, bench.results("interrupted"));
          }
        });
    bench.run();
    through.set(true);
    Results found = bench.results(null);
    keep(results, found);
    Path into = document;
    if (into != null) {
      Files.writeString(into, MarkdownReport.into(Files.readString(into), found));
    }
    teardown.close();
    TextReport.of(found).forEach(out::line);
    out.json(ResultsJson.of(found));
    progress.say("all results are in " + results);
    return bench.isClean() ? ExitCode.DONE : ExitCode.FAILED;
  }

  private BenchSettings settings(Installation installation) throws IOException {
    try {
      return new BenchSettings(
          quick,
          BenchSettings.names(transports),
          BenchSettings.names(scenarios),
          repeats(),
          seconds(),
          rate(),
          seed,
          "fairlead "
              + String.join(
                  " ",
                  spec.commandLine().getParent() == null
                      ? List.of("bench")
                      : spec.commandLine().getParent().getParseResult().originalArgs()),
          libraries(installation));
    } catch (IllegalArgumentException e) {
      throw new CommandLine.ParameterException(
          spec.commandLine(), String.valueOf(e.getMessage()), e);
    }
  }

  private int repeats() {
    Integer wanted = repeat;
    if (wanted != null && wanted < 1) {
      throw new IllegalArgumentException("Each case is repeated at least once.");
    }
    return wanted == null ? 0 : wanted;
  }

  private int seconds() {
    Integer wanted = seconds;
    if (wanted != null && wanted < 1) {
      throw new IllegalArgumentException("A soak takes at least a second.");
    }
    return wanted == null ? 0 : wanted;
  }

  private long rate() {
    Long wanted = rate;
    if (wanted != null && wanted < 1) {
      throw new IllegalArgumentException("A soak says at least a record a second.");
    }
    return wanted == null ? 0 : wanted;
  }

  /** The jars of raw clients. */
  private static List<Path> libraries(Installation installation) throws IOException {
    try (Stream<Path> files = Files.list(installation.distribution().resolve("raw"))) {
      return files.sorted().toList();
    }
  }

  /** Says before an hour of measuring, not behind it, that a document has no place for results. */
  private void requirePlace() throws IOException {
    Path into = document;
    if (into == null) {
      return;
    }
    boolean has =
        Files.isWritable(into)
            && Files.readString(into).contains(MarkdownReport.BEGIN)
            && Files.readString(into).contains(MarkdownReport.END);
    if (!has) {
      throw new CommandFailure(
          ExitCode.FAILED,
          "%s has no place for results: it must be writable, and have the lines '%s' and '%s'."
              .formatted(into, MarkdownReport.BEGIN, MarkdownReport.END));
    }
  }

  private static void requireWritable(Path results) {
    try {
      Files.createDirectories(results);
      Files.delete(Files.createTempFile(results, "probe", null));
    } catch (IOException e) {
      throw new CommandFailure(
          ExitCode.FAILED,
          "The results cannot be written to %s: choose another folder by --out.".formatted(results),
          e);
    }
  }

  private static void keep(Path results, Results found) {
    try {
      var unused = ResultFiles.write(results, found);
    } catch (IOException e) {
      throw new CommandFailure(
          ExitCode.FAILED,
          "The results cannot be written to %s: %s".formatted(results, e.getMessage()),
          e);
    }
  }
}
