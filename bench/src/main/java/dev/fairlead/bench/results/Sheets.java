// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.bench.results;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.function.Function;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;

/** The tables of results. */
final class Sheets {

  private static final String NONE = "–";
  private static final String CLEAN_HEAD = "l/d/r";

  private final Map<Case, List<Group>> cases;

  private Sheets(Results results) {
    cases = Group.of(results);
  }

  /** All that have at least one line. */
  static List<Sheet> of(Results results) {
    Sheets sheets = new Sheets(results);
    List<Sheet> all = new ArrayList<>();
    all.add(sheets.rates());
    all.add(sheets.latencies());
    all.add(sheets.recoveries());
    all.add(sheets.changes());
    all.add(sheets.costs());
    all.add(sheets.memory());
    all.add(targets(results));
    all.add(crossChecks(results));
    all.add(failures(results));
    all.removeIf(sheet -> sheet.lines().isEmpty());
    return all;
  }

  private Sheet rates() {
    List<String> columns =
        List.of("", "end to end/s", "min–max", "sent/s", "MB/s", "CPU s/M", "ours/raw", CLEAN_HEAD);
    return sheet(
        "How fast",
        "Median of the repeats. ours/raw: how many times the raw client's rate ours is; l/d/r:"
            + " records lost, doubled, reordered.",
        columns,
        (c, groups) -> isAboutRate(c, groups),
        group ->
            List.of(
                median(group, Metric.END_TO_END),
                range(group, Metric.END_TO_END),
                median(group, Metric.PRODUCER),
                median(group, Metric.MEGABYTES),
                median(group, Metric.CPU),
                ratio(group),
                clean(group)));
  }

  /** A case at full rate, or one that has neither latency nor a fault to tell of. */
  private static boolean isAboutRate(Case testCase, List<Group> groups) {
    return (testCase.ratePerSecond() == 0
            && has(groups, Metric.END_TO_END)
            && !isAboutFaults(groups))
        || (!has(groups, Metric.P50) && !isAboutFaults(groups));
  }

  private static boolean isAboutFaults(List<Group> groups) {
    return has(groups, Metric.DETECT)
        || has(groups, Metric.RECONNECT)
        || has(groups, Metric.FIRST)
        || has(groups, Metric.DRAINED);
  }

  private Sheet latencies() {
    return sheet(
        "How late",
        "From the intended send to written by the collector; ack: until the agent knew it was"
            + " stored.",
        List.of("", "p50", "min–max", "p90", "p99", "p99.9", "max", "ack p50", "ack p99"),
        (c, groups) -> has(groups, Metric.P50) && !isAboutFaults(groups),
        group ->
            List.of(
                median(group, Metric.P50),
                range(group, Metric.P50),
                median(group, Metric.P90),
                median(group, Metric.P99),
                median(group, Metric.P999),
                median(group, Metric.MAX),
                median(group, Metric.ACK_P50),
                median(group, Metric.ACK_P99)));
  }

  private Sheet recoveries() {
    return sheet(
        "After a fault",
        "Median (min–max). Noticed: from the fault; all others: from when it ended; l/d/r: records"
            + " lost, doubled, reordered.",
        List.of("", "noticed", "connected", "first record", "drained", CLEAN_HEAD),
        (c, groups) -> isAboutFaults(groups) && !has(groups, Metric.SWITCHED),
        group ->
            List.of(
                spread(group, Metric.DETECT),
                spread(group, Metric.RECONNECT),
                spread(group, Metric.FIRST),
                spread(group, Metric.DRAINED),
                clean(group)));
  }

  private Sheet changes() {
    return sheet(
        "A change of the transport while records flow",
        "Median (min–max), from the order. Switched: it is carried out; first record:"
            + " stored over the new one; pause: how long a record took to be handed over; backlog:"
            + " the most records not yet stored. l/d/r are those of the whole run.",
        List.of(
            "", "switched", "first record", "drained", "pause p99", "max", "backlog", CLEAN_HEAD),
        (c, groups) -> has(groups, Metric.SWITCHED),
        group ->
            List.of(
                spread(group, Metric.SWITCHED),
                spread(group, Metric.FIRST),
                spread(group, Metric.DRAINED),
                median(group, Metric.PAUSE_P99),
                group
                    .spread(Metric.PAUSE_MAX)
                    .map(spread -> Metric.PAUSE_MAX.show(spread.max()))
                    .orElse(NONE),
                median(group, Metric.BACKLOG),
                clean(group)));
  }

  private Sheet costs() {
    return sheet(
        "What it took",
        "CPU seconds per million records by process, peak memory, bytes of heap for a record.",
        List.of(
            "",
            "agent",
            "broker",
            "collector",
            "agent's peak",
            "collector's peak",
            "heap B/record"),
        (c, groups) -> isAboutRate(c, groups) && has(groups, Metric.CPU),
        group ->
            List.of(
                cpu(group, Cost.Split::agent),
                cpu(group, Cost.Split::broker),
                cpu(group, Cost.Split::collector),
                median(group, Metric.AGENT_MEMORY),
                median(group, Metric.COLLECTOR_MEMORY),
                median(group, Metric.ALLOCATED)));
  }

