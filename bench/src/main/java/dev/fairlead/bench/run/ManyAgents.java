// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.bench.run;

import dev.fairlead.bench.results.Case;
import dev.fairlead.bench.results.Scenarios;
import java.io.IOException;
import java.util.List;

/**
 * Many agents on one broker or hub, each with a connection, a credential and a stream of its own,
 * in one process.
 */
final class ManyAgents implements Scenario {

  private static final long RATE = 100;

  @Override
  public String name() {
    return Scenarios.MANY_AGENTS;
  }

  @Override
  public List<Case> cases(Scale scale) {
    return scale.agents().stream()
        .map(agents -> new Case(name(), scale.payloads().get(0), RATE, agents))
        .toList();
  }

  @Override
  public Load load(Case what, Scale scale) {
    return Load.steady(what.payloadBytes(), what.ratePerSecond())
        .of(what.agents())
        .afterHurry()
        .measured(settling(scale), scale.measured());
  }

  /** Seconds in which all find their pace. */
  private static double settling(Scale scale) {
    return 2 * scale.measured();
  }

  @Override
  public double seconds(Case what, Scale scale) {
    return scale.mostWarmUp() + settling(scale) + scale.measured() + 4 + what.agents() / 60.0;
  }

  @Override
  public Outcome play(Stage stage, Scale scale) throws IOException {
    stage.begin();
    stage.warmUp(scale);
    return stage.paced();
  }
}
