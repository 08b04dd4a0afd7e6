// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.bench.chaos;

import static org.assertj.core.api.Assertions.assertThat;

import dev.fairlead.bench.chaos.Fault.Kind;
import java.time.Duration;
import java.util.EnumSet;
import java.util.List;
import java.util.Set;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;

class FaultTest {

  private static final Duration MINUTE = Duration.ofMinutes(1);

  @Test
  void everyPlanHasEveryKindAndTenInAMinute() {
    for (long seed = 0; seed < 500; seed++) {
      List<Fault> plan = Fault.plan(seed, MINUTE, 3);
      Set<Kind> kinds = plan.stream().map(Fault::kind).collect(Collectors.toSet());
      assertThat(kinds).as("seed %d", seed).isEqualTo(EnumSet.allOf(Kind.class));
      assertThat(plan).as("seed %d", seed).hasSizeGreaterThanOrEqualTo(10);
    }
  }

  @Test
  void samePlanFromSameSeed() {
    assertThat(Fault.plan(7, MINUTE, 3)).isEqualTo(Fault.plan(7, MINUTE, 3));
    assertThat(Fault.plan(7, MINUTE, 3)).isNotEqualTo(Fault.plan(8, MINUTE, 3));
  }

  @Test
  void nothingElseIsUnderWayDuringAStall() {
    for (long seed = 0; seed < 500; seed++) {
      List<Fault> plan = Fault.plan(seed, MINUTE, 3);
      for (Fault stall : plan) {
        if (stall.kind() == Kind.BROKER_STALL) {
          for (Fault other : plan) {
            boolean apart =
                other.equals(stall)
                    || other.until().compareTo(stall.at()) < 0
                    || other.at().compareTo(stall.until()) > 0;
            assertThat(apart).as("seed %d: %s during %s", seed, other, stall).isTrue();
          }
        }
      }
    }
  }

  @Test
  void subjectsAreThere() {
    for (long seed = 0; seed < 500; seed++) {
      for (Fault fault : Fault.plan(seed, MINUTE, 2)) {
        int most = fault.kind() == Kind.LINK_CUT ? 2 : 1;
        assertThat(fault.subject()).as("seed %d", seed).isBetween(0, most);
      }
    }
  }
}
