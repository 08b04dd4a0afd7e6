// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.bench.run;

import dev.fairlead.bench.results.Case;
import dev.fairlead.bench.results.Change;
import dev.fairlead.bench.results.Recovery;
import dev.fairlead.bench.results.Scenarios;
import dev.fairlead.bench.results.Subject;
import dev.fairlead.bench.rig.Gauges.Gauge;
import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;

/**
 * One agent changes its transport while records flow: from each that takes part to each other, and
 * back to the first, in one run, several times. The collector listens on all of them.
 */
final class Swap implements Scenario {

  private static final long RATE = 20_000;
  private static final double QUIET_SECONDS = 0.3;
  private static final Duration MOST = Duration.ofSeconds(30);
  private static final double MILLI = 1e6;
  private static final double MICRO = 1e3;

  /** An agent whose records are this young, in s, is no further behind than it ever is. */
  private static final double BEHIND = 0.05;

  @Override
  public String name() {
    return Scenarios.SWAP;
  }

  @Override
  public List<Case> cases(Scale scale) {
    return List.of(new Case(name(), scale.payloads().get(0), RATE, 1));
  }

  @Override
  public Load load(Case what, Scale scale) {
    return Load.steady(what.payloadBytes(), what.ratePerSecond());
  }

  @Override
  public List<Subject> subjects(List<String> transports, Scale scale, boolean usual) {
    return transports.size() < 2 ? List.of() : List.of(Subject.ours(String.join("-", transports)));
  }

  @Override
  public boolean isOfAllTransports() {
    return true;
  }

  @Override
  public double seconds(Case what, Scale scale) {
    return 5 + scale.mostWarmUp() + scale.repeats() * 6 * 1.1;
  }

  /**
   * The places of a way from the first of so many over every road from one to another, once, and
   * back.
   */
  static List<Integer> tour(int places) {
    List<Integer> way = new ArrayList<>(List.of(0));
    visit(0, places, way);
    return way;
  }

  private static void visit(int from, int places, List<Integer> way) {
    for (int to = from + 1; to < places; to++) {
      way.add(to);
      if (to == from + 1) {
        visit(to, places, way);
      }
      way.add(from);
    }
  }

  @Override
  public Outcome play(Stage stage, Scale scale) throws IOException {
    List<String> transports = stage.setup().transports();
    stage.begin();
    stage.warmUp(scale);
    List<Integer> tour = tour(transports.size());
    List<Outcome.Turn> turns = new ArrayList<>();
    Stage.Sight from = stage.sight();
    int number = 0;
    for (int round = 1; round <= scale.repeats(); round++) {
      for (int i = 1; i < tour.size(); i++) {
        number++;
        int to = tour.get(i);
        String road = transports.get(tour.get(i - 1)) + "-to-" + transports.get(to);
        turns.add(turn(stage, road, round, Turns.order(number, to)));
        stage.pass(QUIET_SECONDS);
      }
    }
    return stage.outcome(from, stage.sight(), Recovery.NONE).of(turns);
  }

  private static Outcome.Turn turn(Stage stage, String road, int round, long order)
      throws IOException {
    Party sender = stage.setup().sender();
    Party receiver = stage.setup().receiver();
    sender.tell(Gauge.SWITCHED, 0);
    sender.tell(Gauge.PAUSE_MAX, 0);
    receiver.tell(Gauge.STORED_OVER, 0);
    receiver.tell(Gauge.ORDER, order);
    long ordered = stage.mark(road);
    sender.tell(Gauge.ORDER, order);
    Backlog backlog = new Backlog(stage);
    if (!stage.passUntil(MOST, () -> backlog.look() && sender.gauge(Gauge.SWITCHED) != 0)
        || sender.gauge(Gauge.SWITCHED) == Turns.FAILED) {
      throw new BenchException("It does not change %s: %s".formatted(road, sender.lastWords()));
    }
    boolean first =
        stage.passUntil(MOST, () -> backlog.look() && receiver.gauge(Gauge.STORED_OVER) != 0);
    long behind = (long) (RATE * BEHIND);
    boolean drained =
        stage.passUntil(
            MOST,
            () -> backlog.look() && sender.gauge(Gauge.ACKED) >= sender.gauge(Gauge.MADE) - behind);
    double drainedMs = (System.nanoTime() - ordered) / MILLI;
    if (!first || !drained || !stage.passUntil(MOST, () -> sender.gauge(Gauge.PAUSE_MAX) != 0)) {
      throw new BenchException(
          "After the change %s nothing is stored: %s".formatted(road, sender.lastWords()));
    }
    return new Outcome.Turn(
        road,
        round,
        new Recovery(null, null, (receiver.gauge(Gauge.STORED_OVER) - ordered) / MILLI, drainedMs),
        new Change(
            (sender.gauge(Gauge.SWITCHED) - ordered) / MILLI,
            sender.gauge(Gauge.PAUSE_P99) / MICRO,
            sender.gauge(Gauge.PAUSE_MAX) / MICRO,
            (double) backlog.most));
  }

  /** The most records that were made and not stored. */
  private static final class Backlog {
    private final Stage stage;
    private long most;

    Backlog(Stage stage) {
      this.stage = stage;
    }

    boolean look() {
      most = Math.max(most, stage.setup().sender().gauge(Gauge.MADE) - stage.stored());
      return true;
    }
  }
}
