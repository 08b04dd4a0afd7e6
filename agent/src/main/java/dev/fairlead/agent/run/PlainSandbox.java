// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.agent.run;

import dev.fairlead.agent.spi.AlgorithmKind.AlgorithmCommand;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * No sandbox at all: the algorithm is a plain child process of the agent, with the agent's own
 * rights, and without limits on memory, processes and disk. For development, where agent and host
 * are one and the same.
 */
public final class PlainSandbox implements Sandbox {

  private final Path runs;

  /**
   * Makes one.
   *
   * @param runs the directory under which the working directories lie
   */
  public PlainSandbox(Path runs) {
    this.runs = runs;
  }

  @Override
  public String name() {
    return "plain";
  }

  @Override
  public Cell open(String name, RunLimits limits) throws IOException {
    return new PlainCell(Files.createDirectories(runs.resolve(name)));
  }

  private static final class PlainCell implements Cell {

    private final Path directory;
    private @Nullable PlainRunning running;

    PlainCell(Path directory) {
      this.directory = directory;
    }

    @Override
    public Path directory() {
      return directory;
    }

    @Override
    public Running start(AlgorithmCommand command) throws IOException {
      ProcessBuilder builder = new ProcessBuilder(command.command());
      builder.directory(directory.toFile());
      Map<String, String> environment = builder.environment();
      environment.clear();
      environment.put("PATH", "/usr/local/bin:/usr/bin:/bin");
      environment.put("HOME", directory.toString());
      environment.putAll(command.environment());
      builder.redirectInput(Path.of("/dev/null").toFile());
      running = new PlainRunning(builder.start());
      return running;
    }

    @Override
    public void close() {
      if (running != null) {
        running.kill();
      }
      FileTrees.delete(directory);
    }
  }

  private record PlainRunning(Process process) implements Running {

    @Override
    public InputStream stdout() {
      return process.getInputStream();
    }

    @Override
    public InputStream stderr() {
      return process.getErrorStream();
    }

    @Override
    public int await() throws InterruptedException {
      return process.waitFor();
    }

    @Override
    public Optional<String> limitHit() {
      return Optional.empty();
    }

    @Override
    public void kill() {
      List<ProcessHandle> all = process.descendants().toList();
      process.toHandle().destroyForcibly();
      all.forEach(ProcessHandle::destroyForcibly);
    }
  }
}
