// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.bench.results;

import java.util.List;
import java.util.Optional;
import java.util.stream.Collectors;

/**
 * Latency by percentile. To the right each step is ten times rarer, upwards ten times longer: the
 * slow tail takes as much room as the common case.
 */
final class CurveChart {

  private static final double WIDTH = 480;
  private static final double HEIGHT = 300;
  private static final double LEFT = 68;
  private static final double RIGHT = 468;
  private static final double TOP = 8;
  private static final double BOTTOM = 264;
  private static final double[] PERCENTILES = {0, 50, 90, 99, 99.9, 99.99, 99.999};

  private final Markup out;
  private final Hues hues;

  CurveChart(Markup out, Hues hues) {
    this.out = out;
    this.hues = hues;
  }

  private record Curve(Group group, List<Latency.Point> points, long count) {}

  /** One curve for each group: that of the run whose p99 is the median. */
  void draw(String id, Case testCase, List<Group> groups) {
    List<Curve> curves = groups.stream().map(CurveChart::curve).flatMap(Optional::stream).toList();
    if (curves.isEmpty()) {
      return;
    }
    double decades =
        Math.min(
            5,
            Math.max(
                2,
                Math.floor(Math.log10(curves.stream().mapToDouble(Curve::count).max().orElse(1)))));
    double low = Double.MAX_VALUE;
    double high = 1;
    for (Curve curve : curves) {
      for (Latency.Point point : curve.points()) {
        low = Math.min(low, Math.max(0.1, point.micros()));
        high = Math.max(high, point.micros());
      }
    }
    double from = Math.floor(Math.log10(low));
    double to = Math.max(from + 1, Math.ceil(Math.log10(high)));
    String title = testCase.label() + ": latency by percentile";
    out.open("figure").element("figcaption", title);
    out.open(
        "svg",
        "viewBox",
        "0 0 " + (int) WIDTH + " " + (int) HEIGHT,
        "role",
        "img",
        "aria-labelledby",
        id + "-t " + id + "-d");
    out.element("title", title, "id", id + "-t");
    out.element("desc", description(curves), "id", id + "-d");
    axes(decades, from, to);
    for (Curve curve : curves) {
      out.empty(
          "path",
          "class",
          "curve " + hues.of(curve.group().subject()),
          "d",
          path(curve, decades, from, to));
    }
    out.closeLine();
    legend(curves);
    out.closeLine();
  }

  private static Optional<Curve> curve(Group group) {
    return group
        .medianRun(Metric.P99)
        .flatMap(run -> Optional.ofNullable(run.latency()))
        .filter(latency -> !latency.curve().isEmpty())
        .map(latency -> new Curve(group, latency.curve(), latency.count()));
  }

  private static String description(List<Curve> curves) {
    return curves.stream()
        .map(
            curve ->
                "%s: p50 %s, p99 %s"
                    .formatted(
                        curve.group().label(),
                        shown(curve.group(), Metric.P50),
                        shown(curve.group(), Metric.P99)))
        .collect(Collectors.joining("; "));
  }

  private static String shown(Group group, Metric metric) {
    return group.spread(metric).map(spread -> metric.show(spread.median())).orElse("unknown");
  }

  private void axes(double decades, double from, double to) {
    for (double percentile : PERCENTILES) {
      double x = x(percentile, decades);
      if (rarity(percentile) > decades + 1e-6) {
        break;
      }
      out.empty("path", "class", "grid", "d", "M%s %sV%s".formatted(at(x), at(TOP), at(BOTTOM)));
      String text = percentile == 0 ? "0" : "p" + trimmed(percentile);
      out.element("text", text, "x", x, "y", BOTTOM + 20, "class", "mid");
    }
    for (double decade = from; decade <= to; decade++) {
      double y = y(Math.pow(10, decade), from, to);
      out.empty("path", "class", "grid", "d", "M%s %sH%s".formatted(at(LEFT), at(y), at(RIGHT)));
      out.element("text", tick(decade), "x", LEFT - 6, "y", y + 5, "class", "end");
    }
  }

  private static String path(Curve curve, double decades, double from, double to) {
    StringBuilder path = new StringBuilder();
    for (Latency.Point point : curve.points()) {
      double x = x(Math.min(point.percentile(), 100), decades);
      double y = y(Math.max(0.1, point.micros()), from, to);
      path.append(path.length() == 0 ? 'M' : 'L').append(at(x)).append(' ').append(at(y));
      if (rarity(point.percentile()) >= decades) {
        break;
      }
    }
    return path.toString();
  }

  private void legend(List<Curve> curves) {
    out.open("ul", "class", "legend");
    for (Curve curve : curves) {
      out.open("li");
      out.open("svg", "viewBox", "0 0 28 12", "class", "swatch", "aria-hidden", "true");
      out.empty("path", "class", "curve " + hues.of(curve.group().subject()), "d", "M1 6H27");
      out.close().text(" " + curve.group().label()).closeLine();
    }
    out.closeLine();
  }

  /** 0 for all, 1 for one of ten, 2 for one of a hundred. */
  private static double rarity(double percentile) {
    return percentile >= 100 ? Double.MAX_VALUE : -Math.log10(1 - percentile / 100);
  }

  private static double x(double percentile, double decades) {
    return LEFT + Math.min(decades, rarity(percentile)) / decades * (RIGHT - LEFT);
  }

  private static double y(double micros, double from, double to) {
    return BOTTOM - (Math.log10(micros) - from) / (to - from) * (BOTTOM - TOP);
  }

  private static String tick(double decade) {
    return Figures.micros(Math.pow(10, decade)).replaceFirst("\\.0+ ", " ");
  }

  private static String trimmed(double value) {
    String text = Double.toString(value);
    return text.endsWith(".0") ? text.substring(0, text.length() - 2) : text;
  }

  private static String at(double coordinate) {
    return Figures.coordinate(coordinate);
  }
}
