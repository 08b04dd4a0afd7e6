// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.bench.micro;

import dev.fairlead.computations.store.RecordStore;
import dev.fairlead.delivery.Batch;
import dev.fairlead.delivery.Disk;
import dev.fairlead.delivery.SegmentLog;
import dev.fairlead.delivery.StreamId;
import dev.fairlead.transport.api.Message;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.InstantSource;
import java.util.Comparator;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Level;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OperationsPerInvocation;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;

/**
 * Batches go into the collector's store, on a real disk, synced in groups; times are for one
 * record. Files are in the folder for temporary ones, and deleted after each iteration.
 */
@State(Scope.Thread)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
public class StoreBenchmark {

  private static final int BATCHES = 64;
  private static final StreamId STREAM = new StreamId(Sample.LOGS, "e1");

  private Message batch;
  private long count;
  private Path folder;
  private RecordStore store;
  private long next = 1;

  /** Made by JMH. */
  public StoreBenchmark() {}

  /** Makes a batch, and an empty store. */
  @Setup
  public void begin() throws IOException, InterruptedException {
    batch = Sender.sample();
    count = Long.parseLong(batch.headers().getOrDefault("fl-count", ""));
    folder = Files.createTempDirectory("fl-micro-");
    store = open(folder);
  }

  private static RecordStore open(Path folder) {
    return new RecordStore(
        Sample.FLEET, Disk.of(folder), SegmentLog.Config.of("micro"), InstantSource.system());
  }

  /** As many batches as a window holds, until all are synced. */
  @Benchmark
  @OperationsPerInvocation(BATCHES * Sample.RECORDS)
  public long store() {
    CompletableFuture<Void> last = CompletableFuture.completedFuture(null);
    for (int i = 0; i < BATCHES; i++) {
      last =
          store.append(new Batch(STREAM, next, count, batch.payload(), null)).toCompletableFuture();
      next += count;
    }
    last.join();
    return next;
  }

  /** Begins a new store, so that the disk does not fill. */
  @TearDown(Level.Iteration)
  public void clear() throws IOException {
    end();
    folder = Files.createTempDirectory("fl-micro-");
    store = open(folder);
    next = 1;
  }

  /** Takes the files away. */
  @TearDown(Level.Trial)
  public void end() throws IOException {
    store.close();
    List<Path> files;
    try (Stream<Path> all = Files.walk(folder)) {
      files = all.sorted(Comparator.reverseOrder()).toList();
    }
    for (Path file : files) {
      Files.delete(file);
    }
  }
}
