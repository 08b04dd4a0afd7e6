// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.runtime.cli;

import dev.fairlead.protocol.json.JsonObject;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;

/** Lists computations, with the state of VM and agent. */
@Command(
    name = "ps",
    description = "Lists computations, with the state of VM and agent.",
    mixinStandardHelpOptions = true)
final class PsCommand implements Callable<Integer> {

  @Mixin private Services services = new Services();
  @Mixin private Out out = new Out();

  /** Made by picocli. */
  PsCommand() {}

  @Override
  public Integer call() {
    JsonObject answer = services.computations().get("/computations");
    String row = "%-24s %-26s %-13s %-18s %s";
    out.line(row.formatted("COMPUTATION", "VM", "AGENT", "WORK", "CREATED"));
    for (JsonObject one : answer.objects("computations")) {
      out.line(
          row.formatted(
              one.string("id"),
              vm(one.object("vm")),
              Fields.text(one.object("agent"), "state"),
              Fields.text(one.object("agent"), "work"),
              Fields.text(one, "created")));
    }
    out.json(answer);
    return ExitCode.DONE;
  }

  private static String vm(JsonObject vm) {
    return Fields.text(vm, "state")
        + vm.optionalObject("end").map(end -> " (" + Fields.text(end, "reason") + ")").orElse("");
  }
}
