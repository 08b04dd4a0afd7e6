// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.bench.run;

import dev.fairlead.bench.results.Case;
import dev.fairlead.bench.results.Recovery;
import dev.fairlead.bench.results.Scenarios;
import dev.fairlead.bench.rig.Gauges.Gauge;
import java.io.IOException;
import java.time.Duration;
import java.util.List;

/** Agent and collector start, and records are said, before there is a broker or hub. */
final class Absent implements Scenario {

  private static final double SECONDS = 3;
  private static final Duration MOST = Duration.ofSeconds(60);

  @Override
  public String name() {
    return Scenarios.ABSENT;
  }

  @Override
  public List<Case> cases(Scale scale) {
    return List.of(new Case(name(), scale.payloads().get(0), Crash.RATE, 1));
  }

  @Override
  public Load load(Case what, Scale scale) {
    return Load.steady(what.payloadBytes(), what.ratePerSecond()).fromTheStart();
  }

  @Override
  public double seconds(Case what, Scale scale) {
    return SECONDS + 4.5;
  }

  /** Whether the collector's JVM is up. */
  private static boolean hasBegun(Setup setup) {
    try {
      return !setup.receiver().changes().isEmpty();
    } catch (IOException e) {
      throw new BenchException("What the collector says of itself cannot be read.", e);
    }
  }

  @Override
  public Outcome play(Stage stage, Scale scale) throws IOException {
    Setup setup = stage.setup();
    setup.startCarrier(); // it issues the credentials
    setup.endCarrier();
    setup.receiver().start();
    setup.sender().start();
    Stage.Sight from = stage.sight();
    stage.mark("no broker yet");
    if (!stage.passUntil(MOST, () -> setup.sender().gauge(Gauge.MADE) > 0 && hasBegun(setup))) {
      throw new BenchException("Agent and collector do not begin without a broker.");
    }
    stage.pass(SECONDS);
    setup.startCarrier();
    Recovery recovery = Recoveries.await(stage, null, stage.mark("broker there"));
    stage.pass(1);
    Stage.Sight to = stage.sight();
    return stage.outcome(from, to, recovery);
  }
}
