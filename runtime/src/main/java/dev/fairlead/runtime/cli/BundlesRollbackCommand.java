// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.runtime.cli;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.io.IOException;
import java.net.URLEncoder;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** Brings back the version of a transport that ran before. */
@Command(
    name = "rollback",
    description = "Brings back the version of a transport that ran before, while lines flow.",
    mixinStandardHelpOptions = true,
    footer = {
      "",
      "Exit status: 0 done; 1 there is no version before, or it is no good; 66 there is no such",
      "bundle; 75 no host, or another change is under way.",
    })
final class BundlesRollbackCommand implements Callable<Integer> {

  @Parameters(paramLabel = "BUNDLE", description = "Its name, as list shows it.")
  private String bundle = "";

  @Option(names = "--dry-run", description = "Say what would be refreshed, and change nothing.")
  private boolean dryRun;

  @Mixin private BundlesCommand.Door door = new BundlesCommand.Door();
  @Mixin private Out out = new Out();

  /** Made by picocli. */
  BundlesRollbackCommand() {}

  @Override
  public Integer call() throws IOException {
    String name = URLEncoder.encode(bundle, UTF_8);
    BundlesCommand.tell(
        out,
        door.client().post("/bundles/" + name + "/rollback" + (dryRun ? "?dry-run=true" : "")));
    return ExitCode.DONE;
  }
}
