// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.runtime.cli;

import dev.fairlead.protocol.json.JsonObject;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Parameters;

/** Ends a computation's VM. */
@Command(
    name = "stop",
    description = "Ends a computation's VM and revokes its credential. What was stored stays.",
    mixinStandardHelpOptions = true)
final class StopCommand implements Callable<Integer> {

  @Parameters(paramLabel = "ID", description = "The computation.")
  private String id = "";

  @Mixin private Services services = new Services();
  @Mixin private Out out = new Out();

  /** Made by picocli. */
  StopCommand() {}

  @Override
  public Integer call() {
    JsonObject answer = services.manager().delete("/vms/" + Paths.segment(id));
    out.json(answer);
    String state = Fields.text(answer, "state");
    if (!state.equals("ended")) {
      throw new CommandFailure(
          ExitCode.RETRY, "The VM of " + id + " is " + state + " still: ask again.");
    }
    out.line("Stopped " + id + ".");
    return ExitCode.DONE;
  }
}
