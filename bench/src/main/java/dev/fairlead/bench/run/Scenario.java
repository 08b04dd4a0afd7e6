// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.bench.run;

import dev.fairlead.bench.results.Case;
import dev.fairlead.bench.results.Subject;
import java.io.IOException;
import java.util.List;

/** Something that is done with a transport, and measured. Holds nothing of a run. */
interface Scenario {

  /** Its name. */
  String name();

  /** What is done, in which sizes. */
  List<Case> cases(Scale scale);

  /** What is said in a case. */
  Load load(Case what, Scale scale);

  /** Whether raw clients take part. */
  default boolean hasBaselines() {
    return false;
  }

  /**
   * With whom it is done.
   *
   * @param transports that were asked for
   * @param usual whether it is the case with records of the usual length
   */
  default List<Subject> subjects(List<String> transports, Scale scale, boolean usual) {
    boolean all = hasBaselines() && usual;
    return Subjects.of(transports, all, all, scale.encrypted());
  }

  /** Whether all transports take part in one run. */
  default boolean isOfAllTransports() {
    return false;
  }

  /** Whether it is done several times unless it was said how often. */
  default boolean isRepeated() {
    return false;
  }

  /** Whether it is done only where it is named. */
  default boolean isOnDemand() {
    return false;
  }

  /** About how long one run takes, in s, with all starts and ends. */
  double seconds(Case what, Scale scale);

  /** Carries it out; what was said is drained and recounted by the caller. */
  Outcome play(Stage stage, Scale scale) throws IOException, InterruptedException;
}
