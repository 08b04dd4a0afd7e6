// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.bench.micro;

import dev.fairlead.protocol.LogRecord;
import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.State;

/** A log record becomes a line of JSON; and back. */
@State(Scope.Thread)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
public class EncodeBenchmark {

  private final LogRecord record = Sample.record();
  private final byte[] line = Sample.line();

  /** Made by JMH. */
  public EncodeBenchmark() {}

  /** One record to its line. */
  @Benchmark
  public byte[] encode() {
    return record.toJson();
  }

  /** One line to its record: what a reader does, and the collector does not. */
  @Benchmark
  public LogRecord decode() {
    return LogRecord.parse(line);
  }
}
