// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.bench.run;

import dev.fairlead.bench.results.Recovery;
import dev.fairlead.bench.rig.Gauges.Gauge;
import dev.fairlead.bench.rig.Status;
import java.io.IOException;
import java.time.Duration;
import java.util.List;
import java.util.OptionalLong;
import org.jspecify.annotations.Nullable;

/**
 * How all came back after a fault, by what the agent's side noted and the store's counter shows.
 */
final class Recoveries {

  private static final String CONNECTED = "CONNECTED";
  private static final Duration MOST = Duration.ofSeconds(40);
  private static final double MILLI = 1e6;

  /** An agent that is this far behind, in s, is no further behind than it ever is. */
  private static final double BEHIND = 0.05;

  private Recoveries() {}

  /**
   * Waits until all that was held back is stored.
   *
   * @param broken when the fault began, by the steady clock; null where nobody could notice
   * @param mended when it was over
   */
  static Recovery await(Stage stage, @Nullable Long broken, long mended) throws IOException {
    long before = stage.stored();
    Double first =
        stage.passUntil(MOST, () -> stage.stored() > before)
            ? (Double) ((System.nanoTime() - mended) / MILLI)
            : null;
    Party sender = stage.setup().sender();
    long behind = (long) (stage.load().rate() * stage.load().agents() * BEHIND) + 1;
    Double drained =
        stage.passUntil(MOST, () -> sender.gauge(Gauge.ACKED) >= sender.gauge(Gauge.MADE) - behind)
            ? (Double) ((System.nanoTime() - mended) / MILLI)
            : null;
    List<Status.Change> changes = sender.changes();
    return new Recovery(
        broken == null ? null : millis(broken, changes, false),
        millis(mended, changes, true),
        first,
        drained);
  }

  /** From a time until the state was, or was not, connected; null where that did not come. */
  private static @Nullable Double millis(
      long from, List<Status.Change> changes, boolean connected) {
    OptionalLong at = first(from, changes, connected);
    return at.isPresent() ? (Double) ((at.getAsLong() - from) / MILLI) : null;
  }

  /** When, from a time on, the state became connected, or something else. */
  static OptionalLong first(long from, List<Status.Change> changes, boolean connected) {
    return changes.stream()
        .filter(change -> change.nanos() >= from)
        .filter(change -> change.state().equals(CONNECTED) == connected)
        .mapToLong(Status.Change::nanos)
        .findFirst();
  }
}
