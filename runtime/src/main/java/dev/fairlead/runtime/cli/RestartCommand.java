// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.runtime.cli;

import dev.fairlead.protocol.json.JsonObject;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Parameters;

/** Starts a computation anew whose VM has ended. */
@Command(
    name = "restart",
    description = {
      "Starts a computation anew whose VM has ended: the same id, a new VM, a new credential.",
      "Nothing restarts by itself; this is how a person does it."
    },
    mixinStandardHelpOptions = true)
final class RestartCommand implements Callable<Integer> {

  @Parameters(paramLabel = "ID", description = "The computation.")
  private String id = "";

  @Mixin private Services services = new Services();
  @Mixin private Out out = new Out();

  /** Made by picocli. */
  RestartCommand() {}

  @Override
  public Integer call() {
    JsonObject answer =
        services.manager().post("/vms/" + Paths.segment(id) + "/restart", new byte[0]);
    out.line("Restarted %s, its agent at %s.".formatted(id, Fields.text(answer, "agent_address")));
    out.json(answer);
    return ExitCode.DONE;
  }
}
