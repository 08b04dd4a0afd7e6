// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.bench.run;

import dev.fairlead.bench.results.Change;
import dev.fairlead.bench.results.Cost;
import dev.fairlead.bench.results.Rates;
import dev.fairlead.bench.results.Recovery;
import java.util.List;
import java.util.OptionalDouble;
import org.jspecify.annotations.Nullable;

/**
 * What a scenario measured while it ran.
 *
 * @param rates null where rates mean nothing
 * @param othersBusy how many processors others kept busy meanwhile; empty where it is not known
 * @param turns changes of the transport, each of which makes a row of its own
 * @param before what was measured in the same run before, at full speed: a row of its own too; null
 *     where nothing was
 */
record Outcome(
    @Nullable Rates rates,
    Cost cost,
    Recovery recovery,
    OptionalDouble othersBusy,
    List<Turn> turns,
    @Nullable Outcome before) {

  Outcome {
    turns = List.copyOf(turns);
  }

  /**
   * A change of the transport.
   *
   * @param road from which to which: {@code nats-to-mqtt}
   * @param round from 1
   */
  record Turn(String road, int round, Recovery recovery, Change change) {}

  /** The same with these. */
  Outcome of(List<Turn> all) {
    return new Outcome(rates, cost, recovery, othersBusy, all, before);
  }

  /** The same behind another. */
  Outcome after(@Nullable Outcome other) {
    return new Outcome(rates, cost, recovery, othersBusy, turns, other);
  }
}
