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
    out.line("Stopped " + id + ".");
    out.json(answer);
    return ExitCode.DONE;
  }
}
