// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.runtime.cli;

import dev.fairlead.bundles.DoorPlate;
import dev.fairlead.http.JsonClient;
import dev.fairlead.protocol.json.JsonObject;
import java.io.IOException;
import java.net.URI;
import java.nio.file.Path;
import java.time.Duration;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** Changes the bundles of a host that is up, and of agents. */
@Command(
    name = "bundles",
    description =
        "Lists the transports of a host that is up, or of an agent, and changes them while lines flow.",
    mixinStandardHelpOptions = true,
    subcommands = {
      BundlesListCommand.class,
      BundlesUpdateCommand.class,
      BundlesRollbackCommand.class,
    })
final class BundlesCommand implements Runnable {

  @Spec private CommandSpec spec = CommandSpec.create();

  /** Made by picocli. */
  BundlesCommand() {}

  @Override
  public void run() {
    throw new ParameterException(spec.commandLine(), "Name one of: list, update, rollback.");
  }

  /** The host's door: found by its home, or named. */
  static final class Door {

    /** A broker or hub may have to be started anew, and links to come up over it. */
    private static final Duration PATIENCE = Duration.ofMinutes(10);

    @Option(
        names = "--home",
        paramLabel = "DIR",
        description = "The home of the host, as given to up (default: as up has it).")
    private @Nullable Path home;

    @Option(
        names = "--url",
        paramLabel = "URL",
        description = "Where its door is; for a host whose home cannot be read.")
    private @Nullable URI url;

    @Option(
        names = "--token",
        paramLabel = "TOKEN",
        defaultValue = "${FAIRLEAD_TOKEN:-}",
        showDefaultValue = picocli.CommandLine.Help.Visibility.NEVER,
        description = "What the door asks for when it listens beyond loopback.")
    private String token = "";

    /** Made by picocli. */
    Door() {}

    String token() {
      return token;
    }

    JsonClient client() throws IOException {
      URI given = url;
      return new JsonClient(given == null ? find() : given, token, null, PATIENCE);
    }

    private URI find() throws IOException {
      Path folder = home == null ? Installation.home() : home;
      return new DoorPlate(folder.resolve("bundles"))
          .read()
          .orElseThrow(
              () ->
                  new CommandFailure(
                      ExitCode.RETRY,
                      "No host is up with its home in %s: name another with --home."
                          .formatted(folder)));
    }
  }

  /** Says what was done, or would be. */
  static void tell(Out out, JsonObject change) {
    boolean done = change.bool("done");
    out.line(
        "%s %s: %s -> %s"
            .formatted(
                done ? "Changed" : "Would change",
                change.string("bundle"),
                change.string("from"),
                change.string("to")));
    out.line(
        "  %s: %s"
            .formatted(
                done ? "refreshed" : "would refresh",
                String.join(", ", change.strings("closure"))));
    if (done) {
      out.line(
          "  links moved: %s; other bundles refreshed: %s; %s ms"
              .formatted(
                  Fields.text(change, "links"),
                  Fields.text(change, "otherBundlesRefreshed"),
                  Fields.text(change, "millis")));
    }
    out.json(change);
  }
}
