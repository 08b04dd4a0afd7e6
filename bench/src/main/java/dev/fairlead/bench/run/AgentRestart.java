// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.bench.run;

import dev.fairlead.bench.results.Case;
import dev.fairlead.bench.results.Recovery;
import dev.fairlead.bench.results.Scenarios;
import dev.fairlead.bench.rig.Gauges.Gauge;
import java.io.IOException;
import java.util.List;

/**
 * An agent with a spool is killed, and a new one goes on with what it left. What had reached the
 * spool must be stored; the new one numbers on from there, so that nothing else can be missing.
 */
final class AgentRestart implements Scenario {

  @Override
  public String name() {
    return Scenarios.AGENT_RESTART;
  }

  @Override
  public List<Case> cases(Scale scale) {
    return List.of(new Case(name(), scale.payloads().get(0), Crash.RATE, 1));
  }

  @Override
  public Load load(Case what, Scale scale) {
    return Load.steady(what.payloadBytes(), what.ratePerSecond()).withSpool();
  }

  @Override
  public double seconds(Case what, Scale scale) {
    return scale.warmUp() + 5;
  }

  @Override
  public Outcome play(Stage stage, Scale scale) throws IOException, InterruptedException {
    stage.begin();
    stage.pass(scale.warmUp());
    Party agent = stage.setup().sender();
    stage.senderMayBeGone(true);
    stage.mark("agent killed");
    agent.kill();
    long spooled = agent.gauge(Gauge.SPOOLED);
    long again = stage.mark("agent starts again");
    stage.beginSender();
    stage.senderMayBeGone(false);
    if (agent.gauge(Gauge.RECOVERED) < spooled) {
      throw new BenchException(
          "The spool held %d records when its agent was killed, and holds %d."
              .formatted(spooled, agent.gauge(Gauge.RECOVERED)));
    }
    Recovery recovery = Recoveries.await(stage, null, again);
    Stage.Sight from = stage.sight();
    stage.pass(1);
    Stage.Sight to = stage.sight();
    return stage.outcome(from, to, recovery);
  }
}
