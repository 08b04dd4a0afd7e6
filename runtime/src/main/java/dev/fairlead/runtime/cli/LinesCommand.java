// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.runtime.cli;

import dev.fairlead.http.JsonClient;
import dev.fairlead.protocol.json.JsonObject;
import java.util.concurrent.Callable;
import java.util.function.Function;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** Prints the lines of one stream. With {@code --json -} each line is printed as it was stored. */
abstract class LinesCommand implements Callable<Integer> {

  @Parameters(paramLabel = "ID", description = "The computation.")
  private String id = "";

  @Option(
      names = {"-f", "--follow"},
      description = "Go on with what comes, until Ctrl-C.")
  private boolean follow;

  @Option(
      names = {"-n", "--tail"},
      paramLabel = "N",
      defaultValue = "-1",
      showDefaultValue = picocli.CommandLine.Help.Visibility.NEVER,
      description = "Begin with the last N that are stored.")
  private long tail = -1;

  @Mixin private Services services = new Services();
  @Mixin private Out out = new Out();

  private final String stream;
  private final Function<JsonObject, String> text;

  LinesCommand(String stream, Function<JsonObject, String> text) {
    this.stream = stream;
    this.text = text;
  }

  @Override
  public final Integer call() {
    String path =
        "/computations/%s/%s?follow=%s%s"
            .formatted(Paths.segment(id), stream, follow, tail < 0 ? "" : "&tail=" + tail);
    try (JsonClient.LineReader lines = services.computations().lines(path)) {
      for (JsonObject json = lines.nextObject(); json != null; json = lines.nextObject()) {
        out.line(text.apply(json));
        out.json(json);
      }
    }
    return ExitCode.DONE;
  }
}