  private Sheet memory() {
    return sheet(
        "For a long time",
        "The agent's heap after a full collection and its physical memory, at first, at last, and"
            + " by how much they grow in an hour (a line fitted to all but the first tenth).",
        List.of("", "for", "/s", "heap", "to", "grows/h", "memory", "to", "grows/h", CLEAN_HEAD),
        (c, groups) -> groups.stream().anyMatch(group -> !samples(group).isEmpty()),
        group -> {
          List<Memory.Sample> samples = samples(group);
          if (samples.isEmpty()) {
            return List.of(NONE);
          }
          Memory.Sample first = samples.get(0);
          Memory.Sample last = samples.get(samples.size() - 1);
          return List.of(
              String.format(Locale.ROOT, "%.0f min", (last.millis() - first.millis()) / 60e3),
              median(group, Metric.END_TO_END),
              Figures.bytes((double) first.heapBytes()),
              Figures.bytes((double) last.heapBytes()),
              median(group, Metric.HEAP_GROWTH),
              Figures.bytes((double) first.agentBytes()),
              Figures.bytes((double) last.agentBytes()),
              median(group, Metric.AGENT_GROWTH),
              clean(group));
        });
  }

  /** Of the last run. */
  private static List<Memory.Sample> samples(Group group) {
    return group.runs().get(group.runs().size() - 1).memory().samples();
  }

  private static Sheet targets(Results results) {
    List<Sheet.Line> lines =
        Targets.of(results).stream()
            .map(
                t ->
                    Sheet.Line.of(
                        true, List.of(t.transport(), t.what(), t.aim(), t.measured(), t.verdict())))
            .toList();
    return new Sheet(
        "Targets",
        "They were set for a quiet machine of two cores; see docs/benchmark.md.",
        List.of("", "what", "aim", "measured", ""),
        2,
        lines);
  }

  private static Sheet crossChecks(Results results) {
    List<Sheet.Line> lines =
        results.crossChecks().stream()
            .map(
                check ->
                    Sheet.Line.of(
                        false,
                        List.of(
                            check.tool(),
                            check.payloadBytes() + " B",
                            String.format(Locale.ROOT, "%,d", check.sent()),
                            String.format(Locale.ROOT, "%,d", check.received()),
                            Figures.count(check.endToEndPerSecond()))))
            .toList();
    return new Sheet(
        "Cross-check",
        "What clients that are not ours reach on this machine.",
        List.of("", "message", "sent", "received", "received/s"),
        1,
        lines);
  }

  private static Sheet failures(Results results) {
    List<Sheet.Line> lines =
        results.failures().stream()
            .map(
                failure ->
                    Sheet.Line.of(
                        failure.subject().isOurs(),
                        List.of(
                            failure.subject().label(),
                            failure.testCase().label() + ", repeat " + failure.repeat(),
                            failure.why())))
            .toList();
    return new Sheet("Did not come to their end", "", List.of("", "run", "why"), 3, lines);
  }

  private interface Which {
    boolean test(Case testCase, List<Group> groups);
  }

  private Sheet sheet(
      String title,
      String note,
      List<String> columns,
      Which which,
      Function<Group, List<String>> cells) {
    List<Sheet.Line> lines = new ArrayList<>();
    cases.forEach(
        (testCase, groups) -> {
          if (which.test(testCase, groups)) {
            lines.add(Sheet.Line.heading(testCase.label()));
            for (Group group : groups) {
              List<String> line = new ArrayList<>();
              line.add(group.label());
              line.addAll(cells.apply(group));
              lines.add(Sheet.Line.of(group.subject().isOurs(), line));
            }
          }
        });
    return new Sheet(title, note, columns, 1, lines);
  }

  private static boolean has(List<Group> groups, Metric metric) {
    Predicate<Group> having = group -> !group.figures(metric).isEmpty();
    return groups.stream().anyMatch(having);
  }

  private static String median(Group group, Metric metric) {
    return group.spread(metric).map(spread -> metric.show(spread.median())).orElse(NONE);
  }

  private static String range(Group group, Metric metric) {
    return group.spread(metric).map(spread -> metric.show(spread.min(), spread.max())).orElse(NONE);
  }

  private static String spread(Group group, Metric metric) {
    return group.spread(metric).map(metric::show).orElse(NONE);
  }

  private static String cpu(Group group, Function<Cost.Split, @Nullable Double> part) {
    List<Double> figures =
        group.runs().stream()
            .map(run -> Optional.ofNullable(part.apply(run.cost().cpuSecondsPerMillion())))
            .flatMap(Optional::stream)
            .toList();
    return Spread.of(figures).map(spread -> Figures.plain(spread.median())).orElse(NONE);
  }

  /** For a baseline: ours divided by it. */
  private String ratio(Group group) {
    if (group.subject().isOurs()) {
      return "";
    }
    Subject ours = Subject.ours(group.subject().transport());
    Optional<Spread> above =
        cases.getOrDefault(group.testCase(), List.of()).stream()
            .filter(other -> other.subject().equals(ours))
            .findFirst()
            .flatMap(other -> other.spread(Metric.END_TO_END));
    Optional<Spread> below = group.spread(Metric.END_TO_END).filter(s -> s.median() > 0);
    return above.isEmpty() || below.isEmpty()
        ? NONE
        : Figures.ratio(above.get().median() / below.get().median());
  }

  private static String clean(Group group) {
    Counts counts = group.counts();
    return Figures.count((double) counts.lost())
        + "/"
        + Figures.count((double) counts.duplicates())
        + "/"
        + Figures.count((double) counts.reordered());
  }
}
