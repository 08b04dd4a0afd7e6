// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.runtime.cli;

import dev.fairlead.protocol.json.JsonObject;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.time.InstantSource;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** Runs a computation from its file to its result. */
@Command(
    name = "run",
    description = {
      "Runs a computation from its file to its result: registers it, uploads its algorithm and",
      "datasets to the agent in its VM, shows its lines, and fetches its result.",
      "See examples/sum/run.json."
    },
    mixinStandardHelpOptions = true)
final class RunCommand implements Callable<Integer> {

  @Parameters(paramLabel = "FILE", description = "The computation's file.")
  private Path file = Path.of("run.json");

  @Option(
      names = {"-o", "--output"},
      paramLabel = "ZIP",
      description = "Where the result goes (default: ID-result.zip).")
  private @Nullable Path output;

  @Option(
      names = "--limit",
      paramLabel = "SECONDS",
      defaultValue = "900",
      description = "Give up waiting after this long; the VM goes on (default: ${DEFAULT-VALUE}).")
  private long limit = 900;

  @Option(
      names = {"-q", "--quiet"},
      description = "Do not show the computation's lines.")
  private boolean quiet;

  @Mixin private Services services = new Services();
  @Mixin private Out out = new Out();

  /** Made by picocli. */
  RunCommand() {}

  @Override
  public Integer call() throws IOException {
    RunFile run = RunFile.read(file);
    RoleKeys keys = RoleKeys.generate();
    Progress progress = new Progress(out::progress, InstantSource.system());
    RunSession session = new RunSession(services, progress, InstantSource.system());
    Path draft = keyFolder("_draft-" + ProcessHandle.current().pid());
    keys.write(draft);
    RunSession.Submitted submitted;
    try {
      submitted = session.submit(run.manifest(keys));
      keys.write(keyFolder(submitted.id()));
    } finally {
      Teardown.delete(draft);
    }
    progress.say("computation " + submitted.id() + " is starting");
    Path result = output == null ? Path.of(submitted.id() + "-result.zip") : output;
    boolean complete;
    try (LogFollower logs =
        session.logs(
            submitted.id(),
            line -> {
              if (!quiet) {
                out.line(Fields.text(line, "message"));
              }
            })) {
      logs.start();
      complete = session.drive(submitted, run, keys, result, Duration.ofSeconds(limit));
      if (complete) {
        JsonObject books = session.delivered(session.vm(submitted.id()));
        logs.await(books.integer("delivered", 0, Long.MAX_VALUE));
      }
    }
    out.json(
        JsonObject.builder()
            .put("computation", submitted.id())
            .put("digest", submitted.digest())
            .put("state", complete ? "Complete" : "Failed")
            .put("result", complete ? result.toAbsolutePath().toString() : "")
            .build());
    return complete ? ExitCode.DONE : ExitCode.FAILED;
  }

  /** Where the keys of a computation's roles lie. */
  static Path keyFolder(String id) throws IOException {
    return Installation.home().resolve("keys").resolve(id);
  }
}
