// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.computations;

import static dev.fairlead.computations.ComputationException.Category.REFUSED;
import static dev.fairlead.computations.ComputationException.Category.RETRY;

import java.util.Collection;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import org.jspecify.annotations.Nullable;

/**
 * The newest change of each computation: all that are under way, and of those that are over so many
 * as are worth remembering. Safe for use by several threads.
 */
final class GuestChanges {

  private final long mostBytes;
  private final int remembered;
  private final Map<String, GuestChange> newest = new ConcurrentHashMap<>();

  /**
   * Makes one without any.
   *
   * @param mostBytes of all jars that are being handed out
   * @param remembered how many are kept, beyond those that are under way
   */
  GuestChanges(long mostBytes, int remembered) {
    this.mostBytes = mostBytes;
    this.remembered = remembered;
  }

  /**
   * Takes one that begins.
   *
   * @throws ComputationException {@code REFUSED} with code {@code change-under-way}; {@code RETRY}
   *     with {@code too-many-changes}
   */
  synchronized void begin(GuestChange change) {
    GuestChange before = newest.get(change.computation());
    if (before != null && before.isUnderWay()) {
      throw new ComputationException(
          REFUSED,
          "change-under-way",
          "A bundle of %s is just being changed: wait for the outcome."
              .formatted(change.computation()));
    }
    long held = newest.values().stream().mapToLong(GuestChange::held).sum();
    if (held + change.held() > mostBytes) {
      throw new ComputationException(
          RETRY, "too-many-changes", "Many bundles are being changed: ask again.");
    }
    newest.put(change.computation(), change);
    forget();
  }

  private void forget() {
    List<GuestChange> over = newest.values().stream().filter(one -> !one.isUnderWay()).toList();
    over.stream()
        .sorted(Comparator.comparing(GuestChange::began))
        .limit(Math.max(0, over.size() - remembered))
        .forEach(oldest -> newest.remove(oldest.computation(), oldest));
  }

  /** That of a computation; null where there is none, or none any more. */
  @Nullable GuestChange get(String computation) {
    return newest.get(computation);
  }

  /** All that there are, as they come. */
  Collection<GuestChange> all() {
    return newest.values();
  }
}
