// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.bench.chaos;

import dev.fairlead.bench.rig.Status;
import java.util.List;
import java.util.OptionalLong;

/**
 * A time in which the peer stood still.
 *
 * @param from nanoseconds of the steady clock
 * @param until the same
 */
record Stall(long from, long until) {

  private static final String CONNECTED = "CONNECTED";
  private static final long MILLI = 1_000_000L;

  /** Whether somebody was connected when it began. */
  boolean concerns(List<Status.Change> changes) {
    String state = "";
    for (Status.Change change : changes) {
      if (change.nanos() <= from) {
        state = change.state();
      }
    }
    return state.equals(CONNECTED);
  }

  /** After how many milliseconds somebody gave the connection up; empty where nobody did. */
  OptionalLong noticedAfter(List<Status.Change> changes) {
    return changes.stream()
        .filter(change -> change.nanos() > from && change.nanos() <= until)
        .filter(change -> !change.state().equals(CONNECTED))
        .mapToLong(change -> (change.nanos() - from) / MILLI)
        .findFirst();
  }

  long millis() {
    return (until - from) / MILLI;
  }
}
