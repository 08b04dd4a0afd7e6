// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.delivery;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.stream.LongStream;
import org.junit.jupiter.api.Test;

/**
 * Many random {@link Schedule}s. {@code -Dfairlead.schedules=N} runs N of them, {@code
 * -Dfairlead.full=true} a million, {@code -Dfairlead.seed=S} a single one again.
 */
class DeliveryModelTest {

  private static final long SCHEDULES =
      Long.getLong("fairlead.schedules", Boolean.getBoolean("fairlead.full") ? 1_000_000 : 10_000);

  @Test
  void whatWasPromisedIsThereOnceAndInOrder() {
    Long single = Long.getLong("fairlead.seed");
    if (single != null) {
      new Schedule(single, new Schedule.Faults()).run();
      return;
    }
    Schedule.Totals totals = new Schedule.Totals();
    LongStream.rangeClosed(1, SCHEDULES)
        .parallel()
        .forEach(
            seed -> {
              Schedule.Totals one = run(seed);
              synchronized (totals) {
                totals.add(one);
              }
            });
    // The schedules must have met what they are for.
    assertThat(totals)
        .hasNoNullFieldsOrProperties()
        .extracting(
            t -> t.appended,
            t -> t.resent,
            t -> t.dropped,
            t -> t.duplicates,
            t -> t.outOfOrder,
            t -> t.storeFailures,
            t -> t.agentKills,
            t -> t.agentPowerCuts,
            t -> t.sinkKills,
            t -> t.sinkPowerCuts,
            t -> t.swaps,
            t -> t.troubles,
            t -> t.recovered,
            t -> t.forgotten,
            t -> t.backlogs,
            t -> t.storedSchedules,
            t -> t.confirmed,
            t -> t.refusedByBroker,
            t -> t.givenAgain,
            t -> t.brokerRestarts,
            t -> t.brokerPowerCuts,
            t -> t.lostByBroker,
            t -> t.notKept)
        .allSatisfy(met -> assertThat((Long) met).isGreaterThan(SCHEDULES / 100));
  }

  private static Schedule.Totals run(long seed) {
    try {
      Schedule schedule = new Schedule(seed, new Schedule.Faults());
      schedule.run();
      return schedule.totals;
    } catch (AssertionError | RuntimeException e) {
      throw new AssertionError("Again with -Dfairlead.seed=" + seed, e);
    }
  }
}
