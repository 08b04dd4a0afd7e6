// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.bench.results;

import dev.fairlead.protocol.json.JsonArray;
import dev.fairlead.protocol.json.JsonObject;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.TreeSet;

/**
 * What changed from one benchmark to another.
 *
 * @param warnings why the two can hardly be compared, a sentence each: another machine, another
 *     configuration
 * @param changes by case, subject and figure; those that both have
 * @param missing runs that only one of the two has, a sentence each
 */
public record Comparison(List<String> warnings, List<Change> changes, List<String> missing) {

  private static final List<Metric> METRICS =
      List.of(
          Metric.END_TO_END,
          Metric.CPU,
          Metric.P50,
          Metric.P99,
          Metric.ACK_P50,
          Metric.DETECT,
          Metric.FIRST,
          Metric.DRAINED,
          Metric.SWITCHED,
          Metric.PAUSE_MAX,
          Metric.HEAP_GROWTH,
          Metric.AGENT_MEMORY,
          Metric.ALLOCATED,
          Metric.LOST,
          Metric.DUPLICATES,
          Metric.REORDERED);

  /** Copies the lists. */
  public Comparison {
    warnings = List.copyOf(warnings);
    changes = List.copyOf(changes);
    missing = List.copyOf(missing);
  }

  /** What can be said of a change. */
  public enum Verdict {
    /** All repeats lie on the better side of all earlier ones. */
    BETTER,
    /** All repeats lie on the worse side. */
    WORSE,
    /** The ranges overlap, or there is one repeat only: nothing can be said. */
    UNCLEAR,
    /** No repeat differs. */
    SAME
  }

  /**
   * One figure, before and after.
   *
   * @param testCase what was done
   * @param subject what was measured
   * @param metric which figure
   * @param before the first benchmark's
   * @param after the second's
   */
  public record Change(Case testCase, Subject subject, Metric metric, Spread before, Spread after) {

    /** After divided by before; empty where before is 0. */
    public Optional<Double> ratio() {
      return before.median() == 0
          ? Optional.empty()
          : Optional.of(after.median() / before.median());
    }

    /** Whether least to most of the two have something in common. */
    public boolean overlaps() {
      return before.overlaps(after);
    }

    /** What can be said. A record that is lost, doubled or reordered needs no second repeat. */
    public Verdict verdict() {
      boolean same = before.min() == after.min() && before.max() == after.max();
      if (same && !before.isWide()) {
        return Verdict.SAME;
      }
      boolean counted =
          metric == Metric.LOST || metric == Metric.DUPLICATES || metric == Metric.REORDERED;
      if (counted && before.max() == 0) {
        return Verdict.WORSE;
      }
      boolean few = before.runs() < 2 || after.runs() < 2;
      if (overlaps() || (few && !counted)) {
        return Verdict.UNCLEAR;
      }
      return after.median() > before.median() == metric.isMoreBetter()
          ? Verdict.BETTER
          : Verdict.WORSE;
    }
  }

  private record Key(Case testCase, Subject subject) {
    @Override
    public String toString() {
      return subject.label() + ", " + testCase.label();
    }
  }

  /** Compares. */
  public static Comparison of(Results before, Results after) {
    Map<Key, Group> first = groups(before);
    Map<Key, Group> second = groups(after);
    List<Change> changes = new ArrayList<>();
    List<String> missing = new ArrayList<>();
    first.forEach(
        (key, group) -> {
          Group other = second.get(key);
          if (other == null) {
            missing.add("Only the first has " + key + ".");
          } else {
            changes.addAll(changes(group, other));
          }
        });
    second.keySet().stream()
        .filter(key -> !first.containsKey(key))
        .forEach(key -> missing.add("Only the second has " + key + "."));
    return new Comparison(warnings(before, after), changes, missing);
  }

  /** Whether something became worse beyond doubt. */
  public boolean hasWorse() {
    return changes.stream().anyMatch(change -> change.verdict() == Verdict.WORSE);
  }

  /** For a terminal, in at most {@value TextReport#WIDTH} columns; warnings stand first. */
  public List<String> toText() {
    List<String> lines = new ArrayList<>();
    for (String warning : warnings) {
      TextReport.wrap("!! ", warning, lines);
    }
    if (!warnings.isEmpty()) {
      lines.add("");
    }
    if (changes.isEmpty()) {
      lines.add("The two have no run in common.");
    } else {
      lines.addAll(TextReport.table(sheet()));
    }
    missing.forEach(line -> TextReport.wrap("", line, lines));
    return List.copyOf(lines);
  }

  /** The same as an object; docs/benchmark-results.md explains it. */
  public JsonObject toJson() {
    return JsonObject.builder()
        .put("warnings", warnings)
        .put("comparable", warnings.isEmpty())
        .put("changes", JsonArray.of(changes.stream().map(Comparison::json).toList()))
        .put("missing", missing)
        .build();
  }

