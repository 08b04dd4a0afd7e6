// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.bench.run;

import dev.fairlead.bench.results.Scenarios;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * What is wanted.
 *
 * @param quick whether the short form is
 * @param transports names of transports; empty for all that are there
 * @param scenarios names of scenarios; empty for all, or for those of the short form
 * @param repeat how often each case is done, 1 to 100; 0 for what is usual: several times where
 *     figures differ from run to run
 * @param seconds how long {@code soak} takes, 1 to 86,400; 0 for what is usual
 * @param rate records a second that {@code soak} says, up to 10,000,000; 0 for half of the greatest
 * @param seed from which the order of runs follows
 * @param command how it was called, for the report
 * @param libraries jars of the raw clients
 */
public record BenchSettings(
    boolean quick,
    List<String> transports,
    List<String> scenarios,
    int repeat,
    int seconds,
    long rate,
    long seed,
    String command,
    List<Path> libraries) {

  /** System property: {@code tiny} for runs that only show that all works. For tests alone. */
  public static final String SCALE = "fairlead.bench.scale";

  private static final int MOST_REPEATS = 100;
  private static final int MOST_SECONDS = 86_400;
  private static final long MOST_RATE = 10_000_000;

  private static final Map<String, Scenario> ALL = new LinkedHashMap<>();

  static {
    for (Scenario each :
        List.of(
            new MaxRate(),
            new FixedRate(),
            new Crash(),
            new Stall(),
            new Absent(),
            new AgentRestart(),
            new ManyAgents(),
            new SlowConsumer(),
            new NoisyStream(),
            new Swap(),
            new Soak())) {
      ALL.put(each.name(), each);
    }
  }

  /** Those of the short form. */
  private static final List<String> QUICK =
      List.of(Scenarios.MAX_RATE, Scenarios.FIXED_RATE, Scenarios.CRASH, Scenarios.STALL);

  /**
   * Checks all.
   *
   * @throws IllegalArgumentException with a sentence for a person
   */
  public BenchSettings {
    transports = checked("transport", transports, Subjects.transports());
    scenarios = checked("scenario", scenarios, List.copyOf(ALL.keySet()));
    libraries = List.copyOf(libraries);
    if (scenarios.equals(List.of(Scenarios.SWAP)) && transports.size() == 1) {
      throw new IllegalArgumentException(
          "A transport is changed for another: name at least two by --transports.");
    }
    if (repeat < 0 || repeat > MOST_REPEATS) {
      throw new IllegalArgumentException(
          "Each case is repeated 1 to %d times, and not %d.".formatted(MOST_REPEATS, repeat));
    }
    if (seconds < 0 || seconds > MOST_SECONDS) {
      throw new IllegalArgumentException(
          "A soak takes 1 to %d seconds, and not %d.".formatted(MOST_SECONDS, seconds));
    }
    if (rate < 0 || rate > MOST_RATE) {
      throw new IllegalArgumentException(
          "A soak says 1 to %d records a second, and not %d.".formatted(MOST_RATE, rate));
    }
  }

  /** The names of all transports that are there. */
  public static List<String> transportsThere() {
    return Subjects.transports();
  }

  /** The names of all scenarios. */
  public static List<String> scenariosThere() {
    return List.copyOf(ALL.keySet());
  }

  /**
   * Names out of what a person wrote: {@code nats,mqtt}; none for {@code all}.
   *
   * @param text words joined by commas
   */
  public static List<String> names(String text) {
    return text.equals("all")
        ? List.of()
        : Arrays.stream(text.split(",", -1))
            .map(String::strip)
            .filter(name -> !name.isEmpty())
            .distinct()
            .toList();
  }

  /** The two that warm up at full speed share their runs, where both are wanted. */
  static List<Scenario> together(List<Scenario> wanted) {
    boolean fast = wanted.stream().anyMatch(MaxRate.class::isInstance);
    boolean steady = wanted.stream().anyMatch(FixedRate.class::isInstance);
    if (!fast || !steady) {
      return wanted;
    }
    List<Scenario> all = new ArrayList<>(List.of(new FixedRate(true), new MaxRate(false)));
    wanted.stream()
        .filter(each -> !(each instanceof MaxRate || each instanceof FixedRate))
        .forEach(all::add);
    return all;
  }

  private static List<String> checked(String what, List<String> wanted, List<String> there) {
    for (String name : wanted) {
      if (!there.contains(name)) {
        throw new IllegalArgumentException(
            "There is no %s '%s'; there are: %s.".formatted(what, name, String.join(", ", there)));
      }
    }
    return List.copyOf(wanted);
  }

  Scale scale() {
    boolean tiny = "tiny".equals(System.getProperty(SCALE));
    Scale scale = tiny ? Scale.TINY : quick ? Scale.QUICK : Scale.FULL;
    return scale.soaking(seconds == 0 ? scale.soak() : seconds, rate);
  }

  /** The transports that take part. */
  List<String> wanted() {
    return transports.isEmpty() ? Subjects.transports() : transports;
  }

  Plan plan() {
    List<String> names = scenarios;
    if (names.isEmpty()) {
      names =
          ALL.values().stream()
              .filter(each -> !each.isOnDemand())
              .map(Scenario::name)
              .filter(name -> !quick || QUICK.contains(name))
              .toList();
    }
    return Plan.of(
        together(names.stream().map(ALL::get).toList()), wanted(), scale(), repeat, seed);
  }
}
