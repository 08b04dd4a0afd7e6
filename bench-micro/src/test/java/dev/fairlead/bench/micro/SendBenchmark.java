// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.bench.micro;

import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OperationsPerInvocation;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;

/** Records go into the outbox, and batches of them to an inbox; times are for one record. */
@State(Scope.Thread)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
public class SendBenchmark {

  private final HandRunner runner = new HandRunner();
  private final HandLink link = new HandLink();
  private final Receiver receiver = new Receiver(link, runner);
  private final Sender sender = new Sender(link, runner);

  /** Made by JMH. */
  public SendBenchmark() {}

  /**
   * The whole of delivery on one thread, without transport and disk: append, batch, headers,
   * checks, dedupe, acknowledgement.
   */
  @Benchmark
  @OperationsPerInvocation(Sample.RECORDS)
  public long appendBatchDeliver() throws InterruptedException {
    return sender.batch();
  }

  /** Ends both. */
  @TearDown
  public void end() {
    sender.close();
    receiver.close();
  }
}
