// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.bench.run;

import dev.fairlead.bench.results.Case;
import dev.fairlead.bench.results.Recovery;
import dev.fairlead.bench.results.Scenarios;
import dev.fairlead.bench.rig.Gauges.Gauge;
import java.io.IOException;
import java.time.Duration;
import java.util.List;

/**
 * Many agents on one broker or hub, each with a connection, a credential and a stream of its own,
 * in one process.
 */
final class ManyAgents implements Scenario {

  private static final long RATE = 100;
  private static final Duration MOST = Duration.ofSeconds(60);

  /** What all connections at once have held up is waited for, but not for ever. */
  private static final Duration SETTLING = Duration.ofSeconds(20);

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
        .measured(0, scale.measured())
        .afterPaced();
  }

  @Override
  public double seconds(Case what, Scale scale) {
    return scale.mostWarmUp() + scale.measured() + 4 + what.agents() / 60.0;
  }

  @Override
  public Outcome play(Stage stage, Scale scale) throws IOException {
    stage.begin();
    stage.warmUp(scale);
    Party sender = stage.setup().sender();
    long behind = RATE * stage.load().agents() / 2;
    boolean unused =
        stage.passUntil(
            SETTLING, () -> sender.gauge(Gauge.ACKED) >= sender.gauge(Gauge.MADE) - behind);
    sender.tell(Gauge.ENOUGH, 1);
    Stage.Sight from = stage.sight();
    boolean said = stage.passUntil(MOST, () -> sender.gauge(Gauge.FINISHED) > 0);
    Stage.Sight to = stage.sight();
    if (!said) {
      throw new BenchException("The records were not said in %d s.".formatted(MOST.toSeconds()));
    }
    return stage.outcome(from, to, Recovery.NONE);
  }
}
