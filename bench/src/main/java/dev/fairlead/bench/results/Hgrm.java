// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.bench.results;

import java.util.Locale;

/**
 * Writes a distribution in the form that HdrHistogram's own plotters read: a line for each step of
 * the percentile, then a foot with mean and largest value. Values are microseconds.
 */
final class Hgrm {

  private Hgrm() {}

  static String of(Latency latency) {
    StringBuilder text = new StringBuilder();
    line(text, "%12s %14s %10s %14s", "Value", "Percentile", "TotalCount", "1/(1-Percentile)");
    text.append('\n');
    for (Latency.Point point : latency.curve()) {
      double share = point.percentile() / 100;
      if (share < 1) {
        line(
            text,
            "%12.3f %2.12f %10d %14.2f",
            point.micros(),
            share,
            point.count(),
            1 / (1 - share));
      } else {
        line(text, "%12.3f %2.12f %10d", point.micros(), share, point.count());
      }
    }
    line(text, "#[Mean    = %12.3f, StdDeviation   = %12.3f]", latency.mean(), latency.deviation());
    line(text, "#[Max     = %12.3f, Total count    = %12d]", latency.max(), latency.count());
    return text.toString();
  }

  private static void line(StringBuilder text, String format, Object... values) {
    text.append(String.format(Locale.ROOT, format, values)).append('\n');
  }
}
