// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.bench.results;

import java.util.function.DoubleFunction;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/** A figure that a run has or has not, what it is called, and which way is better. */
// what its fields hold are pure functions
@SuppressWarnings("ImmutableEnumChecker")
public enum Metric {
  /** Records a second stored, or received. */
  END_TO_END("end to end/s", true, Figures::count, Metric::endToEnd),
  /** Records a second handed over. */
  PRODUCER("sent/s", true, Figures::count, Metric::producer),
  /** MB a second stored. */
  MEGABYTES("MB/s", true, Figures::plain, Metric::megabytes),
  /** CPU seconds for a million records, all processes. */
  CPU("CPU s/M", false, Figures::plain, run -> run.cost().cpuSecondsPerMillion().total()),
  /** Half of the records took at most this, microseconds. */
  P50("p50", false, Figures::micros, latency(Latency::p50)),
  /** Nine tenths. */
  P90("p90", false, Figures::micros, latency(Latency::p90)),
  /** 99 of 100. */
  P99("p99", false, Figures::micros, latency(Latency::p99)),
  /** 999 of 1000. */
  P999("p99.9", false, Figures::micros, latency(Latency::p999)),
  /** The longest. */
  MAX("max", false, Figures::micros, latency(Latency::max)),
  /** Time to the acknowledgement, half of them. */
  ACK_P50("ack p50", false, Figures::micros, ack(Latency::p50)),
  /** Time to the acknowledgement, 99 of 100. */
  ACK_P99("ack p99", false, Figures::micros, ack(Latency::p99)),
  /** Until the fault was noticed, milliseconds. */
  DETECT("noticed", false, Figures::millis, run -> run.recovery().detectMs()),
  /** Until it was connected again. */
  RECONNECT("connected", false, Figures::millis, run -> run.recovery().reconnectMs()),
  /** Until the next record was stored. */
  FIRST("first record", false, Figures::millis, run -> run.recovery().firstRecordMs()),
  /** Until the backlog was stored. */
  DRAINED("drained", false, Figures::millis, run -> run.recovery().drainedMs()),
  /** The agent's peak memory, bytes. */
  AGENT_MEMORY("agent's peak", false, Figures::bytes, run -> run.cost().peakMemoryBytes().agent()),
  /** The collector's peak memory, bytes. */
  COLLECTOR_MEMORY(
      "collector's peak", false, Figures::bytes, run -> run.cost().peakMemoryBytes().collector()),
  /** Bytes of heap allocated for a record. */
  ALLOCATED(
      "heap B/record", false, Figures::plain, run -> run.cost().allocatedBytesPerRecord().total()),
  /** From the order to change the transport until that is done. */
  SWITCHED("switched", false, Figures::millis, run -> run.change().switchedMs()),
  /** What the producer feels of a change, 99 of 100 records, microseconds. */
  PAUSE_P99("pause p99", false, Figures::micros, run -> run.change().pauseP99Micros()),
  /** The longest pause. */
  PAUSE_MAX("pause max", false, Figures::micros, run -> run.change().pauseMaxMicros()),
  /** The most records that waited during a change. */
  BACKLOG("backlog", false, Figures::count, run -> run.change().backlog()),
  /** Bytes by which the agent's heap grew in an hour. */
  HEAP_GROWTH("heap grows/h", false, Figures::bytes, run -> run.memory().heapGrowth()),
  /** Bytes by which the agent's physical memory grew in an hour. */
  AGENT_GROWTH("memory grows/h", false, Figures::bytes, run -> run.memory().agentGrowth()),
  /** Records lost. */
  LOST("lost", false, Figures::count, run -> (double) run.counts().lost()),
  /** Records stored again. */
  DUPLICATES("twice", false, Figures::count, run -> (double) run.counts().duplicates()),
  /** Records behind a later one. */
  REORDERED("out of order", false, Figures::count, run -> (double) run.counts().reordered());

  private final String label;
  private final boolean moreIsBetter;
  private final DoubleFunction<String> format;
  private final Function<Run, @Nullable Double> of;

  Metric(
      String label,
      boolean moreIsBetter,
      DoubleFunction<String> format,
      Function<Run, @Nullable Double> of) {
    this.label = label;
    this.moreIsBetter = moreIsBetter;
    this.format = format;
    this.of = of;
  }

  /** What a column is headed with. */
  public String label() {
    return label;
  }

  /** Whether a larger figure is a better one. */
  public boolean isMoreBetter() {
    return moreIsBetter;
  }

  /** The figure of a run, null where it was not measured. */
  public @Nullable Double of(Run run) {
    return of.apply(run);
  }

  /** A figure with its unit. */
  public String show(double figure) {
    return format.apply(figure);
  }

  /** A spread: {@code 44.7 ms (42.1–61.2)}; the unit is not repeated where it is the same. */
  String show(Spread spread) {
    String median = show(spread.median());
    if (!spread.isWide()) {
      return median;
    }
    String range = show(spread.min(), spread.max());
    int unit = median.indexOf(' ');
    String same = unit < 0 ? "" : median.substring(unit);
    boolean once = range.endsWith(same) && range.indexOf(' ') == range.lastIndexOf(' ');
    return median
        + " ("
        + (once ? range.substring(0, range.length() - same.length()) : range)
        + ")";
  }

  /** Two figures, from least to most. */
  String show(double min, double max) {
    return Figures.range(min, max, format);
  }

  private static @Nullable Double endToEnd(Run run) {
    Rates rates = run.rates();
    return rates == null ? null : (Double) rates.endToEndPerSecond();
  }

  private static @Nullable Double producer(Run run) {
    Rates rates = run.rates();
    return rates == null ? null : (Double) rates.producerPerSecond();
  }

  private static @Nullable Double megabytes(Run run) {
    Rates rates = run.rates();
    return rates == null ? null : (Double) rates.endToEndMBps(run.testCase().payloadBytes());
  }

  private static Function<Run, @Nullable Double> latency(Function<Latency, Double> figure) {
    return run -> {
      Latency latency = run.latency();
      return latency == null ? null : figure.apply(latency);
    };
  }

  private static Function<Run, @Nullable Double> ack(Function<Latency, Double> figure) {
    return run -> {
      Latency ack = run.ack();
      return ack == null ? null : figure.apply(ack);
    };
  }
}
