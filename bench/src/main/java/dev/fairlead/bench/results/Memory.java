// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.bench.results;

import java.util.List;
import java.util.function.ToLongFunction;
import org.jspecify.annotations.Nullable;

/**
 * What memory a long run used, from time to time.
 *
 * @param samples by rising time; none where it was not looked at
 */
public record Memory(List<Sample> samples) {

  /** Nothing was looked at. */
  public static final Memory NONE = new Memory(List.of());

  private static final double HOUR_MILLIS = 3_600_000;
  private static final int LEAST = 3;

  /** Of the time, what does not count: there, caches and compiled code still grow. */
  private static final double SETTLING = 0.1;

  /** Copies the list. */
  public Memory {
    samples = List.copyOf(samples);
  }

  /**
   * A look.
   *
   * @param millis since the run's start
   * @param heapBytes of the agent's heap that are in use just after a full collection
   * @param agentBytes of the agent's physical memory
   * @param brokerBytes of the broker's or hub's; 0 where there is none
   * @param collectorBytes of the collector's
   */
  public record Sample(
      long millis, long heapBytes, long agentBytes, long brokerBytes, long collectorBytes) {}

  /** Bytes an hour by which the agent's heap grew; null where too little was seen. */
  public @Nullable Double heapGrowth() {
    return growth(Sample::heapBytes);
  }

  /** Bytes an hour by which the agent's physical memory grew; null where too little was seen. */
  public @Nullable Double agentGrowth() {
    return growth(Sample::agentBytes);
  }

  /** The slope of the line that fits best. */
  private @Nullable Double growth(ToLongFunction<Sample> of) {
    if (samples.size() < LEAST) {
      return null;
    }
    long from = samples.get(0).millis();
    double settled = from + (samples.get(samples.size() - 1).millis() - from) * SETTLING;
    List<Sample> counted = samples.stream().filter(each -> each.millis() >= settled).toList();
    double time = counted.stream().mapToLong(Sample::millis).average().orElse(0);
    double bytes = counted.stream().mapToLong(of).average().orElse(0);
    double together = 0;
    double square = 0;
    for (Sample each : counted) {
      double later = each.millis() - time;
      together += later * (of.applyAsLong(each) - bytes);
      square += later * later;
    }
    return square == 0 ? null : (Double) (together / square * HOUR_MILLIS);
  }
}
