// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.agent.image;

import static java.nio.charset.StandardCharsets.UTF_8;

import dev.fairlead.agent.image.ImageException.Category;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;

/**
 * Runs other programs: with a time limit, with nothing of this process's environment but the search
 * path and where Debian's mirror is reached, and never with a time zone or language of this user.
 */
final class Command {

  private static final List<String> KEPT =
      List.of("http_proxy", "https_proxy", "no_proxy", "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY");

  private final Path folder;
  private final Duration limit;

  Command(Path folder, Duration limit) {
    this.folder = folder;
    this.limit = limit;
  }

  /** How a program ended, and what it said on both its outputs, shortened to its last 64 KiB. */
  record Result(int code, String output) {
    String lastLine() {
      return output.strip().lines().reduce("", (first, second) -> second);
    }
  }

  /** Runs a program and returns what it said. */
  String run(String debianPackage, List<String> words) throws IOException {
    Result result = attempt(debianPackage, words);
    if (result.code() != 0) {
      throw new ImageException(
          Category.BROKEN,
          "program-failed",
          "'%s' ended with %d: %s"
              .formatted(String.join(" ", words), result.code(), result.lastLine()));
    }
    return result.output();
  }

  /** Runs a program, whose failure the caller looks at. */
  Result attempt(String debianPackage, List<String> words) throws IOException {
    Path output = Files.createTempFile(folder, "output", ".txt");
    try {
      Process process =
          start(
              debianPackage,
              words,
              ProcessBuilder.Redirect.from(Path.of("/dev/null").toFile()),
              ProcessBuilder.Redirect.to(output.toFile()));
      await(process, words);
      byte[] said = Files.readAllBytes(output);
      int from = Math.max(0, said.length - (1 << 16));
      return new Result(process.exitValue(), new String(said, from, said.length - from, UTF_8));
    } finally {
      Files.deleteIfExists(output);
    }
  }

  /** Starts a program whose outputs go where the caller says, errors with them. */
  Process start(
      String debianPackage,
      List<String> words,
      ProcessBuilder.Redirect input,
      ProcessBuilder.Redirect output)
      throws IOException {
    ProcessBuilder builder = new ProcessBuilder(words);
    builder.directory(folder.toFile()).redirectInput(input).redirectOutput(output);
    builder.redirectErrorStream(true);
    Map<String, String> environment = builder.environment();
    String path = environment.getOrDefault("PATH", "");
    environment.keySet().retainAll(KEPT);
    environment.put("PATH", path + (path.isEmpty() ? "" : ":") + "/usr/sbin:/usr/bin:/sbin:/bin");
    environment.put("LC_ALL", "C.UTF-8");
    environment.put("TZ", "UTC");
    environment.put("HOME", "/nonexistent");
    try {
      return builder.start();
    } catch (IOException e) {
      throw new ImageException(
          Category.BROKEN,
          "missing-program",
          "%s does not start: apt-get install -y --no-install-recommends %s"
              .formatted(words.get(0), debianPackage),
          e);
    }
  }

  /** Waits for a program's end; one that is too late is killed with its children. */
  void await(Process process, List<String> words) {
    boolean ended = false;
    try {
      ended = process.waitFor(limit.toMillis(), TimeUnit.MILLISECONDS);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new ImageException(Category.RETRY, "interrupted", "Building was interrupted.", e);
    } finally {
      if (!ended) {
        process.descendants().forEach(ProcessHandle::destroyForcibly);
        process.destroyForcibly();
      }
    }
    if (!ended) {
      throw new ImageException(
          Category.RETRY,
          "program-too-slow",
          "'%s' had not ended after %d s and was killed: try again when this machine has less to do."
              .formatted(String.join(" ", words), limit.toSeconds()));
    }
  }
}
