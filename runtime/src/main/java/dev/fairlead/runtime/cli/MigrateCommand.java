// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.runtime.cli;

import dev.fairlead.http.JsonClient;
import dev.fairlead.protocol.json.JsonObject;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** Moves a fleet from one transport to another, step by step. */
@Command(
    name = "migrate",
    description = {
      "Moves computations from one transport to another, step by step, while they speak.",
      "With --shadow the chosen ones first send every line over both, and what comes is compared:",
      "nobody is moved on before the verdict is safe. docs/migration.md is the guide."
    },
    subcommands = {
      MigrateCommand.Start.class,
      MigrateCommand.Status.class,
      MigrateCommand.Advance.class,
      MigrateCommand.Cutover.class,
      MigrateCommand.Rollback.class,
      MigrateCommand.Report.class,
    },
    mixinStandardHelpOptions = true)
final class MigrateCommand implements Runnable {

  @Spec private CommandSpec spec = CommandSpec.create();

  /** Made by picocli. */
  MigrateCommand() {}

  @Override
  public void run() {
    throw new ParameterException(
        spec.commandLine(), "Name a step: start, status, advance, cutover, rollback or report.");
  }

  /** What all steps have. */
  abstract static class Step implements Callable<Integer> {

    @Spec private CommandSpec spec = CommandSpec.create();
    @Mixin private Services services = new Services();
    @Mixin private Out out = new Out();

    @Override
    public final Integer call() {
      JsonObject answer = ask(services.computations());
      out.json(answer);
      Migrations.lines(answer).forEach(out::line);
      return exitCode(answer);
    }

    abstract JsonObject ask(JsonClient client);

    int exitCode(JsonObject answer) {
      return ExitCode.DONE;
    }

    final void requirePercent(int percent) {
      if (percent < 1 || percent > 100) {
        throw new ParameterException(
            spec.commandLine(), "--percent is 1 to 100, not %d.".formatted(percent));
      }
    }

    final ParameterException usage(String sentence) {
      return new ParameterException(spec.commandLine(), sentence);
    }
  }

  /** Begins one. */
  @Command(
      name = "start",
      description = "Begins a migration with a share of the computations.",
      mixinStandardHelpOptions = true)
  static final class Start extends Step {

    @Option(
        names = "--from",
        required = true,
        paramLabel = "NAME",
        description = "The transport that is left.")
    private String from = "";

    @Option(
        names = "--to",
        required = true,
        paramLabel = "NAME",
        description = "The transport that is gone to.")
    private String to = "";

    @Option(
        names = "--percent",
        paramLabel = "N",
        defaultValue = "5",
        description = "Share of the computations, 1 to 100 (default: ${DEFAULT-VALUE}).")
    private int percent = 5;

    @Option(
        names = "--shadow",
        description =
            "The chosen ones stay, and send copies over the new transport to be compared.")
    private boolean shadow;

    @Option(
        names = "--inject",
        paramLabel = "KIND=N",
        split = ",",
        description = {
          "A drill: make so many defects in each chosen one's copies, to see that they are found:",
          "drop=N,alter=N,duplicate=N, each 0 to 100. What is stored is never touched."
        })
    private java.util.Map<String, Integer> inject = new java.util.LinkedHashMap<>();

    @Option(
        names = "--inject-seed",
        paramLabel = "N",
        defaultValue = "1",
        description = "Chooses the lines that are hit (default: ${DEFAULT-VALUE}).")
    private long seed = 1;

    /** Made by picocli. */
    Start() {}

    @Override
    JsonObject ask(JsonClient client) {
      requirePercent(percent);
      if (from.equals(to)) {
        throw usage("--from and --to name the same transport.");
      }
      JsonObject.Builder asked =
          JsonObject.builder()
              .put("from", from)
              .put("to", to)
              .put("percent", percent)
              .put("shadow", shadow);
      if (!inject.isEmpty()) {
        if (!shadow) {
          throw usage("--inject makes defects in copies: add --shadow.");
        }
        try {
          asked.put("inject", Migrations.inject(inject, seed));
        } catch (IllegalArgumentException e) {
          throw usage(String.valueOf(e.getMessage()));
        }
      }
      return client.post("/migration", asked.build().toBytes());
    }
  }

  /** Tells how it stands. */
  @Command(
      name = "status",
      description = "Tells how the migration stands.",
      mixinStandardHelpOptions = true)
  static final class Status extends Step {

    /** Made by picocli. */
    Status() {}

    @Override
    JsonObject ask(JsonClient client) {
      return client.get("/migration");
    }
  }

  /** Goes a step on. */
  @Command(
      name = "advance",
      description = {
        "Moves those that were chosen so far, and chooses more.",
        "Refused while the verdict is not safe, and after it stopped by itself."
      },
      mixinStandardHelpOptions = true)
  static final class Advance extends Step {

    @Option(
        names = "--percent",
        paramLabel = "N",
        description = "Share to be chosen from now on (default: the next of 5, 10, 25, 50, 100).")
    private @Nullable Integer percent;

    /** Made by picocli. */
    Advance() {}

    @Override
    JsonObject ask(JsonClient client) {
      JsonObject.Builder asked = JsonObject.builder();
      Integer share = percent;
      if (share != null) {
        requirePercent(share);
        asked.put("percent", share);
      }
      return client.post("/migration/advance", asked.build().toBytes());
    }
  }

  /** Ends it on the new transport. */
  @Command(
      name = "cutover",
      description = {
        "Moves all, those that come later too.",
        "Refused without a safe verdict, unless it is forced, which is written down."
      },
      mixinStandardHelpOptions = true)
  static final class Cutover extends Step {

    @Option(names = "--force", description = "Without a verdict, or against it.")
    private boolean force;

    /** Made by picocli. */
    Cutover() {}

    @Override
    JsonObject ask(JsonClient client) {
      return client.post(
          "/migration/cutover", JsonObject.builder().put("force", force).build().toBytes());
    }
  }

  /** Ends it on the old transport. */
  @Command(
      name = "rollback",
      description = "Ends the copies, and takes back all that were moved; after a cutover too.",
      mixinStandardHelpOptions = true)
  static final class Rollback extends Step {

    /** Made by picocli. */
    Rollback() {}

    @Override
    JsonObject ask(JsonClient client) {
      return client.post("/migration/rollback", JsonObject.empty().toBytes());
    }
  }

  /** The document. */
  @Command(
      name = "report",
      description = {
        "Gives the verdict with all that it rests on, as a document to be kept (--json FILE).",
        "Exits with 1 when the verdict is unsafe."
      },
      mixinStandardHelpOptions = true)
  static final class Report extends Step {

    /** Made by picocli. */
    Report() {}

    @Override
    JsonObject ask(JsonClient client) {
      return client.get("/migration/report");
    }

    @Override
    int exitCode(JsonObject answer) {
      return Fields.text(answer, "verdict").equals("unsafe") ? ExitCode.FAILED : ExitCode.DONE;
    }
  }
}
