// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.bundles;

import java.lang.System.Logger.Level;
import java.util.EnumMap;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.atomic.AtomicLong;
import org.jspecify.annotations.Nullable;

/** Counts changes by outcome, and tells the log and the flight recorder of each. */
final class Counts implements ChangeListener {

  private static final System.Logger LOG = System.getLogger(Counts.class.getName());
  private static final boolean RECORDER = hasRecorder();

  /** What comes of a change. */
  private enum Outcome {
    /** The new version runs. */
    DONE,
    /** It was not taken. */
    REFUSED,
    /** It was taken, was no good, and the one before runs again. */
    ROLLED_BACK
  }

  private final Map<Outcome, AtomicLong> changes = new EnumMap<>(Outcome.class);
  private final AtomicLong others = new AtomicLong();

  Counts() {
    for (Outcome outcome : Outcome.values()) {
      changes.put(outcome, new AtomicLong());
    }
  }

  @Override
  public Telling begin() {
    Telling recorded = RECORDER ? Recorded.begin() : (bundle, from, to, refreshed, failure) -> {};
    return (bundle, from, to, refreshed, failure) -> {
      recorded.end(bundle, from, to, refreshed, failure);
      others.addAndGet(refreshed);
      count(outcome(failure)).incrementAndGet();
      if (failure == null) {
        LOG.log(Level.INFO, "{0} {1} has followed {2}", bundle, to, from);
      } else {
        LOG.log(
            Level.WARNING,
            "{0} was not changed ({1}): {2}",
            bundle.isEmpty() ? "A bundle" : bundle,
            failure.code(),
            failure.getMessage());
      }
    };
  }

  private AtomicLong count(Outcome outcome) {
    return Objects.requireNonNull(changes.get(outcome));
  }

  private static Outcome outcome(@Nullable ChangeException failure) {
    if (failure == null) {
      return Outcome.DONE;
    }
    return failure.category() == ChangeException.Category.BROKEN
        ? Outcome.ROLLED_BACK
        : Outcome.REFUSED;
  }

  /** As Prometheus reads it. */
  String metrics() {
    StringBuilder text =
        new StringBuilder("# HELP fairlead_bundle_changes_total Changes of bundles by outcome.\n")
            .append("# TYPE fairlead_bundle_changes_total counter\n");
    for (Outcome outcome : Outcome.values()) {
      text.append(
          "fairlead_bundle_changes_total{outcome=\"%s\"} %d\n"
              .formatted(outcome.name().toLowerCase(Locale.ROOT), count(outcome).get()));
    }
    return text.append("# HELP fairlead_bundle_others_refreshed_total Bundles refreshed beside.\n")
        .append("# TYPE fairlead_bundle_others_refreshed_total counter\n")
        .append("fairlead_bundle_others_refreshed_total ")
        .append(others.get())
        .append('\n')
        .toString();
  }

  private static boolean hasRecorder() {
    try {
      Class.forName("jdk.jfr.Event", false, Counts.class.getClassLoader());
      return true;
    } catch (ClassNotFoundException e) {
      return false;
    }
  }

  /** In a class of its own: it is loaded only where there is a recorder. */
  private static final class Recorded {

    static Telling begin() {
      BundleChangeEvent event = new BundleChangeEvent();
      event.begin();
      return (bundle, from, to, refreshed, failure) -> {
        event.bundle = bundle;
        event.from = from;
        event.to = to;
        event.done = failure == null;
        event.code = failure == null ? "" : failure.code();
        event.othersRefreshed = refreshed;
        event.commit();
      };
    }
  }
}
