// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.runtime.cli;

import static java.nio.charset.StandardCharsets.UTF_8;

import dev.fairlead.protocol.json.Json;
import dev.fairlead.protocol.json.JsonValue;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

/**
 * Where a command says what: its result on standard output, its progress on standard error, and its
 * result as one line of JSON where that was asked for.
 */
final class Out {

  @Option(
      names = "--json",
      paramLabel = "FILE|-",
      description = "Write the result as one line of JSON, to FILE or (-) to standard output.")
  private @Nullable String json;

  private boolean begun;

  private final PrintStream out = new PrintStream(System.out, true, UTF_8);
  private final PrintStream err = new PrintStream(System.err, true, UTF_8);

  /** Made by picocli. */
  Out() {}

  /** Whether standard output belongs to the JSON line alone. */
  boolean jsonOnStandardOutput() {
    return "-".equals(json);
  }

  boolean wantsJson() {
    return json != null;
  }

  /** A line of the result for a person; left out where standard output belongs to JSON. */
  void line(String text) {
    if (!jsonOnStandardOutput()) {
      out.println(text);
    }
  }

  /** A line of progress. */
  void progress(String text) {
    err.println(text);
  }

  /** The result as JSON, where it was asked for; the next one goes on a line of its own. */
  void json(JsonValue value) {
    String name = json;
    if (name == null) {
      return;
    }
    String line = Json.write(value);
    if (jsonOnStandardOutput()) {
      out.println(line);
      return;
    }
    try {
      if (begun) {
        Files.writeString(Path.of(name), line + "\n", StandardOpenOption.APPEND);
      } else {
        Files.writeString(Path.of(name), line + "\n");
        begun = true;
      }
    } catch (IOException e) {
      throw new CommandFailure(
          ExitCode.FAILED, "The JSON cannot be written to " + name + ": " + e.getMessage(), e);
    }
  }
}
