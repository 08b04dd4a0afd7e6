// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.bench.run;

import static org.assertj.core.api.Assertions.assertThat;

import dev.fairlead.bench.rig.Status.Change;
import java.util.List;
import org.junit.jupiter.api.Test;

/** The first change of a state after a time. */
final class RecoveriesTest {

  private static final List<Change> CHANGES =
      List.of(
          new Change(10, "CONNECTED", "a"),
          new Change(20, "CONNECTING", "b"),
          new Change(30, "CONNECTED", "c"));

  @Test
  void firstChangeAfterATimeCounts() {
    assertThat(Recoveries.first(15, CHANGES, false)).hasValue(20);
    assertThat(Recoveries.first(15, CHANGES, true)).hasValue(30);
    assertThat(Recoveries.first(31, CHANGES, true)).isEmpty();
    assertThat(Recoveries.first(21, CHANGES, false)).isEmpty();
  }
}
