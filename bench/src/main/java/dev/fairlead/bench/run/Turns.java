// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.bench.run;

import dev.fairlead.bench.rig.Gauges;
import dev.fairlead.bench.rig.Gauges.Gauge;
import dev.fairlead.bench.rig.Way;
import dev.fairlead.bench.rig.Words;
import dev.fairlead.delivery.Switchboard;
import dev.fairlead.protocol.Addresses;
import java.io.IOException;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.HdrHistogram.Histogram;
import org.jspecify.annotations.Nullable;

/**
 * Changes an agent's transport when that is ordered ({@link Gauge#ORDER}), and times how long each
 * record takes to be handed over meanwhile, and for a while after: the old transport still drains.
 * For use by one thread.
 */
final class Turns {

  /** How an order that failed is told. */
  static final long FAILED = -1;

  private static final long AFTER_NANOS = TimeUnit.MILLISECONDS.toNanos(500);
  private static final int DIGITS = 3;
  private static final int MOST_TRANSPORTS = 16;

  private final Gauges gauges;
  private final Switchboard switchboard;
  private final Words words;
  private final Addresses own;
  private long order;
  private @Nullable CompletableFuture<Void> change;
  private long ended;
  private Histogram handOvers = new Histogram(DIGITS);

  Turns(Gauges gauges, Switchboard switchboard, Words words, Addresses own) {
    this.gauges = gauges;
    this.switchboard = switchboard;
    this.words = words;
    this.own = own;
    this.order = gauges.get(Gauge.ORDER);
  }

  /** The names of all transports that there are; none where there is but one. */
  static List<String> transports(Words words) {
    String all = words.find(Words.TRANSPORTS);
    return all == null ? List.of() : List.of(all.split(",", -1));
  }

  /**
   * An order as it is told.
   *
   * @param number tells it from every other, from 1
   * @param to the transport's place among all
   */
  static long order(int number, int to) {
    return (long) number * MOST_TRANSPORTS + to;
  }

  /** The transport that an order names. */
  static String to(long order, Words words) {
    return transports(words).get((int) (order % MOST_TRANSPORTS));
  }

  /** A record was handed over. */
  void handedOver(long nanos) {
    if (change != null) {
      handOvers.recordValue(nanos);
    }
  }

  /** Begins what is ordered, and tells of what has ended. */
  void look() {
    CompletableFuture<Void> now = change;
    if (now == null) {
      long ordered = gauges.get(Gauge.ORDER);
      if (ordered != order) {
        order = ordered;
        begin(to(ordered, words));
      }
    } else if (ended == 0) {
      if (now.isDone()) {
        ended = System.nanoTime();
      }
    } else if (System.nanoTime() - ended >= AFTER_NANOS) {
      change = null;
      gauges.set(Gauge.PAUSE_P99, handOvers.getValueAtPercentile(99));
      gauges.set(Gauge.PAUSE_MAX, Math.max(1, handOvers.getMaxValue()));
    }
  }

  private void begin(String to) {
    handOvers = new Histogram(DIGITS);
    ended = 0;
    try {
      change =
          Way.use(switchboard::use, words, to, own)
              .toCompletableFuture()
              .whenComplete(
                  (done, failure) ->
                      gauges.set(Gauge.SWITCHED, failure == null ? System.nanoTime() : FAILED));
    } catch (IOException e) {
      gauges.set(Gauge.SWITCHED, FAILED);
      System.getLogger(Turns.class.getName())
          .log(System.Logger.Level.ERROR, "The transport cannot be changed.", e);
    }
  }
}
