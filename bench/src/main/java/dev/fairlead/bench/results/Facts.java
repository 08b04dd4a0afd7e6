// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.bench.results;

import java.time.Duration;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.stream.Collectors;

/** What must be known about results before their figures are believed, in words. */
final class Facts {

  private Facts() {}

  /** A name and what it is. */
  record Fact(String name, String value) {}

  /** Where, when and how it ran. */
  static List<Fact> of(Results results) {
    Machine machine = results.machine();
    List<Fact> facts = new ArrayList<>();
    facts.add(
        new Fact(
            "machine",
            "%s, %d cores, %s"
                .formatted(
                    machine.cpu(),
                    machine.cores(),
                    Figures.bytes((double) machine.memoryBytes()))));
    facts.add(new Fact("system", machine.system() + ", " + machine.kernel()));
    facts.add(new Fact("JDK", machine.jdk()));
    facts.add(
        new Fact(
            "load",
            load(results.loadBefore()) + " before, " + load(results.loadAfter()) + " after"));
    facts.add(
        new Fact(
            "run",
            "%s, seed %d, %s, took %s"
                .formatted(
                    results.command(),
                    results.seed(),
                    results.started().truncatedTo(ChronoUnit.SECONDS),
                    words(results.took()))));
    if (!results.versions().isEmpty()) {
      facts.add(new Fact("versions", joined(results.versions())));
    }
    return facts;
  }

  /** Settings, by what they belong to. */
  static List<Fact> configuration(Results results) {
    return results.configuration().entrySet().stream()
        .map(entry -> new Fact(entry.getKey(), joined(entry.getValue())))
        .toList();
  }

  /** Why a reader should doubt something, a sentence each. */
  static List<String> warnings(Results results) {
    List<String> warnings = new ArrayList<>();
    String incomplete = results.incomplete();
    if (incomplete != null) {
      warnings.add("Incomplete: " + incomplete);
    }
    if (results.quick()) {
      warnings.add("This is the quick form: short runs, few repeats. Compare ratios, not rates.");
    }
    long marked = results.runs().stream().filter(Run::isMarked).count();
    if (marked > 0) {
      warnings.add(
          "* %d of %d runs are marked: %s"
              .formatted(
                  marked,
                  results.runs().size(),
                  results.runs().stream()
                      .flatMap(run -> run.marks().stream())
                      .distinct()
                      .limit(3)
                      .collect(Collectors.joining("; "))));
    }
    warnings.addAll(results.notes());
    return warnings;
  }

  static String load(double load) {
    return load < 0 ? "unknown" : String.format(Locale.ROOT, "%.2f", load);
  }

  private static String words(Duration took) {
    long seconds = took.toSeconds();
    return seconds < 60 ? seconds + " s" : "%d min %d s".formatted(seconds / 60, seconds % 60);
  }

  private static String joined(Map<String, String> map) {
    return map.entrySet().stream()
        .map(entry -> entry.getKey() + " " + entry.getValue())
        .collect(Collectors.joining(", "));
  }
}
