// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.runtime.cli;

import dev.fairlead.protocol.json.JsonObject;
import java.io.IOException;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;

/** Lists the transports of a host, or of an agent. */
@Command(
    name = "list",
    description = "Lists the transports' bundles, and what each can be rolled back to.",
    mixinStandardHelpOptions = true)
final class BundlesListCommand implements Callable<Integer> {

  @Mixin private BundlesCommand.Door door = new BundlesCommand.Door();
  @Mixin private Guests guests = new Guests();
  @Mixin private Out out = new Out();

  /** Made by picocli. */
  BundlesListCommand() {}

  @Override
  public Integer call() throws IOException {
    JsonObject answer =
        guests.meant(false) ? guests.list(door.token()) : door.client().get("/bundles");
    String row = "%-32s %-12s %-10s %s";
    out.line(row.formatted("BUNDLE", "VERSION", "STATE", "ROLLBACK TO"));
    for (JsonObject one : answer.objects("bundles")) {
      out.line(
          row.formatted(
              one.string("bundle"),
              one.string("version"),
              one.string("state"),
              Fields.text(one, "rollback")));
    }
    out.json(answer);
    return ExitCode.DONE;
  }
}
