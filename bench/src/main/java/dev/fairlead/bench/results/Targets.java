// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.bench.results;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.function.DoubleFunction;
import java.util.function.Predicate;

/**
 * What Fairlead aims at, on the reference machine that docs/benchmark.md names, with records whose
 * encoded line is 200 B and one agent.
 */
public final class Targets {

  private static final int PAYLOAD = 200;
  private static final int LATENCY_RATE = 2000;
  private static final int MANY = 1000;
  private static final double STALL_MS = 5000;
  private static final double MANY_P99_MICROS = 1e6;

  private static final double PAUSE_MICROS = 250_000;

  /** What counts as flat: a hundredth of a small heap. */
  private static final double FLAT_BYTES = 1 << 20;

  private static final List<Aim> AIMS =
      List.of(
          new Aim("nats", 1_100_000, 1.5, "jetstream", 5, "jnats-core", 100, 1000),
          new Aim("mqtt", 1_200_000, 1.3, "paho-qos1", 5, "paho-qos0", 500, 1500),
          new Aim("mqtt-qos1", 900_000, 1.6, "paho-qos1", 5, "paho-qos1", 500, 1500),
          new Aim("vsock", 1_500_000, 1.0, "unix-stream", 1, "unix-stream", 100, 1000));

  /**
   * One column of the table of aims.
   *
   * @param rawRate part of the name of the baseline that the rate is held against
   * @param rawLatency part of the name of the baseline that the latency is held against
   */
  private record Aim(
      String transport,
      double rate,
      double cpu,
      String rawRate,
      double ratio,
      String rawLatency,
      double firstMsP50,
      double firstMsP99) {}

  private final Map<Case, List<Group>> cases;

  private Targets(Map<Case, List<Group>> cases) {
    this.cases = cases;
  }

  /** The targets of those transports that took part. */
  public static List<Target> of(Results results) {
    Targets targets = new Targets(Group.of(results));
    List<Target> list = new ArrayList<>();
    for (Aim aim : AIMS) {
      Subject ours = Subject.ours(aim.transport());
      if (results.runs().stream().anyMatch(run -> run.subject().equals(ours))) {
        targets.add(aim, ours, list);
      }
    }
    targets.addChanges(list);
    return List.copyOf(list);
  }

  private void addChanges(List<Target> list) {
    List<Group> changed =
        cases.entrySet().stream()
            .filter(entry -> entry.getKey().scenario().equals(Scenarios.SWAP))
            .flatMap(entry -> entry.getValue().stream())
            .toList();
    List<Double> pauses =
        changed.stream().flatMap(group -> group.figures(Metric.PAUSE_MAX).stream()).toList();
    if (!pauses.isEmpty()) {
      Subject all = Subject.ours(Scenarios.SWAP);
      list.add(
          atMost(
              all,
              "producer's longest pause, p99",
              PAUSE_MICROS,
              percentile(pauses, 0.99),
              Metric.PAUSE_MAX));
      list.add(clean(all, changed));
    }
  }

  private void add(Aim aim, Subject ours, List<Target> list) {
    Predicate<Case> fast = c -> isPlain(c, Scenarios.MAX_RATE) && c.ratePerSecond() == 0;
    Predicate<Case> steady =
        c -> isPlain(c, Scenarios.FIXED_RATE) && c.ratePerSecond() == LATENCY_RATE;
    Optional<Double> rate = median(fast, ours, Metric.END_TO_END);
    list.add(
        atLeast(
            ours,
            "records/s end to end",
            aim.rate(),
            rate,
            Figures.count(aim.rate()),
            Metric.END_TO_END::show));
    list.add(
        atMost(ours, "CPU s per million", aim.cpu(), median(fast, ours, Metric.CPU), Metric.CPU));
    Optional<Double> raw = rawMedian(fast, aim.rawRate(), Metric.END_TO_END);
    list.add(
        atLeast(
            ours,
            "records/s against " + name(fast, aim.rawRate()),
            aim.ratio(),
            rate.flatMap(r -> raw.filter(base -> base > 0).map(base -> r / base)),
            Figures.ratio(aim.ratio()),
            Figures::ratio));
    Optional<Double> rawP50 = rawMedian(steady, aim.rawLatency(), Metric.P50);
    double bound = rawP50.map(p -> Math.max(1.5 * p, p + 50)).orElse(0.0);
    Optional<Double> p50 = rawP50.isEmpty() ? Optional.empty() : median(steady, ours, Metric.P50);
    list.add(
        rawP50.isEmpty()
            ? missing(ours, "p50 at 2,000/s", "≤ 1.5 × raw")
            : atMost(ours, "p50 at 2,000/s", bound, p50, Metric.P50));
    addFaults(aim, ours, list);
  }

