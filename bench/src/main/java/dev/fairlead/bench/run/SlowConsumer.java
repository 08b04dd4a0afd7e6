// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.bench.run;

import dev.fairlead.bench.results.Case;
import dev.fairlead.bench.results.Scenarios;
import java.io.IOException;
import java.util.List;

/** An agent that has more to say than the collector's disk takes. */
final class SlowConsumer implements Scenario {

  private static final long BYTES_PER_SECOND = 20_000_000;

  @Override
  public String name() {
    return Scenarios.SLOW_CONSUMER;
  }

  @Override
  public List<Case> cases(Scale scale) {
    return List.of(new Case(name(), scale.payloads().get(0), 0, 1));
  }

  @Override
  public Load load(Case what, Scale scale) {
    return Load.greatest(what.payloadBytes()).intoSlowDisk(BYTES_PER_SECOND);
  }

  @Override
  public double seconds(Case what, Scale scale) {
    return scale.warmUp() + scale.measured() + 5;
  }

  @Override
  public Outcome play(Stage stage, Scale scale) throws IOException {
    stage.begin();
    stage.pass(scale.warmUp()); // the disk is what is slow
    return stage.measured(scale);
  }
}
