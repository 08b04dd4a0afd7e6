// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.runtime.cli;

import dev.fairlead.agent.grpc.AgentClient;
import dev.fairlead.protocol.json.JsonObject;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.InstantSource;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** Fetches a computation's result from its agent. */
@Command(
    name = "result",
    description = "Fetches a computation's result from its agent, as its consumer.",
    mixinStandardHelpOptions = true)
final class ResultCommand implements Callable<Integer> {

  @Parameters(paramLabel = "ID", description = "The computation.")
  private String id = "";

  @Option(
      names = {"-o", "--output"},
      paramLabel = "ZIP",
      description = "Where it goes (default: ID-result.zip).")
  private @Nullable Path output;

  @Option(
      names = "--keys",
      paramLabel = "DIR",
      description = "The folder with consumer.key and its fellows (default: as run left it).")
  private @Nullable Path keys;

  @Mixin private Services services = new Services();
  @Mixin private Out out = new Out();

  /** Made by picocli. */
  ResultCommand() {}

  @Override
  public Integer call() throws IOException {
    Path folder = keys == null ? RunCommand.keyFolder(Paths.segment(id)) : keys;
    if (!Files.isDirectory(folder)) {
      throw new CommandFailure(
          ExitCode.NOT_FOUND,
          "There are no keys of %s in %s: name their folder with --keys.".formatted(id, folder));
    }
    RunSession session =
        new RunSession(
            services, new Progress(out::progress, InstantSource.system()), InstantSource.system());
    RunSession.Submitted found = session.find(id);
    Path target = output == null ? Path.of(id + "-result.zip") : output;
    try (AgentClient agent = new AgentClient(found.agentHost(), found.agentPort(), found.id())) {
      agent.fetchResult(target, RoleKeys.read(folder).secret(RoleKeys.Role.CONSUMER));
    }
    out.line("The result is in " + target + ".");
    out.json(
        JsonObject.builder()
            .put("computation", id)
            .put("result", target.toAbsolutePath().toString())
            .build());
    return ExitCode.DONE;
  }
}
