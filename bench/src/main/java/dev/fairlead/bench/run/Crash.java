// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.bench.run;

import dev.fairlead.bench.results.Case;
import dev.fairlead.bench.results.Recovery;
import dev.fairlead.bench.results.Scenarios;
import java.io.IOException;
import java.time.Duration;
import java.util.List;
import java.util.OptionalLong;

/** The broker or hub is killed, and started again at once by who keeps it. */
final class Crash implements Scenario {

  /** Records a second in scenarios with faults. */
  static final long RATE = 5000;

  /** Seconds after which a connection counts as one that has held: it is renewed at once. */
  static final double HELD = 2.5;

  private static final Duration BACK_WITHIN = Duration.ofSeconds(30);

  @Override
  public String name() {
    return Scenarios.CRASH;
  }

  @Override
  public List<Case> cases(Scale scale) {
    return List.of(new Case(name(), scale.payloads().get(0), RATE, 1));
  }

  @Override
  public Load load(Case what, Scale scale) {
    return Load.steady(what.payloadBytes(), what.ratePerSecond());
  }

  @Override
  public boolean isRepeated() {
    return true;
  }

  @Override
  public double seconds(Case what, Scale scale) {
    return Math.max(scale.warmUp(), HELD) + 3.5;
  }

  @Override
  public Outcome play(Stage stage, Scale scale) throws IOException {
    stage.begin();
    stage.pass(Math.max(scale.warmUp(), HELD));
    Stage.Sight from = stage.sight();
    OptionalLong pid = stage.setup().carrier();
    if (pid.isEmpty()) {
      throw new BenchException("There is nothing to kill.");
    }
    long broken = stage.mark("broker killed");
    ProcessHandle.of(pid.getAsLong()).ifPresent(ProcessHandle::destroyForcibly);
    boolean back =
        stage.passUntil(
            BACK_WITHIN,
            () -> {
              OptionalLong now = stage.setup().carrier();
              return now.isPresent()
                  && now.getAsLong() != pid.getAsLong()
                  && stage.setup().carrierAnswers();
            });
    if (!back) {
      throw new BenchException("What was killed does not come back.");
    }
    Recovery recovery = Recoveries.await(stage, broken, stage.mark("broker back"));
    stage.pass(0.3);
    Stage.Sight to = stage.sight();
    return stage.outcome(from, to, recovery);
  }
}
