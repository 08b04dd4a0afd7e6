// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.bench.run;

import static org.assertj.core.api.Assertions.assertThat;

import dev.fairlead.bench.results.Subject;
import java.util.List;
import org.junit.jupiter.api.Test;

/** Everybody takes a turn before anybody is repeated. */
final class PlanTest {

  private static final List<String> TRANSPORTS = List.of("nats", "mqtt", "vsock");
  private static final Scale SCALE = new Scale(1, 1, 1, List.of(200), List.of(3), 2, 1, 0);

  private static Plan plan(long seed, Scenario... scenarios) {
    return Plan.of(List.of(scenarios), TRANSPORTS, SCALE, 3, seed);
  }

  @Test
  void repeatsAreInterleaved() {
    List<Plan.Step> steps = plan(5, new MaxRate()).steps();
    int subjects = 4 + 5; // ours, one of them with another quality of service, and raw clients
    assertThat(steps).hasSize(3 * subjects);
    for (int repeat = 1; repeat <= 3; repeat++) {
      int number = repeat;
      List<Plan.Step> round = steps.subList((repeat - 1) * subjects, repeat * subjects);
      assertThat(round).allMatch(step -> step.repeat() == number);
      assertThat(round.stream().map(Plan.Step::subject).distinct()).hasSize(subjects);
    }
  }

  @Test
  void orderFollowsFromTheSeed() {
    assertThat(subjects(plan(1, new MaxRate()))).isEqualTo(subjects(plan(1, new MaxRate())));
    boolean differs = false;
    for (long seed = 2; seed < 10; seed++) {
      differs |= !subjects(plan(1, new MaxRate())).equals(subjects(plan(seed, new MaxRate())));
    }
    assertThat(differs).isTrue();
  }

  private static List<Subject> subjects(Plan plan) {
    return plan.steps().stream().map(Plan.Step::subject).toList();
  }

  @Test
  void rawClientsTakePartWhereTheyCan() {
    assertThat(subjects(plan(1, new Crash()))).allMatch(Subject::isOurs);
    assertThat(subjects(plan(1, new Crash()))).hasSize(9);
  }

  @Test
  void timeThatIsLeftShrinks() {
    Plan plan = plan(1, new MaxRate(), new Crash());
    double before = Double.MAX_VALUE;
    for (int i = 0; i <= plan.steps().size(); i++) {
      assertThat(plan.secondsFrom(i)).isLessThan(before);
      before = plan.secondsFrom(i);
    }
    assertThat(before).isZero();
  }

  @Test
  void quickFormFitsIntoThreeMinutesAndTheWholeIntoFifteen() {
    List<Scenario> quick = List.of(new MaxRate(), new FixedRate(), new Crash(), new Stall());
    List<Scenario> all =
        List.of(
            new MaxRate(),
            new FixedRate(),
            new Crash(),
            new Stall(),
            new Absent(),
            new AgentRestart(),
            new ManyAgents(),
            new SlowConsumer(),
            new NoisyStream());
    assertThat(Plan.of(quick, TRANSPORTS, Scale.QUICK, 0, 1).secondsFrom(0)).isLessThan(175);
    assertThat(Plan.of(all, TRANSPORTS, Scale.FULL, 0, 1).secondsFrom(0)).isLessThan(890);
  }
}
