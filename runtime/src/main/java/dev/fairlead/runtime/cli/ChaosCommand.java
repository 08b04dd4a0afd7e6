// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.runtime.cli;

import dev.fairlead.bench.chaos.Chaos;
import dev.fairlead.bench.chaos.ChaosException;
import dev.fairlead.bench.chaos.ChaosResult;
import dev.fairlead.bench.chaos.ChaosSettings;
import dev.fairlead.launcher.JsonLines;
import dev.fairlead.protocol.json.JsonObject;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.time.InstantSource;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** Breaks a transport while lines flow, and recounts them. */
@Command(
    name = "chaos",
    description = {
      "Has agents say numbered lines over a real transport while, from a seed, its",
      "broker or hub is killed and stalled, links are cut, agents and the collector",
      "are killed. In the end all is mended and drains; then each line of a ledger,",
      "kept by a process of its own, is held against the files of the store: every",
      "line that had reached its agent's spool must be stored once, in its place, as",
      "it was said. Everything is taken down in the end.",
      "",
      "Exit status 0 means that nothing was lost, doubled, reordered or altered.",
      ""
    },
    mixinStandardHelpOptions = true,
    footer = {
      "",
      "With --keep DIR anybody can recount. ledger.ndjson has one line for each line",
      "that an agent meant to say, with its number, its hash (16 hex digits of its",
      "SHA-256) and the level that its append reached; and one for each start of an",
      "agent, with the last number found in its spool. store.ndjson has one for each",
      "line that the store's files hold, in their order.",
      "",
      "  ./fairlead chaos --transport nats --seed 7 --seconds 60 --rate 20000 --json -",
    })
final class ChaosCommand implements Callable<Integer> {

  @Option(
      names = "--transport",
      paramLabel = "NAME",
      defaultValue = "nats",
      description = "nats, mqtt or vsock (default: ${DEFAULT-VALUE}).")
  private String transport = "nats";

  @Option(
      names = "--seed",
      paramLabel = "S",
      defaultValue = "1",
      description = "What is broken, and when, follows from it (default: ${DEFAULT-VALUE}).")
  private long seed = 1;

  @Option(
      names = "--seconds",
      paramLabel = "T",
      defaultValue = "60",
      description = "How long lines are said; one fault for each 5 s (default: ${DEFAULT-VALUE}).")
  private int seconds = 60;

  @Option(
      names = "--rate",
      paramLabel = "R",
      defaultValue = "20000",
      description = "Lines a second, of all agents together (default: ${DEFAULT-VALUE}).")
  private int rate = 20_000;

  @Option(
      names = "--agents",
      paramLabel = "N",
      defaultValue = "3",
      description = "How many agents (default: ${DEFAULT-VALUE}).")
  private int agents = 3;

  @Option(
      names = "--forget",
      paramLabel = "LEVEL",
      defaultValue = "delivered",
      description = {
        "When agents forget a line: delivered, or stored, where the broker is",
        "set to store lines (nats) (default: ${DEFAULT-VALUE})."
      })
  private String forget = "delivered";

  @Option(
      names = "--swap",
      description = {
        "Agents change among nats, mqtt and vsock meanwhile, each every 1.5 s;",
        "they begin with --transport."
      })
  private boolean swap;

  @Option(
      names = "--keep",
      paramLabel = "DIR",
      description = "Leave ledger.ndjson, store.ndjson, result.json and logs there.")
  private @Nullable Path keep;

  @Mixin private Out out = new Out();

  @Spec private CommandSpec spec = CommandSpec.create();

  /** Made by picocli. */
  ChaosCommand() {}

  @Override
  public Integer call() throws IOException, InterruptedException {
    JsonLines.install("error");
    ChaosSettings settings;
    try {
      settings =
          new ChaosSettings(
              transport,
              seed,
              Duration.ofSeconds(seconds),
              rate,
              agents,
              forget,
              keep == null ? null : keep.toAbsolutePath(),
              swap);
    } catch (IllegalArgumentException e) {
      throw new CommandLine.ParameterException(
          spec.commandLine(), "It cannot be so: " + e.getMessage() + ".", e);
    }
    Progress progress = new Progress(out::progress, InstantSource.system());
    try (Teardown teardown = new Teardown()) {
      return breakThings(settings, teardown, progress);
    } catch (ChaosException e) {
      int code = e.isMissingProgram() ? ExitCode.MISSING : ExitCode.FAILED;
      throw new CommandFailure(code, String.valueOf(e.getMessage()), e);
    }
  }

  private int breakThings(ChaosSettings settings, Teardown teardown, Progress progress)
      throws IOException, InterruptedException {
    Path folder = teardown.temporaryFolder("fl-chaos-");
    Chaos chaos = new Chaos(settings, folder, progress::say);
    teardown.add(chaos::close);
    ChaosResult result = chaos.run();
    teardown.close();
    progress.say("everything is taken down");
    result.examples().forEach(progress::say);
    JsonObject json = result.toJson();
    out.line(
        "%s, seed %d: %s lines appended, %s stored, %s lost, %s twice, %s out of order: %s"
            .formatted(
                transport,
                seed,
                count(json, "appended"),
                count(json, "stored"),
                count(json, "lost"),
                count(json, "duplicates"),
                count(json, "reordered"),
                result.isClean() ? "clean" : "NOT clean"));
    out.json(json);
    return result.isClean() ? ExitCode.DONE : ExitCode.FAILED;
  }

  private static long count(JsonObject json, String name) {
    return json.integer(name, 0, Long.MAX_VALUE);
  }
}
