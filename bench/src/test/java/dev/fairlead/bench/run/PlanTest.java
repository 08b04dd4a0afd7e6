// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.bench.run;

import static org.assertj.core.api.Assertions.assertThat;

import dev.fairlead.bench.results.Subject;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.Test;

/** Everybody takes a turn before anybody is repeated. */
final class PlanTest {

  private static final List<String> TRANSPORTS = List.of("nats", "mqtt", "vsock");
  private static final Scale SCALE = new Scale(1, 1, 1, List.of(200), List.of(3), true, 2, 1, 0);

  private static Plan plan(long seed, Scenario... scenarios) {
    return Plan.of(List.of(scenarios), TRANSPORTS, SCALE, 3, seed);
  }

  @Test
  void repeatsAreInterleaved() {
    List<Plan.Step> steps = plan(5, new MaxRate()).steps();
    int subjects = 4 + 7; // ours, one of them with another quality of service, and raw clients
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
  void greatestAndFixedRateShareTheirRuns() {
    List<Scenario> together =
        BenchSettings.together(List.of(new MaxRate(), new FixedRate(), new Crash()));
    List<Plan.Step> steps = Plan.of(together, TRANSPORTS, Scale.FULL, 1, 1).steps();
    assertThat(steps.stream().map(step -> step.testCase().label()).distinct())
        .containsExactly("fixed-rate 200 B 2,000/s", "max-rate 2000 B", "crash 200 B 5,000/s");
    assertThat(steps).hasSize(11 + 3 + 3);
  }

  @Test
  void rawClientsTakePartWhereTheyCan() {
    assertThat(subjects(plan(1, new Crash()))).allMatch(Subject::isOurs);
    assertThat(subjects(plan(1, new Crash()))).hasSize(9);
  }

  @Test
  void everyRoadFromATransportToAnotherIsTakenOnce() {
    for (int places = 2; places <= 6; places++) {
      List<Integer> tour = Swap.tour(places);
      Set<List<Integer>> roads = new HashSet<>();
      for (int i = 1; i < tour.size(); i++) {
        assertThat(tour.get(i)).isNotEqualTo(tour.get(i - 1));
        assertThat(roads.add(tour.subList(i - 1, i + 1))).isTrue();
      }
      assertThat(roads).hasSize(places * (places - 1));
      assertThat(tour.get(tour.size() - 1)).isEqualTo(tour.get(0));
    }
  }

  @Test
  void allTransportsTakePartInOneRunOfSwaps() {
    assertThat(subjects(plan(1, new Swap()))).hasSize(3).allMatch(Subject::isOurs);
    assertThat(Plan.of(List.of(new Swap()), List.of("nats"), SCALE, 1, 1).steps()).isEmpty();
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
            new NoisyStream(),
            new Swap());
    assertThat(seconds(quick, Scale.QUICK)).isLessThan(170);
    assertThat(seconds(all, Scale.FULL)).isLessThan(880);
  }

  private static double seconds(List<Scenario> scenarios, Scale scale) {
    return Plan.of(BenchSettings.together(scenarios), TRANSPORTS, scale, 0, 1).secondsFrom(0);
  }
}
