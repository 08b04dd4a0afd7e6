// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.runtime.cli;

import dev.fairlead.bench.results.Comparison;
import dev.fairlead.bench.results.Results;
import dev.fairlead.bench.results.ResultsReader;
import dev.fairlead.protocol.json.ProtocolException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Parameters;

/** Says what changed from one benchmark to another. */
@Command(
    name = "compare",
    description = {
      "Says what changed from one benchmark to another: medians, ranges, and whether",
      "these overlap. Another machine or configuration is said first, and loudly.",
      ""
    },
    mixinStandardHelpOptions = true,
    footer = {"", "Exit status: 0 nothing became worse beyond doubt; 1 something did."})
final class BenchCompareCommand implements Callable<Integer> {

  @Parameters(
      index = "0",
      paramLabel = "A",
      description = "A results.json, or the folder that it is in: before.")
  private Path before = Path.of("");

  @Parameters(index = "1", paramLabel = "B", description = "The same: after.")
  private Path after = Path.of("");

  @Mixin private Out out = new Out();

  /** Made by picocli. */
  BenchCompareCommand() {}

  @Override
  public Integer call() {
    Comparison comparison = Comparison.of(read(before), read(after));
    comparison.toText().forEach(out::line);
    out.json(comparison.toJson());
    return comparison.hasWorse() ? ExitCode.FAILED : ExitCode.DONE;
  }

  private static Results read(Path given) {
    Path file = Files.isDirectory(given) ? given.resolve("results.json") : given;
    try {
      return ResultsReader.read(file);
    } catch (NoSuchFileException e) {
      throw new CommandFailure(ExitCode.NOT_FOUND, "There is no file " + file + ".", e);
    } catch (IOException e) {
      throw new CommandFailure(
          ExitCode.FAILED, "The file %s cannot be read: %s".formatted(file, e.getMessage()), e);
    } catch (ProtocolException e) {
      throw new CommandFailure(
          ExitCode.FAILED, "The file %s holds no results: %s".formatted(file, e.getMessage()), e);
    }
  }
}
