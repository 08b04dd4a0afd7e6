// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.bench.run;

import dev.fairlead.bench.rig.Gauges;
import dev.fairlead.bench.rig.Gauges.Gauge;
import dev.fairlead.bench.rig.JavaProcess;
import dev.fairlead.bench.rig.Status;
import dev.fairlead.bench.rig.Words;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.SortedMap;
import java.util.TreeMap;
import org.HdrHistogram.Histogram;
import org.jspecify.annotations.Nullable;

/**
 * Who sends, or who receives: a JVM with a folder of its own, in which lie its words, its gauges,
 * its states, what it measured and what it says. It may be started again. For use by one thread.
 */
final class Party implements AutoCloseable {

  /** File with the gauges. */
  static final String GAUGES = "gauges";

  private static final String WORDS = "words";
  private static final String CONSOLE = "console.log";
  private static final int TAIL = 1500;

  private final String name;
  private final Path folder;
  private final List<String> jvm;
  private final String classPath;
  private final String main;
  private final SortedMap<String, String> words;
  private final Gauges gauges;
  private int run;
  private @Nullable JavaProcess process;

  /**
   * Makes one that has not begun.
   *
   * @param name for a person
   * @param folder of its own, empty
   * @param classPath of its JVM
   * @param main its main class, which is given the file of its words
   */
  Party(
      String name,
      Path folder,
      List<String> jvm,
      String classPath,
      String main,
      SortedMap<String, String> words)
      throws IOException {
    this.name = name;
    this.folder = folder;
    this.jvm = jvm;
    this.classPath = classPath;
    this.main = main;
    this.words = new TreeMap<>(words);
    this.words.put(Words.STATUS, folder.toString());
    this.words.put(Words.FOLDER, folder.resolve("kept").toString());
    Files.createDirectories(folder);
    Status.prepare(folder);
    this.gauges = Gauges.open(folder.resolve(GAUGES));
  }

  /** Starts it, for the first time or again. */
  void start() throws IOException {
    run++;
    gauges.set(Gauge.CONNECTED, 0);
    gauges.set(Gauge.FINISHED, 0);
    gauges.set(Gauge.ENOUGH, 0);
    gauges.set(Gauge.HURRIED, 0);
    words.put(Words.RUN, Integer.toString(run));
    Path file = folder.resolve(WORDS);
    Words.write(file, words);
    process =
        JavaProcess.start(
            JavaProcess.command(jvm, classPath, main, List.of(file.toString())),
            folder.resolve(CONSOLE));
  }

  String name() {
    return name;
  }

  /** What it counts. */
  long gauge(Gauge gauge) {
    return gauges.get(gauge);
  }

  /** Tells it something. */
  void tell(Gauge gauge, long value) {
    gauges.set(gauge, value);
  }

  /** Its process's id; 0 where there is none. */
  long pid() {
    JavaProcess now = process;
    return now == null ? 0 : now.pid();
  }

  boolean isRunning() {
    JavaProcess now = process;
    return now != null && now.isAlive();
  }

  /** What it keeps. */
  Path kept() {
    return folder.resolve("kept");
  }

  List<Status.Change> changes() throws IOException {
    return Status.changes(folder);
  }

  /** What it measured; empty where it left nothing. */
  Optional<Histogram> delays(String file) throws IOException {
    Path path = folder.resolve(file);
    if (!Files.exists(path)) {
      return Optional.empty();
    }
    Histogram read = Delays.read(path);
    return read.getTotalCount() == 0 ? Optional.empty() : Optional.of(read);
  }

  /** The last of what it said. */
  String lastWords() throws IOException {
    Path file = folder.resolve(CONSOLE);
    String text = Files.exists(file) ? Files.readString(file).strip() : "";
    return text.isEmpty() ? "It says nothing." : text.substring(Math.max(0, text.length() - TAIL));
  }

  void kill() throws InterruptedException {
    JavaProcess now = process;
    if (now != null) {
      now.kill();
    }
  }

  /** Asks it to end, and waits; false when it had to be killed. */
  boolean end(Duration grace) throws InterruptedException {
    JavaProcess now = process;
    return now == null || now.end(grace);
  }

  @Override
  public void close() {
    JavaProcess now = process;
    if (now != null) {
      now.close();
    }
  }
}