  private void addFaults(Aim aim, Subject ours, List<Target> list) {
    List<Double> firsts = figures(c -> c.scenario().equals(Scenarios.CRASH), ours, Metric.FIRST);
    list.add(
        atMost(
            ours,
            "broker back to first record, p50",
            aim.firstMsP50(),
            percentile(firsts, 0.5),
            Metric.FIRST));
    list.add(
        atMost(
            ours,
            "broker back to first record, p99",
            aim.firstMsP99(),
            percentile(firsts, 0.99),
            Metric.FIRST));
    List<Double> stalls = figures(c -> c.scenario().equals(Scenarios.STALL), ours, Metric.DETECT);
    list.add(
        atMost(ours, "stall noticed, at worst", STALL_MS, percentile(stalls, 1), Metric.DETECT));
    List<Double> many =
        figures(
            c -> c.scenario().equals(Scenarios.MANY_AGENTS) && c.agents() >= MANY,
            ours,
            Metric.P99);
    if (!many.isEmpty()) {
      list.add(
          atMost(ours, "p99 of 1,000 agents", MANY_P99_MICROS, percentile(many, 1), Metric.P99));
    }
    List<Double> growth =
        figures(c -> c.scenario().equals(Scenarios.SOAK), ours, Metric.HEAP_GROWTH);
    if (!growth.isEmpty()) {
      list.add(
          atMost(
              ours,
              "agent's heap grows in an hour",
              FLAT_BYTES,
              percentile(growth, 1),
              Metric.HEAP_GROWTH));
    }
    list.add(clean(ours));
  }

  private Target clean(Subject ours) {
    return clean(
        ours,
        cases.values().stream()
            .flatMap(List::stream)
            .filter(group -> group.subject().equals(ours))
            .toList());
  }

  private static Target clean(Subject ours, List<Group> groups) {
    long bad = 0;
    for (Group group : groups) {
      Counts counts = group.counts();
      bad += counts.lost() + counts.duplicates() + counts.reordered();
    }
    return new Target(
        ours.label(),
        "lost, twice, out of order",
        "0",
        String.format(Locale.ROOT, "%,d", bad),
        Optional.of(bad == 0));
  }

  private static boolean isPlain(Case testCase, String scenario) {
    return testCase.scenario().equals(scenario)
        && testCase.payloadBytes() == PAYLOAD
        && testCase.agents() == 1;
  }

  private static Target atLeast(
      Subject ours,
      String what,
      double aim,
      Optional<Double> measured,
      String shown,
      DoubleFunction<String> show) {
    return new Target(
        ours.label(),
        what,
        "≥ " + shown,
        measured.map(show::apply).orElse("not measured"),
        measured.map(figure -> figure >= aim));
  }

  private static Target atMost(
      Subject ours, String what, double aim, Optional<Double> measured, Metric metric) {
    return new Target(
        ours.label(),
        what,
        "≤ " + metric.show(aim),
        measured.map(metric::show).orElse("not measured"),
        measured.map(figure -> figure <= aim));
  }

  private static Target missing(Subject ours, String what, String aim) {
    return new Target(ours.label(), what, aim, "not measured", Optional.empty());
  }

  private static Optional<Double> percentile(List<Double> figures, double share) {
    return figures.isEmpty() ? Optional.empty() : Optional.of(Spread.percentile(figures, share));
  }

  private Optional<Double> median(Predicate<Case> which, Subject subject, Metric metric) {
    return Spread.of(figures(which, subject, metric)).map(Spread::median);
  }

  private Optional<Double> rawMedian(Predicate<Case> which, String name, Metric metric) {
    return baseline(which, name).flatMap(group -> group.spread(metric)).map(Spread::median);
  }

  private String name(Predicate<Case> which, String name) {
    return baseline(which, name).map(group -> group.subject().label()).orElse(name);
  }

  private Optional<Group> baseline(Predicate<Case> which, String name) {
    return cases.entrySet().stream()
        .filter(entry -> which.test(entry.getKey()))
        .flatMap(entry -> entry.getValue().stream())
        .filter(group -> !group.subject().isOurs() && group.subject().label().contains(name))
        .min(Comparator.comparing(group -> group.subject().label().length()));
  }

  private List<Double> figures(Predicate<Case> which, Subject subject, Metric metric) {
    return cases.entrySet().stream()
        .filter(entry -> which.test(entry.getKey()))
        .flatMap(entry -> entry.getValue().stream())
        .filter(group -> group.subject().equals(subject))
        .flatMap(group -> group.figures(metric).stream())
        .toList();
  }
}
