// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.bench.run;

import dev.fairlead.bench.results.Case;
import dev.fairlead.bench.results.Scenarios;
import java.io.IOException;
import java.util.List;

/**
 * One stream that says as much as it can beside nine that say little, whose latency is measured.
 */
final class NoisyStream implements Scenario {

  private static final int QUIET = 9;

  @Override
  public String name() {
    return Scenarios.NOISY_STREAM;
  }

  @Override
  public List<Case> cases(Scale scale) {
    return List.of(new Case(name(), scale.payloads().get(0), 0, 1));
  }

  @Override
  public Load load(Case what, Scale scale) {
    return Load.greatest(what.payloadBytes()).besideQuiet(QUIET);
  }

  @Override
  public double seconds(Case what, Scale scale) {
    return scale.mostWarmUp() + scale.measured() + 5;
  }

  @Override
  public Outcome play(Stage stage, Scale scale) throws IOException {
    return stage.steady(scale);
  }
}
