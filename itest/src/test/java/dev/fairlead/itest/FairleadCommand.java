// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.itest;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;

/**
 * The {@code fairlead} command as a process of its own, from the distribution that this build has
 * made. What it says goes into a file beside its temporary files.
 */
final class FairleadCommand implements AutoCloseable {

  private final Process process;
  private final Path log;

  private FairleadCommand(Process process, Path log) {
    this.process = process;
    this.log = log;
  }

  /**
   * Starts one.
   *
   * @param folder for its log, and for its temporary files: what it leaves there is found
   */
  static FairleadCommand start(Path folder, String... words) throws IOException {
    return start(folder, List.of(), words);
  }

  /** Starts one, with more words for its JVM. */
  static FairleadCommand start(Path folder, List<String> jvm, String... words) throws IOException {
    Path root = Path.of(System.getProperty("reactor.dir"));
    Path log = folder.resolve("command.log");
    Path temporary = Files.createDirectories(folder.resolve("tmp"));
    List<String> command = new ArrayList<>();
    command.add(Path.of(System.getProperty("java.home"), "bin/java").toString());
    command.add("-XX:TieredStopAtLevel=1");
    command.add("-XX:+UseSerialGC");
    command.add("-Djava.io.tmpdir=" + temporary);
    command.add("-Dfairlead.root=" + root);
    command.addAll(jvm);
    command.add("-cp");
    Path distribution = root.resolve("runtime/target/fairlead");
    String path =
        root.resolve("runtime/target/runtime-0.1.0.jar") + ":" + distribution.resolve("lib") + "/*";
    // As the script does: this command uses bundles itself.
    command.add(
        List.of("chaos", "bench").contains(words[0])
            ? path + ":" + distribution.resolve("bundles/*")
            : path);
    command.add("dev.fairlead.runtime.cli.Main");
    command.addAll(List.of(words));
    return new FairleadCommand(
        new ProcessBuilder(command)
            .redirectErrorStream(true)
            .redirectOutput(log.toFile())
            .redirectInput(ProcessBuilder.Redirect.from(Path.of("/dev/null").toFile()))
            .start(),
        log);
  }

  /** Waits for its end and returns its exit status. */
  int await(long minutes) throws InterruptedException {
    if (!process.waitFor(minutes, TimeUnit.MINUTES)) {
      throw new AssertionError("The command did not end within " + minutes + " min:\n" + said());
    }
    return process.exitValue();
  }

  /**
   * Ends it by SIGTERM, which it takes as it takes Ctrl-C; a shell's background job ignores that.
   */
  void terminate() {
    process.destroy();
  }

  boolean isRunning() {
    return process.isAlive();
  }

  /** The last of what it said. */
  String said() {
    try {
      String all = Files.readString(log);
      return all.length() > 8000 ? all.substring(all.length() - 8000) : all;
    } catch (IOException e) {
      return "(no log: " + e.getMessage() + ")";
    }
  }

  /** Processes, other than this one, whose command line names a folder. */
  static List<String> processesNaming(Path folder) {
    List<String> found = new ArrayList<>();
    try (Stream<ProcessHandle> all = ProcessHandle.allProcesses()) {
      all.filter(handle -> handle.pid() != ProcessHandle.current().pid())
          .forEach(
              handle -> {
                String line = commandLine(handle.pid());
                if (line.contains(folder.toString())) {
                  found.add(handle.pid() + " " + line);
                }
              });
    }
    return found;
  }

  private static String commandLine(long pid) {
    try {
      return Files.readString(Path.of("/proc", Long.toString(pid), "cmdline")).replace('\0', ' ');
    } catch (IOException e) {
      return ""; // It has ended meanwhile.
    }
  }

  /** Ends it if a test has not. */
  @Override
  public void close() {
    if (process.isAlive()) {
      process.destroy();
      try {
        if (!process.waitFor(30, TimeUnit.SECONDS)) {
          process.destroyForcibly();
        }
      } catch (InterruptedException e) {
        process.destroyForcibly();
        Thread.currentThread().interrupt();
      }
    }
  }
}
