// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.bench.micro;

import dev.fairlead.protocol.LogRecord;
import java.time.Instant;
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

  private final Instant now = Instant.parse("2026-11-22T12:00:00.123456Z");
  private final String message = Sample.record().message();
  private final byte[] line = Sample.line();

  /** Made by JMH. */
  public EncodeBenchmark() {}

  /** A record is made and checked, and becomes its line. */
  @Benchmark
  public byte[] encode() {
    return new LogRecord(now, LogRecord.Level.INFO, "stdout", message, Sample.COMPUTATION).toJson();
  }

  /** One line to its record: what a reader does, and the collector does not. */
  @Benchmark
  public LogRecord decode() {
    return LogRecord.parse(line);
  }
}
