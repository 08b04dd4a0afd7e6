// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.bench.results;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * Writes results as one page that needs nothing else: no script, no font, no picture from
 * elsewhere, and it forbids a browser to fetch any.
 */
public final class HtmlReport {

  private final Results results;
  private final Map<Case, List<Group>> cases;
  private final Hues hues;
  private final Markup out = new Markup();
  private int drawings;

  private HtmlReport(Results results) {
    this.results = results;
    this.cases = Group.of(results);
    this.hues = new Hues(results);
  }

  /** The page. */
  public static String of(Results results) {
    HtmlReport report = new HtmlReport(results);
    report.write();
    return "<!DOCTYPE html>\n" + report.out.done();
  }

  private void write() {
    out.open("html", "lang", "en", "xmlns", "http://www.w3.org/1999/xhtml");
    out.open("head").empty("meta", "charset", "utf-8");
    out.empty("meta", "name", "viewport", "content", "width=device-width, initial-scale=1");
    out.empty(
        "meta",
        "http-equiv",
        "Content-Security-Policy",
        "content",
        "default-src 'none'; style-src 'unsafe-inline'");
    out.element("title", "Fairlead benchmark, " + results.started());
    out.open("style").raw(style()).closeLine().closeLine();
    out.open("body").open("main");
    out.element("h1", "Fairlead benchmark");
    out.element(
        "p",
        "Transports side by side: each beside its raw client, on one machine.",
        "class",
        "lead");
    warnings();
    tiles();
    facts();
    section("How fast", this::rates);
    section("What it takes", this::costs);
    section("How late", this::latencies);
    section("After a fault", this::timelines);
    section("Figures", () -> Sheets.of(results).forEach(this::table));
    configuration();
    out.closeLine().closeLine().closeLine();
  }

  private void warnings() {
    List<String> warnings = Facts.warnings(results);
    if (!warnings.isEmpty()) {
      out.open("aside", "class", "warn", "aria-label", "What must be known").open("ul");
      warnings.forEach(warning -> out.element("li", warning));
      out.close().closeLine();
    }
  }

  /** The three or four figures of each transport that matter most. */
  private void tiles() {
    List<Group> fast =
        cases.entrySet().stream()
            .filter(entry -> entry.getKey().scenario().equals(Scenarios.MAX_RATE))
            .findFirst()
            .map(Map.Entry::getValue)
            .orElse(List.of());
    List<Group> ours = fast.stream().filter(group -> group.subject().isOurs()).toList();
    if (ours.isEmpty()) {
      return;
    }
    out.open("div", "class", "tiles");
    for (Group group : ours) {
      out.open("div", "class", "tile " + hues.of(group.subject()));
      out.element("h2", group.label());
      out.element("p", shown(group, Metric.END_TO_END), "class", "big");
      out.element(
          "p", "records/s end to end, " + group.testCase().payloadBytes() + " B", "class", "small");
      out.element("p", shown(group, Metric.CPU) + " CPU s per million");
      latencyOf(group.subject()).ifPresent(p50 -> out.element("p", p50 + " p50"));
      Counts counts = group.counts();
      out.element(
          "p",
          "%d lost, %d twice, %d out of order"
              .formatted(counts.lost(), counts.duplicates(), counts.reordered()));
      out.closeLine();
    }
    out.closeLine();
  }

  private Optional<String> latencyOf(Subject subject) {
    return cases.entrySet().stream()
        .filter(entry -> entry.getKey().scenario().equals(Scenarios.FIXED_RATE))
        .flatMap(entry -> entry.getValue().stream())
        .filter(group -> group.subject().equals(subject))
        .findFirst()
        .flatMap(group -> group.spread(Metric.P50))
        .map(spread -> Metric.P50.show(spread.median()));
  }

  private static String shown(Group group, Metric metric) {
    return group.spread(metric).map(spread -> metric.show(spread.median())).orElse("–");
  }

  private void facts() {
    out.open("dl");
    for (Facts.Fact fact : Facts.of(results)) {
      out.open("div").element("dt", fact.name()).element("dd", fact.value()).closeLine();
    }
    out.closeLine();
  }

