// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.runtime.cli;

import picocli.CommandLine.Command;

/** Prints a computation's lines. */
@Command(
    name = "logs",
    description = "Prints a computation's lines, from the first stored on.",
    mixinStandardHelpOptions = true)
final class LogsCommand extends LinesCommand {

  /** Made by picocli. */
  LogsCommand() {
    super("logs", json -> "%s".formatted(Fields.text(json, "message")));
  }
}
