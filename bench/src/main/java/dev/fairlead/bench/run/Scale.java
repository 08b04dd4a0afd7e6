// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.bench.run;

import java.util.List;

/**
 * How long and how large.
 *
 * @param warmUp seconds that are not measured, at least
 * @param mostWarmUp seconds after which code that is not compiled yet is waited for no longer
 * @param measured seconds that are
 * @param payloads bytes of encoded records, the first of them for scenarios that take but one
 * @param agents how many agents {@code many-agents} has, one case each
 * @param encrypted whether raw clients take part with TLS too, once
 * @param repeats how often cases that are repeated are done, unless it was said
 * @param soak seconds that {@code soak} takes
 * @param soakRate records a second that it says, 0 for half of the greatest rate
 */
record Scale(
    double warmUp,
    double mostWarmUp,
    double measured,
    List<Integer> payloads,
    List<Integer> agents,
    boolean encrypted,
    int repeats,
    int soak,
    long soakRate) {

  private static final int SHORT = 200;
  private static final int LONG = 2_000;

  /** The whole. */
  static final Scale FULL =
      new Scale(2, 8, 2.3, List.of(SHORT, LONG), List.of(100, 1000), true, 3, 3600, 0);

  /** What is done in three minutes. */
  static final Scale QUICK = new Scale(1.5, 4.5, 1.5, List.of(SHORT), List.of(20), false, 1, 60, 0);

  /** What a test of the benchmark itself has the time for. */
  static final Scale TINY = new Scale(0.5, 0.5, 0.5, List.of(SHORT), List.of(5), true, 1, 3, 0);

  /** The same with another time and rate for {@code soak}. */
  Scale soaking(int seconds, long rate) {
    return new Scale(
        warmUp, mostWarmUp, measured, payloads, agents, encrypted, repeats, seconds, rate);
  }
}
