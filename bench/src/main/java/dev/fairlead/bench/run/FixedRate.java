// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.bench.run;

import dev.fairlead.bench.results.Case;
import dev.fairlead.bench.results.Scenarios;
import java.io.IOException;
import java.util.List;

/** A fixed rate, for latency from when a record was meant to be sent. */
final class FixedRate implements Scenario {

  private final boolean afterGreatest;

  private static final long RATE = 2000;

  /** Makes one that measures nothing else. */
  FixedRate() {
    this(false);
  }

  /**
   * Makes one.
   *
   * @param afterGreatest whether the greatest rate is measured before, while all is said at full
   *     speed so that it is compiled
   */
  FixedRate(boolean afterGreatest) {
    this.afterGreatest = afterGreatest;
  }

  @Override
  public String name() {
    return Scenarios.FIXED_RATE;
  }

  @Override
  public List<Case> cases(Scale scale) {
    return List.of(new Case(name(), scale.payloads().get(0), RATE, 1));
  }

  @Override
  public Load load(Case what, Scale scale) {
    return Load.steady(what.payloadBytes(), what.ratePerSecond())
        .afterHurry()
        .measured(scale.warmUp() / 2, scale.measured());
  }

  @Override
  public boolean hasBaselines() {
    return true;
  }

  @Override
  public boolean isRepeated() {
    return true;
  }

  @Override
  public double seconds(Case what, Scale scale) {
    return scale.mostWarmUp()
        + scale.warmUp() / 2
        + scale.measured() * (afterGreatest ? 2 : 1)
        + 3.5;
  }

  @Override
  public Outcome play(Stage stage, Scale scale) throws IOException {
    stage.begin();
    stage.warmUp(scale);
    Outcome greatest = afterGreatest ? stage.measured(scale) : null;
    return stage.paced().after(greatest);
  }
}