  /** A section, unless nothing is in it. */
  private void section(String title, Runnable content) {
    Markup.Place before = out.mark();
    out.open("section").element("h2", title).open("div", "class", "grid2");
    Markup.Place inside = out.mark();
    content.run();
    boolean empty = out.mark().equals(inside);
    out.close().closeLine();
    if (empty) {
      out.back(before);
    }
  }

  private void rates() {
    cases.forEach(
        (testCase, groups) -> {
          if (isAtFullSpeed(testCase)) {
            new BarChart(out, hues).spreads(nextId(), testCase, groups, Metric.END_TO_END);
          }
        });
  }

  private static boolean isAtFullSpeed(Case testCase) {
    return testCase.ratePerSecond() == 0 && !testCase.scenario().equals(Scenarios.SOAK);
  }

  private void costs() {
    cases.forEach(
        (testCase, groups) -> {
          if (isAtFullSpeed(testCase)) {
            new BarChart(out, hues).cpu(nextId(), testCase, groups);
          }
        });
  }

  private void latencies() {
    cases.forEach((testCase, groups) -> new CurveChart(out, hues).draw(nextId(), testCase, groups));
  }

  private void timelines() {
    for (List<Group> groups : cases.values()) {
      List<Run> chosen =
          groups.stream()
              .map(group -> group.medianRun(Metric.FIRST).orElse(group.runs().get(0)))
              .toList();
      long millis = chosen.stream().mapToLong(HtmlReport::length).max().orElse(0);
      for (int i = 0; i < chosen.size(); i++) {
        Timeline timeline = chosen.get(i).timeline();
        if (!timeline.marks().isEmpty() && timeline.points().size() > 1) {
          new TimelineChart(out, hues).draw(nextId(), groups.get(i), chosen.get(i), millis);
        }
      }
    }
  }

  private static long length(Run run) {
    List<Timeline.Point> points = run.timeline().points();
    return points.isEmpty() ? 0 : points.get(points.size() - 1).millis();
  }

  private void table(Sheet sheet) {
    nextId();
    out.open("div", "class", "wide").element("h3", sheet.title());
    if (!sheet.note().isEmpty()) {
      out.element("p", sheet.note(), "class", "small");
    }
    out.open(
        "div", "class", "scroll", "role", "region", "tabindex", "0", "aria-label", sheet.title());
    out.open("table").open("thead").open("tr");
    for (int i = 0; i < sheet.columns().size(); i++) {
      out.element(
          "th",
          sheet.columns().get(i),
          "scope",
          "col",
          "class",
          i < sheet.textColumns() ? "word" : "figure");
    }
    out.close().close().open("tbody");
    for (Sheet.Line line : sheet.lines()) {
      row(sheet, line);
    }
    out.close().close().close().closeLine();
  }

  private void row(Sheet sheet, Sheet.Line line) {
    if (line.kind() == Sheet.Kind.HEADING) {
      out.open("tr", "class", "head");
      out.element(
          "th",
          line.cells().get(0),
          "scope",
          "rowgroup",
          "colspan",
          Integer.toString(sheet.columns().size()));
      out.closeLine();
      return;
    }
    out.open("tr", "class", line.kind() == Sheet.Kind.OURS ? "ours" : "base");
    for (int i = 0; i < line.cells().size(); i++) {
      String cell = line.cells().get(i);
      if (i == 0) {
        out.element("th", cell, "scope", "row", "class", "word");
      } else {
        String kind = i < sheet.textColumns() ? "word" : "figure";
        out.element("td", cell, "class", cell.equals("MISSED") ? kind + " missed" : kind);
      }
    }
    out.closeLine();
  }

  private void configuration() {
    List<Facts.Fact> settings = Facts.configuration(results);
    if (settings.isEmpty()) {
      return;
    }
    out.open("section").element("h2", "Configuration").open("dl");
    for (Facts.Fact fact : settings) {
      out.open("div").element("dt", fact.name()).element("dd", fact.value()).closeLine();
    }
    out.close().closeLine();
  }

  private String nextId() {
    drawings++;
    return "d" + drawings;
  }

  private static String style() {
    try (InputStream in = HtmlReport.class.getResourceAsStream("report.css")) {
      if (in == null) {
        throw new IllegalStateException("report.css is missing in the jar: build it again");
      }
      return new String(in.readAllBytes(), UTF_8);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
