// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.runtime.cli;

import dev.fairlead.protocol.json.JsonObject;
import picocli.CommandLine.Command;

/** Prints a computation's events. */
@Command(
    name = "events",
    description = "Prints a computation's events, from the first stored on.",
    mixinStandardHelpOptions = true)
final class EventsCommand extends LinesCommand {

  /** Made by picocli. */
  EventsCommand() {
    super(
        "events",
        json ->
            "%-30s %-8s %-20s %-12s %s"
                .formatted(
                    Fields.text(json, "timestamp"),
                    Fields.text(json, "originator"),
                    Fields.text(json, "event_type"),
                    Fields.text(json, "status"),
                    json.optionalObject("details").map(JsonObject::toString).orElse("")));
  }
}
