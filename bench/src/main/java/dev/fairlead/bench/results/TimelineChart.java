// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.bench.results;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.stream.Collectors;

/** How many records a second were stored while something was broken, with what was done when. */
final class TimelineChart {

  private static final double WIDTH = 480;
  private static final double HEIGHT = 150;
  private static final double LEFT = 64;
  private static final double RIGHT = 472;
  private static final double TOP = 26;
  private static final double BOTTOM = 124;
  private static final int MOST_STEPS = 210;

  private final Markup out;
  private final Hues hues;

  TimelineChart(Markup out, Hues hues) {
    this.out = out;
    this.hues = hues;
  }

  private record Step(double from, double to, double perSecond) {}

  /**
   * Draws one run.
   *
   * @param millis how much time the axis has, the same for all runs that stand together
   */
  void draw(String id, Group group, Run run, long millis) {
    List<Step> steps = steps(run.timeline().points());
    double most = steps.stream().mapToDouble(Step::perSecond).max().orElse(0);
    String title = group.testCase().label() + ": " + group.label();
    List<Timeline.Mark> marks = run.timeline().marks();
    String words =
        marks.stream()
            .map(mark -> seconds(mark.millis()) + " " + mark.what())
            .collect(Collectors.joining("; "));
    out.open("figure").element("figcaption", title);
    out.open(
        "svg",
        "viewBox",
        "0 0 " + (int) WIDTH + " " + (int) HEIGHT,
        "role",
        "img",
        "aria-labelledby",
        id + "-t " + id + "-d");
    out.element("title", title + ", records stored by time", "id", id + "-t");
    out.element(
        "desc",
        "At most %s records a second. %s".formatted(Figures.count(most), words),
        "id",
        id + "-d");
    axes(millis, most);
    if (most > 0) {
      out.empty(
          "path", "class", "fill " + hues.of(group.subject()), "d", area(steps, millis, most));
    }
    for (int i = 0; i < marks.size(); i++) {
      mark(
          i + 1,
          x((double) marks.get(i).millis(), millis),
          i == 0 ? -100 : x((double) marks.get(i - 1).millis(), millis));
    }
    out.closeLine();
    if (!marks.isEmpty()) {
      out.open("ol", "class", "legend marks");
      marks.forEach(mark -> out.element("li", seconds(mark.millis()) + " " + mark.what()));
      out.closeLine();
    }
    out.closeLine();
  }

  private void mark(int number, double x, double before) {
    out.empty("path", "class", "fault", "d", "M%s %sV%s".formatted(at(x), at(TOP - 4), at(BOTTOM)));
    // Two that stand close share no room: the number of the second goes to the right of its line.
    double shift = x - before < 16 ? 16 - (x - before) : 0;
    double middle = Math.min(WIDTH - 9, x + shift);
    out.empty("circle", "cx", middle, "cy", 12.0, "r", 9.0, "class", "dot");
    out.element("text", Integer.toString(number), "x", middle, "y", 16.5, "class", "number");
  }

  private void axes(long millis, double most) {
    out.empty("path", "class", "grid", "d", "M%s %sH%s".formatted(at(LEFT), at(TOP), at(RIGHT)));
    out.empty("path", "class", "grid", "d", "M%s %sH%s".formatted(at(LEFT), at(BOTTOM), at(RIGHT)));
    out.element("text", Figures.count(most), "x", LEFT - 6, "y", TOP + 5, "class", "end");
    out.element("text", "0/s", "x", LEFT - 6, "y", BOTTOM + 5, "class", "end");
    double step = step(millis);
    for (double t = 0; t <= millis; t += step) {
      out.element("text", seconds((long) t), "x", x(t, millis), "y", BOTTOM + 20, "class", "mid");
    }
  }

  /** A whole number of 1, 2 or 5 (times ten) seconds, so that at most six fit. */
  private static double step(long millis) {
    double step = 100;
    double[] factors = {2, 2.5, 2};
    for (int i = 0; millis / step > 6; i++) {
      step *= factors[i % 3];
    }
    return step;
  }

  private static String area(List<Step> steps, long millis, double most) {
    StringBuilder path = new StringBuilder();
    for (Step step : steps) {
      if (path.length() == 0) {
        path.append('M').append(at(x(step.from(), millis))).append(' ').append(at(BOTTOM));
      }
      double y = BOTTOM - step.perSecond() / most * (BOTTOM - TOP);
      path.append('V').append(at(y)).append('H').append(at(x(step.to(), millis)));
    }
    return path.append('V').append(at(BOTTOM)).append('Z').toString();
  }

  /** Differences of the counter, put together until there are not too many. */
  private static List<Step> steps(List<Timeline.Point> points) {
    List<Step> steps = new ArrayList<>();
    int each = Math.max(1, points.size() / MOST_STEPS);
    for (int i = each; i < points.size(); i += each) {
      Timeline.Point from = points.get(i - each);
      Timeline.Point to = points.get(i);
      long millis = to.millis() - from.millis();
      if (millis > 0) {
        double perSecond = Math.max(0, to.stored() - from.stored()) * 1000.0 / millis;
        steps.add(new Step(from.millis(), to.millis(), perSecond));
      }
    }
    return steps;
  }

  private static double x(double at, long millis) {
    return LEFT + Math.min(1, at / Math.max(1, millis)) * (RIGHT - LEFT);
  }

  private static String seconds(long millis) {
    return millis % 1000 == 0
        ? millis / 1000 + " s"
        : String.format(Locale.ROOT, "%.1f s", millis / 1000.0);
  }

  private static String at(double coordinate) {
    return Figures.coordinate(coordinate);
  }
}
