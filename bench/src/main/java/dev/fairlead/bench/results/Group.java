// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.bench.results;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;

/**
 * The repeats of one case over one subject.
 *
 * @param testCase what was done
 * @param subject what was measured
 * @param runs at least one
 */
record Group(Case testCase, Subject subject, List<Run> runs) {

  Group {
    runs = List.copyOf(runs);
  }

  private record Key(Case testCase, Subject subject) {}

  /**
   * All groups: by case in the order in which these were first run, and in a case each transport of
   * ours with its baselines behind it.
   */
  static Map<Case, List<Group>> of(Results results) {
    Map<Key, List<Run>> runs = new LinkedHashMap<>();
    for (Run run : results.runs()) {
      runs.computeIfAbsent(new Key(run.testCase(), run.subject()), k -> new ArrayList<>()).add(run);
    }
    Map<Case, List<Group>> cases = new LinkedHashMap<>();
    runs.forEach(
        (key, list) ->
            cases
                .computeIfAbsent(key.testCase(), c -> new ArrayList<>())
                .add(new Group(key.testCase(), key.subject(), list)));
    cases.replaceAll((c, groups) -> arranged(groups));
    return cases;
  }

  private static List<Group> arranged(List<Group> groups) {
    List<Group> arranged = new ArrayList<>();
    for (Group first : groups) {
      if (arranged.contains(first)) {
        continue;
      }
      String transport = first.subject().transport();
      List<Group> family =
          groups.stream().filter(g -> g.subject().transport().equals(transport)).toList();
      family.stream().filter(g -> g.subject().isOurs()).forEach(arranged::add);
      family.stream().filter(g -> !g.subject().isOurs()).forEach(arranged::add);
    }
    return List.copyOf(arranged);
  }

  /** The figures of those runs that have it. */
  List<Double> figures(Metric metric) {
    return runs.stream().map(metric::of).filter(Objects::nonNull).toList();
  }

  /** What the runs gave; empty where none has it. */
  Optional<Spread> spread(Metric metric) {
    return Spread.of(figures(metric));
  }

  /** Whether one of the runs is marked. */
  boolean isMarked() {
    return runs.stream().anyMatch(Run::isMarked);
  }

  /** The name to show, with a star where a run is marked. */
  String label() {
    return subject.label() + (isMarked() ? " *" : "");
  }

  /** What became of the records of all runs. */
  Counts counts() {
    long appended = 0;
    long stored = 0;
    long lost = 0;
    long duplicates = 0;
    long reordered = 0;
    long refused = 0;
    for (Run run : runs) {
      appended += run.counts().appended();
      stored += run.counts().stored();
      lost += run.counts().lost();
      duplicates += run.counts().duplicates();
      reordered += run.counts().reordered();
      refused += run.counts().refused();
    }
    return new Counts(appended, stored, lost, duplicates, reordered, refused);
  }

  /** The run whose figure is the median (the lower one of two); empty where none has it. */
  Optional<Run> medianRun(Metric metric) {
    List<Run> having =
        runs.stream()
            .filter(run -> metric.of(run) != null)
            .sorted((a, b) -> Double.compare(orZero(metric, a), orZero(metric, b)))
            .toList();
    return having.isEmpty() ? Optional.empty() : Optional.of(having.get((having.size() - 1) / 2));
  }

  private static double orZero(Metric metric, Run run) {
    Double figure = metric.of(run);
    return figure == null ? 0 : figure;
  }
}
