// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.delivery;

import static dev.fairlead.transport.api.TransportException.Category.RETRY;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.function.Predicate;
import java.util.function.ToLongFunction;

/**
 * Who waits for a record to reach a level. Guarded by the stream's lock; what is taken out is told
 * once that is let go.
 */
final class Waiters {

  private static final int MOST = 1024;

  private final List<Waiter> waiters = new ArrayList<>();

  /**
   * One of them.
   *
   * @param strict whether it is told when the record is dropped
   */
  record Waiter(long number, AckLevel level, boolean strict, CompletableFuture<Void> future) {

    void complete() {
      future.complete(null);
    }

    void fail(DeliveryException reason) {
      future.completeExceptionally(reason);
    }
  }

  CompletionStage<Void> await(long number, AckLevel level, boolean strict) {
    if (waiters.size() >= MOST) {
      return CompletableFuture.failedStage(
          new DeliveryException(RETRY, "too-many-waiters", "Wait for fewer records at a time."));
    }
    Waiter waiter = new Waiter(number, level, strict, new CompletableFuture<>());
    waiters.add(waiter);
    return waiter.future.minimalCompletionStage();
  }

  /** Takes out those who have what they wait for. */
  List<Waiter> takeDone(ToLongFunction<AckLevel> reached) {
    return take(waiter -> waiter.number <= reached.applyAsLong(waiter.level));
  }

  /** Takes out those who wait for a record of a range that was dropped. */
  List<Waiter> takeDropped(long first, long last) {
    return take(waiter -> waiter.strict && first <= waiter.number && waiter.number <= last);
  }

  /** Takes out those who wait for the spool. */
  List<Waiter> takeSpooling() {
    return take(waiter -> waiter.level == AckLevel.SPOOLED);
  }

  List<Waiter> takeAll() {
    return take(waiter -> true);
  }

  private List<Waiter> take(Predicate<Waiter> which) {
    if (waiters.isEmpty()) {
      return List.of();
    }
    List<Waiter> taken = new ArrayList<>();
    waiters.removeIf(
        waiter -> {
          boolean hit = which.test(waiter);
          if (hit) {
            taken.add(waiter);
          }
          return hit;
        });
    return taken;
  }
}
