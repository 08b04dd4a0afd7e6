// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.bench.run;

import dev.fairlead.bench.results.Case;
import dev.fairlead.bench.results.Memory;
import dev.fairlead.bench.results.Rates;
import dev.fairlead.bench.results.Recovery;
import dev.fairlead.bench.results.Scenarios;
import dev.fairlead.bench.rig.Gauges.Gauge;
import java.io.IOException;
import java.time.Duration;
import java.util.List;
import java.util.Locale;

/**
 * Half of the greatest rate for a long time: whether memory stays as it is, and all is stored. What
 * the collector has stored is recounted while it goes on, and dropped then, so that it fits on a
 * disk.
 */
final class Soak implements Scenario {

  private static final double GREATEST_SECONDS = 4;
  private static final double DROP_SECONDS = 1;
  private static final int SAMPLES = 60;
  private static final Duration MOST = Duration.ofSeconds(60);

  @Override
  public String name() {
    return Scenarios.SOAK;
  }

  @Override
  public List<Case> cases(Scale scale) {
    return List.of(new Case(name(), scale.payloads().get(0), scale.soakRate(), 1));
  }

  @Override
  public Load load(Case what, Scale scale) {
    return Load.steady(what.payloadBytes(), what.ratePerSecond()).afterHurry();
  }

  @Override
  public boolean isOnDemand() {
    return true;
  }

  @Override
  public double seconds(Case what, Scale scale) {
    return scale.mostWarmUp() + GREATEST_SECONDS + scale.soak() + 20;
  }

  @Override
  public Outcome play(Stage stage, Scale scale) throws IOException {
    stage.begin();
    stage.warmUp(scale);
    double rate = scale.soakRate() > 0 ? scale.soakRate() : greatest(stage).endToEndPerSecond() / 2;
    Party sender = stage.setup().sender();
    sender.tell(Gauge.PACE, (long) rate);
    sender.tell(Gauge.ENOUGH, 1);
    if (!stage.passUntil(MOST, () -> sender.gauge(Gauge.HURRIED) > 0)) {
      throw new BenchException("What was said at full speed is not stored: " + sender.lastWords());
    }
    stage.mark(String.format(Locale.ROOT, "%,.0f/s from here on", rate));
    Stage.Sight from = stage.sight();
    long start = System.nanoTime();
    double every = (double) scale.soak() / SAMPLES;
    tell(stage, stage.sample(), 0);
    for (int i = 1; i <= SAMPLES; i++) {
      long until = start + (long) (i * every * 1e9);
      for (double left = left(until); left > 0; left = left(until)) {
        stage.pass(Math.min(DROP_SECONDS, left));
        stage.setup().recountSoFar();
        stage.setup().drop();
      }
      tell(stage, stage.sample(), i * every);
    }
    return stage.outcome(from, stage.sight(), Recovery.NONE);
  }

  private static double left(long until) {
    return (until - System.nanoTime()) / 1e9;
  }

  private static Rates greatest(Stage stage) throws IOException {
    Stage.Sight from = stage.sight();
    stage.pass(GREATEST_SECONDS);
    return Stage.rates(from, stage.sight());
  }

  private static void tell(Stage stage, Memory.Sample sample, double seconds) {
    stage.tell(
        String.format(
            Locale.ROOT,
            "%.0f s: %,d stored; the agent's heap %.1f MB, its memory %.0f MB, the broker's %.0f"
                + " MB, the collector's %.0f MB",
            seconds,
            stage.stored(),
            sample.heapBytes() / 1e6,
            sample.agentBytes() / 1e6,
            sample.brokerBytes() / 1e6,
            sample.collectorBytes() / 1e6));
  }
}
