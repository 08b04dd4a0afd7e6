// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.bench.rig;

import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;

/**
 * A JVM with this one's class path. It holds the read end of a pipe whose other end dies with this
 * process: see {@link #endWithParent()}.
 */
public final class JavaProcess implements AutoCloseable {

  /** Options of a JVM that starts quickly and takes little, rather than being fast. */
  public static final List<String> SMALL =
      List.of(
          "-Xmx192m",
          "-XX:TieredStopAtLevel=1",
          "-XX:+UseSerialGC",
          "-XX:-UsePerfData",
          "-Xshare:auto");

  private final Process process;

  private JavaProcess(Process process) {
    this.process = process;
  }

  /**
   * The words that start one.
   *
   * @param main name of its main class
   */
  public static List<String> command(String main, List<String> arguments) {
    return command(SMALL, System.getProperty("java.class.path"), main, arguments);
  }

  /**
   * The words that start one.
   *
   * @param jvm options of the JVM
   * @param classPath its class path
   * @param main name of its main class
   */
  public static List<String> command(
      List<String> jvm, String classPath, String main, List<String> arguments) {
    List<String> words = new ArrayList<>();
    words.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
    words.addAll(jvm);
    words.add("-Djava.io.tmpdir=" + System.getProperty("java.io.tmpdir"));
    words.add("-cp");
    words.add(classPath);
    words.add(main);
    words.addAll(arguments);
    return List.copyOf(words);
  }

  /**
   * Starts one.
   *
   * @param log to which both its outputs are appended
   */
  public static JavaProcess start(Class<?> main, List<String> arguments, Path log)
      throws IOException {
    return start(command(main.getName(), arguments), log);
  }

  /**
   * Starts one.
   *
   * @param command the words that start it
   * @param log to which both its outputs are appended
   */
  public static JavaProcess start(List<String> command, Path log) throws IOException {
    return new JavaProcess(
        new ProcessBuilder(command)
            .redirectErrorStream(true)
            .redirectOutput(ProcessBuilder.Redirect.appendTo(log.toFile()))
            .start());
  }

  /** In a process started by {@link #start}: ends it when its parent is gone. */
  public static void endWithParent() {
    Thread watch =
        new Thread(
            () -> {
              try {
                while (System.in.read() >= 0) {
                  // nobody writes
                }
              } catch (IOException e) {
                System.getLogger(JavaProcess.class.getName())
                    .log(System.Logger.Level.DEBUG, "The pipe to the parent broke.", e);
              }
              Runtime.getRuntime().halt(1);
            },
            "fairlead-parent-watch");
    watch.setDaemon(true);
    watch.start();
  }

  /** Its id. */
  public long pid() {
    return process.pid();
  }

  /** Whether it runs. */
  public boolean isAlive() {
    return process.isAlive();
  }

  /** Ends it as a crash would; returns when it is gone. */
  public void kill() throws InterruptedException {
    process.destroyForcibly().waitFor();
  }

  /**
   * Asks it to end, and waits.
   *
   * @return false when it had to be killed
   */
  public boolean end(Duration grace) throws InterruptedException {
    // Not Process.destroy(), which would also close the pipe that it watches.
    process.toHandle().destroy();
    if (process.waitFor(grace.toMillis(), TimeUnit.MILLISECONDS)) {
      return true;
    }
    kill();
    return false;
  }

  /** Kills it, if it still runs. Idempotent. */
  @Override
  public void close() {
    process.destroyForcibly();
    boolean interrupted = false;
    while (process.isAlive()) {
      try {
        process.waitFor();
      } catch (InterruptedException e) {
        interrupted = true;
      }
    }
    if (interrupted) {
      Thread.currentThread().interrupt();
    }
  }
}