  private Sheet sheet() {
    List<Sheet.Line> lines = new ArrayList<>();
    Case testCase = null;
    for (Change change : changes) {
      if (change.verdict() == Verdict.SAME) {
        continue;
      }
      if (!change.testCase().equals(testCase)) {
        testCase = change.testCase();
        lines.add(Sheet.Line.heading(testCase.label()));
      }
      lines.add(
          Sheet.Line.of(
              change.subject().isOurs(),
              List.of(
                  change.subject().label(),
                  change.metric().label(),
                  change.metric().show(change.before()),
                  change.metric().show(change.after()),
                  change.ratio().map(Figures::ratio).orElse(""),
                  change.verdict().name().toLowerCase(Locale.ROOT))));
    }
    return new Sheet(
        "What changed",
        "Median (min–max). Better and worse: the ranges do not overlap. What did not change is left"
            + " out.",
        List.of("", "", "before", "after", "ratio", "is"),
        2,
        lines);
  }

  private static JsonObject json(Change change) {
    JsonObject.Builder json = JsonObject.builder().put("transport", change.subject().transport());
    json.putIfPresent("baseline", change.subject().baseline());
    json.put("scenario", change.testCase().scenario())
        .put("payloadBytes", change.testCase().payloadBytes())
        .put("ratePerSecond", change.testCase().ratePerSecond())
        .put("agents", change.testCase().agents())
        .put("figure", change.metric().name().toLowerCase(Locale.ROOT))
        .put("before", json(change.before()))
        .put("after", json(change.after()));
    change.ratio().ifPresent(ratio -> json.put("ratio", ratio));
    return json.put("overlap", change.overlaps())
        .put("verdict", change.verdict().name().toLowerCase(Locale.ROOT))
        .build();
  }

  private static JsonObject json(Spread spread) {
    return JsonObject.builder()
        .put("runs", spread.runs())
        .put("median", spread.median())
        .put("min", spread.min())
        .put("max", spread.max())
        .build();
  }

  private static Map<Key, Group> groups(Results results) {
    Map<Key, Group> groups = new LinkedHashMap<>();
    Group.of(results)
        .values()
        .forEach(
            list ->
                list.forEach(
                    group -> groups.put(new Key(group.testCase(), group.subject()), group)));
    return groups;
  }

  private static List<Change> changes(Group before, Group after) {
    List<Change> changes = new ArrayList<>();
    for (Metric metric : METRICS) {
      Optional<Spread> first = before.spread(metric);
      Optional<Spread> second = after.spread(metric);
      if (first.isPresent() && second.isPresent()) {
        changes.add(
            new Change(before.testCase(), before.subject(), metric, first.get(), second.get()));
      }
    }
    return changes;
  }

  private static List<String> warnings(Results before, Results after) {
    List<String> warnings = new ArrayList<>();
    if (!isSame(before.machine(), after.machine())) {
      warnings.add(
          "NOT THE SAME MACHINE: %s against %s. Only ratios within one benchmark mean anything."
              .formatted(shown(before.machine()), shown(after.machine())));
    }
    if (before.quick() != after.quick()) {
      warnings.add(
          "ONE IS QUICK, THE OTHER IS NOT: short runs are warmer or colder than long ones.");
    }
    differences("CONFIGURATION", before.configuration(), after.configuration(), warnings);
    differences("VERSIONS", before.versions(), after.versions(), warnings);
    said("The first", before, warnings);
    said("The second", after, warnings);
    return warnings;
  }

  /** The same but for a little memory, which differs from boot to boot. */
  private static boolean isSame(Machine a, Machine b) {
    double memory = Math.max(a.memoryBytes(), b.memoryBytes());
    return a.cpu().equals(b.cpu())
        && a.cores() == b.cores()
        && a.kernel().equals(b.kernel())
        && a.jdk().equals(b.jdk())
        && Math.abs(a.memoryBytes() - b.memoryBytes()) <= memory / 50;
  }

  private static void said(String which, Results results, List<String> warnings) {
    String incomplete = results.incomplete();
    if (incomplete != null) {
      warnings.add("%s is incomplete: %s".formatted(which, incomplete));
    }
    long marked = results.runs().stream().filter(Run::isMarked).count();
    if (marked > 0) {
      warnings.add(
          "%s has %d of %d runs marked as doubtful."
              .formatted(which, marked, results.runs().size()));
    }
  }

  private static String shown(Machine machine) {
    return "%s, %d cores, %s, %s, %s"
        .formatted(
            machine.cpu(),
            machine.cores(),
            Figures.bytes((double) machine.memoryBytes()),
            machine.kernel(),
            machine.jdk());
  }

  private static <V> void differences(
      String what, Map<String, V> before, Map<String, V> after, List<String> warnings) {
    TreeSet<String> names = new TreeSet<>(before.keySet());
    names.addAll(after.keySet());
    names.removeIf(name -> Objects.equals(before.get(name), after.get(name)));
    if (!names.isEmpty()) {
      warnings.add("%s DIFFER: %s.".formatted(what, String.join(", ", names)));
    }
  }
}
