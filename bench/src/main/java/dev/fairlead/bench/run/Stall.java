// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.bench.run;

import dev.fairlead.bench.results.Case;
import dev.fairlead.bench.results.Recovery;
import dev.fairlead.bench.results.Scenarios;
import dev.fairlead.bench.rig.Signals;
import java.io.IOException;
import java.util.List;
import java.util.OptionalLong;

/** The broker or hub stands still for longer than anybody takes to notice, and goes on. */
final class Stall implements Scenario {

  private static final double SECONDS = 5.5;

  @Override
  public String name() {
    return Scenarios.STALL;
  }

  @Override
  public List<Case> cases(Scale scale) {
    return List.of(new Case(name(), scale.payloads().get(0), Crash.RATE, 1));
  }

  @Override
  public Load load(Case what, Scale scale) {
    return Load.steady(what.payloadBytes(), what.ratePerSecond());
  }

  @Override
  public double seconds(Case what, Scale scale) {
    return Math.max(scale.warmUp(), Crash.HELD) + SECONDS + 4;
  }

  @Override
  public Outcome play(Stage stage, Scale scale) throws IOException, InterruptedException {
    stage.begin();
    stage.pass(Math.max(scale.warmUp(), Crash.HELD));
    Stage.Sight from = stage.sight();
    OptionalLong pid = stage.setup().carrier();
    if (pid.isEmpty()) {
      throw new BenchException("There is nothing to stop.");
    }
    long broken = stage.mark("broker stands still");
    Signals.stop(pid.getAsLong());
    try {
      stage.pass(SECONDS);
    } finally {
      Signals.resume(pid.getAsLong());
    }
    Recovery recovery = Recoveries.await(stage, broken, stage.mark("broker goes on"));
    stage.pass(0.3);
    Stage.Sight to = stage.sight();
    return stage.outcome(from, to, recovery);
  }
}
