// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.computations.migration;

import dev.fairlead.computations.parity.Finding.Kind;
import dev.fairlead.computations.parity.Verdict;
import dev.fairlead.computations.parity.Verdict.Decision;
import java.util.Optional;

/**
 * Says when a migration must not go on: when records are missing, altered or double, when many come
 * late, when computations cannot be moved.
 *
 * @param failures computations that may fail to move, or whose copies may fail to come; one more
 *     stops it
 * @param latePercent of the records that were compared that may come late, and no fewer than 100
 */
public record Guard(int failures, int latePercent) {

  /** Two failures; one percent. */
  public static final Guard DEFAULT = new Guard(2, 1);

  private static final long SOME = 100;

  /**
   * Why to stop.
   *
   * @param code stable
   * @param reason one sentence
   */
  public record Stop(String code, String reason) {}

  /** Looks at how it stands. */
  public Optional<Stop> check(Verdict verdict, int failed) {
    if (verdict.decision() == Decision.UNSAFE) {
      return Optional.of(
          new Stop(
              "parity-broken",
              "%d records are missing, %d altered, %d came twice."
                  .formatted(
                      verdict.count(Kind.MISSING),
                      verdict.count(Kind.ALTERED),
                      verdict.count(Kind.DUPLICATE))));
    }
    if (failed > failures) {
      return Optional.of(
          new Stop(
              "errors-rose",
              "%d computations could not follow; their events say why.".formatted(failed)));
    }
    long late = verdict.count(Kind.LATE);
    if (late > Math.max(SOME, verdict.sums().compared() / 100 * latePercent)) {
      return Optional.of(
          new Stop("errors-rose", "%d records came late over one transport.".formatted(late)));
    }
    return Optional.empty();
  }
}
