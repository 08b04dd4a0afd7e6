// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.bench.results;

import java.util.Collection;
import java.util.Optional;

/**
 * What several runs of the same gave.
 *
 * @param runs how many there were, at least 1
 * @param median the middle one, or the mean of the two in the middle
 * @param min the least
 * @param max the most
 */
public record Spread(int runs, double median, double min, double max) {

  /** The spread of some figures; empty where there are none. */
  public static Optional<Spread> of(Collection<Double> figures) {
    double[] sorted = figures.stream().mapToDouble(Double::doubleValue).sorted().toArray();
    int n = sorted.length;
    if (n == 0) {
      return Optional.empty();
    }
    double median = n % 2 == 1 ? sorted[n / 2] : (sorted[n / 2 - 1] + sorted[n / 2]) / 2;
    return Optional.of(new Spread(n, median, sorted[0], sorted[n - 1]));
  }

  /**
   * The figure that this share of the figures does not exceed, by nearest rank.
   *
   * @param share more than 0, at most 1
   */
  static double percentile(Collection<Double> figures, double share) {
    double[] sorted = figures.stream().mapToDouble(Double::doubleValue).sorted().toArray();
    if (sorted.length == 0) {
      throw new IllegalArgumentException("there are no figures");
    }
    return sorted[(int) Math.ceil(share * sorted.length) - 1];
  }

  /** Whether the two ranges from least to most have something in common. */
  public boolean overlaps(Spread other) {
    return min <= other.max && other.min <= max;
  }

  /** Whether something lies between least and most at all. */
  boolean isWide() {
    return runs > 1 && Double.compare(min, max) != 0;
  }
}
