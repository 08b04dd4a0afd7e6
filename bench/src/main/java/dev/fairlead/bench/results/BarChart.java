// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.bench.results;

import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.stream.Collectors;

/**
 * Bars from left to right, a line of text above each: as readable on a narrow screen as on a wide
 * one.
 */
final class BarChart {

  private static final double WIDTH = 480;
  private static final double ROW = 42;
  private static final double BAR = 14;
  private static final double MOST_BEYOND_OURS = 3;

  private final Markup out;
  private final Hues hues;

  BarChart(Markup out, Hues hues) {
    this.out = out;
    this.hues = hues;
  }

  /** Medians, with whiskers from least to most. */
  void spreads(String id, Case testCase, List<Group> groups, Metric metric) {
    List<Group> having = groups.stream().filter(g -> g.spread(metric).isPresent()).toList();
    double most =
        having.stream().mapToDouble(g -> g.spread(metric).orElseThrow().max()).max().orElse(0);
    if (having.isEmpty() || most <= 0) {
      return;
    }
    begin(
        id,
        testCase.label() + ": " + metric.label(),
        having.stream()
            .map(g -> g.label() + " " + metric.show(g.spread(metric).orElseThrow()))
            .collect(Collectors.joining("; ")),
        having.size());
    double y = 0;
    for (Group group : having) {
      Spread spread = group.spread(metric).orElseThrow();
      label(y, group, metric.show(spread));
      bar(y, 0, spread.median() / most * WIDTH, hues.of(group.subject()));
      if (spread.isWide()) {
        whisker(y, spread.min() / most * WIDTH, spread.max() / most * WIDTH);
      }
      y += ROW;
    }
    out.closeLine().closeLine();
  }

  /** Sums of three parts, the medians of each: CPU seconds of agent, broker, collector. */
  void cpu(String id, Case testCase, List<Group> groups) {
    List<Group> having = groups.stream().filter(g -> total(g) > 0).toList();
    if (having.isEmpty()) {
      return;
    }
    double all = having.stream().mapToDouble(BarChart::total).max().orElse(0);
    double ours =
        having.stream()
            .filter(g -> g.subject().isOurs())
            .mapToDouble(BarChart::total)
            .max()
            .orElse(all);
    // Raw clients can take twenty times as much; ours would be too short to be told apart.
    double most = Math.min(all, ours * MOST_BEYOND_OURS);
    begin(
        id,
        testCase.label() + ": CPU seconds per million records",
        having.stream()
            .map(g -> g.label() + " " + Figures.plain(total(g)))
            .collect(Collectors.joining("; ")),
        having.size());
    double y = 0;
    for (Group group : having) {
      double[] parts = parts(group);
      label(
          y,
          group,
          "%s = %s + %s + %s"
              .formatted(
                  Figures.plain(total(group)),
                  Figures.plain(parts[0]),
                  Figures.plain(parts[1]),
                  Figures.plain(parts[2])));
      double x = 0;
      for (int i = 0; i < parts.length; i++) {
        double width = Math.min(parts[i] / most * WIDTH, WIDTH - x);
        bar(y, x, width, hues.of(group.subject()) + " part" + i);
        x += width;
      }
      if (total(group) > most) {
        out.element("text", "»", "x", WIDTH - 4, "y", y + 34, "class", "end");
      }
      y += ROW;
    }
    out.closeLine();
    out.element(
            "p",
            "agent + broker + collector, strongest colour first; »: longer than shown",
            "class",
            "small")
        .closeLine();
  }

  private void begin(String id, String title, String description, int rows) {
    out.open("figure").element("figcaption", title);
    out.open(
        "svg",
        "viewBox",
        "0 0 " + (int) WIDTH + " " + (int) (rows * ROW),
        "role",
        "img",
        "aria-labelledby",
        id + "-t " + id + "-d");
    out.element("title", title, "id", id + "-t").element("desc", description, "id", id + "-d");
  }

  private void label(double y, Group group, String figure) {
    out.element("text", group.label(), "x", 0, "y", y + 16);
    out.element("text", figure, "x", WIDTH, "y", y + 16, "class", "end");
  }

  private void bar(double y, double x, double width, String hue) {
    out.empty(
        "rect",
        "x",
        x,
        "y",
        y + 22,
        "width",
        Math.max(1, width),
        "height",
        BAR,
        "class",
        "fill " + hue);
  }

  private void whisker(double y, double from, double to) {
    double middle = y + 22 + BAR / 2;
    double left = Math.max(1, from);
    double right = Math.min(WIDTH - 1, to);
    out.empty(
        "path",
        "class",
        "whisker",
        "d",
        "M%s %sV%sM%s %sH%sM%s %sV%s"
            .formatted(
                Figures.coordinate(left),
                Figures.coordinate(middle - 5),
                Figures.coordinate(middle + 5),
                Figures.coordinate(left),
                Figures.coordinate(middle),
                Figures.coordinate(right),
                Figures.coordinate(right),
                Figures.coordinate(middle - 5),
                Figures.coordinate(middle + 5)));
  }

  private static double total(Group group) {
    double[] parts = parts(group);
    return parts[0] + parts[1] + parts[2];
  }

  private static double[] parts(Group group) {
    return new double[] {
      median(
          group.runs().stream()
              .map(r -> r.cost().cpuSecondsPerMillion().agent())
              .filter(Objects::nonNull)
              .toList()),
      median(
          group.runs().stream()
              .map(r -> r.cost().cpuSecondsPerMillion().broker())
              .filter(Objects::nonNull)
              .toList()),
      median(
          group.runs().stream()
              .map(r -> r.cost().cpuSecondsPerMillion().collector())
              .filter(Objects::nonNull)
              .toList())
    };
  }

  private static double median(List<Double> figures) {
    Optional<Spread> spread = Spread.of(figures);
    return spread.map(Spread::median).orElse(0.0);
  }
}
