// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.bench.micro;

import dev.fairlead.transport.api.Message;
import java.util.HashMap;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OperationsPerInvocation;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;

/** Batches come to the inbox; times are for one record. */
@State(Scope.Thread)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
public class InboxBenchmark {

  private final HandRunner runner = new HandRunner();
  private final HandLink link = new HandLink();
  private final Receiver receiver = new Receiver(link, runner);
  private Message batch;
  private Map<String, String> headers;
  private long count;
  private long next = 1;

  /** Made by JMH. */
  public InboxBenchmark() {}

  /** Makes a batch, which comes for the first time. */
  @Setup
  public void begin() throws InterruptedException {
    batch = Sender.sample();
    headers = new HashMap<>(batch.headers());
    count = Long.parseLong(headers.getOrDefault("fl-count", ""));
    take();
  }

  /** A batch that is new: checked, given to the store, acknowledged. */
  @Benchmark
  @OperationsPerInvocation(Sample.RECORDS)
  public long take() {
    headers.put("fl-first", Long.toString(next));
    headers.put("fl-kept", Long.toString(next));
    next += count;
    link.give(new Message(batch.address(), headers, batch.payload()));
    runner.runAll();
    return next;
  }

  /** A batch that was seen before: checked, dropped, acknowledged again. */
  @Benchmark
  @OperationsPerInvocation(Sample.RECORDS)
  public long dedupe() {
    headers.put("fl-first", "1");
    headers.put("fl-kept", "1");
    link.give(new Message(batch.address(), headers, batch.payload()));
    runner.runAll();
    return receiver.books().duplicates();
  }

  /** Ends it. */
  @TearDown
  public void end() {
    receiver.close();
  }
}
