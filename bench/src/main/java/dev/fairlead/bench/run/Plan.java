// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.bench.run;

import dev.fairlead.bench.results.Case;
import dev.fairlead.bench.results.Subject;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Random;

/**
 * Which run follows which. All subjects of a case take their turn before any is repeated, so that a
 * machine that becomes slower or faster meanwhile does so for all of them; who begins differs from
 * repeat to repeat, as the seed says.
 *
 * @param steps in their order
 */
record Plan(List<Step> steps) {

  /**
   * One run.
   *
   * @param scenario what is done
   * @param testCase in which size
   * @param subject with whom
   * @param repeat from 1
   * @param seconds about how long it takes
   */
  record Step(Scenario scenario, Case testCase, Subject subject, int repeat, double seconds) {}

  /** By which part of the longest warm-up raw clients are through sooner. */
  private static final double RAW_SOONER = 0.5;

  Plan {
    steps = List.copyOf(steps);
  }

  /**
   * The plan for these.
   *
   * @param wanted how often each case is done; 0 for what is usual
   */
  static Plan of(
      List<Scenario> scenarios, List<String> transports, Scale scale, int wanted, long seed) {
    Random random = new Random(seed);
    List<Step> steps = new ArrayList<>();
    for (Scenario scenario : scenarios) {
      for (Case testCase : scenario.cases(scale)) {
        boolean first = testCase.payloadBytes() == scale.payloads().get(0);
        List<Subject> subjects = scenario.subjects(transports, scale, first);
        int usual = scenario.isRepeated() && first ? scale.repeats() : 1;
        int repeats = wanted == 0 ? usual : wanted;
        for (int repeat = 1; repeat <= repeats; repeat++) {
          List<Subject> turn = new ArrayList<>(subjects);
          Collections.rotate(turn, random.nextInt(Math.max(1, turn.size())));
          for (Subject subject : turn) {
            if (repeat > 1 && wanted == 0 && Subjects.isOnce(subject)) {
              continue;
            }
            double seconds = scenario.seconds(testCase, scale);
            // Raw clients are compiled earlier, and nothing of theirs is read again.
            steps.add(
                new Step(
                    scenario,
                    testCase,
                    subject,
                    repeat,
                    subject.isOurs() ? seconds : seconds - scale.mostWarmUp() * RAW_SOONER));
          }
        }
      }
    }
    return new Plan(steps);
  }

  /** About how long all from a step on takes, in s. */
  double secondsFrom(int index) {
    return steps.subList(index, steps.size()).stream().mapToDouble(Step::seconds).sum();
  }
}
