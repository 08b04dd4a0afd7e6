// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.bench.run;

import dev.fairlead.bench.results.Case;
import dev.fairlead.bench.results.Scenarios;
import java.io.IOException;
import java.util.List;

/** As many records as one agent can bring into the store. */
final class MaxRate implements Scenario {

  private final boolean ofUsualLength;

  /** Makes one of records of every length. */
  MaxRate() {
    this(true);
  }

  /**
   * Makes one.
   *
   * @param ofUsualLength whether that of records of the usual length is part of it; else {@link
   *     FixedRate} measures it
   */
  MaxRate(boolean ofUsualLength) {
    this.ofUsualLength = ofUsualLength;
  }

  @Override
  public String name() {
    return Scenarios.MAX_RATE;
  }

  @Override
  public List<Case> cases(Scale scale) {
    return scale.payloads().stream()
        .skip(ofUsualLength ? 0 : 1)
        .map(bytes -> new Case(name(), bytes, 0, 1))
        .toList();
  }

  @Override
  public Load load(Case what, Scale scale) {
    return Load.greatest(what.payloadBytes());
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
    return scale.mostWarmUp() + scale.measured() + 3.5;
  }

  @Override
  public Outcome play(Stage stage, Scale scale) throws IOException {
    return stage.steady(scale);
  }
}
