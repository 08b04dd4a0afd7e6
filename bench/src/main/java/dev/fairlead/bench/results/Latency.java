// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.bench.results;

import java.util.ArrayList;
import java.util.List;
import org.HdrHistogram.Histogram;
import org.HdrHistogram.HistogramIterationValue;

/**
 * A distribution of times, in microseconds, measured from when a record was meant to be sent.
 *
 * @param count how many times were recorded
 * @param mean their mean
 * @param deviation their standard deviation
 * @param p50 half of them were at most this
 * @param p90 nine tenths of them
 * @param p99 99 of 100
 * @param p999 999 of 1000
 * @param max the longest
 * @param curve the whole distribution, by rising percentile: what an {@code .hgrm} file lists
 */
public record Latency(
    long count,
    double mean,
    double deviation,
    double p50,
    double p90,
    double p99,
    double p999,
    double max,
    List<Point> curve) {

  private static final int TICKS_PER_HALF_DISTANCE = 5;

  /**
   * One point of the distribution.
   *
   * @param micros a time
   * @param percentile how many of 100 took at most that, 0 to 100
   * @param count how many that are
   */
  public record Point(double micros, double percentile, long count) {}

  /** Copies the list. */
  public Latency {
    curve = List.copyOf(curve);
  }

  /** The distribution in a histogram of nanoseconds, which must not change meanwhile. */
  public static Latency ofNanos(Histogram nanos) {
    List<Point> curve = new ArrayList<>();
    for (HistogramIterationValue step : nanos.percentiles(TICKS_PER_HALF_DISTANCE)) {
      curve.add(
          new Point(
              step.getValueIteratedTo() / 1e3,
              step.getPercentileLevelIteratedTo(),
              step.getTotalCountToThisValue()));
    }
    return new Latency(
        nanos.getTotalCount(),
        nanos.getMean() / 1e3,
        nanos.getStdDeviation() / 1e3,
        nanos.getValueAtPercentile(50) / 1e3,
        nanos.getValueAtPercentile(90) / 1e3,
        nanos.getValueAtPercentile(99) / 1e3,
        nanos.getValueAtPercentile(99.9) / 1e3,
        nanos.getMaxValue() / 1e3,
        curve);
  }
}
