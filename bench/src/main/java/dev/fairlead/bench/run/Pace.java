// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.bench.run;

import java.util.concurrent.locks.LockSupport;
import java.util.function.LongSupplier;

/**
 * When records are meant to be sent: at a fixed rate from a start, whatever became of those before.
 * One that is late is sent at once, and its time stays the one at which it was meant to be sent: so
 * a pause of whoever is measured counts for every record that it held up. For use by one thread.
 */
final class Pace {

  /** A thread that parks wakes up about so much late; from here on it spins. */
  private static final long SPIN_NANOS = 90_000;

  /**
   * Records that are closer together than this would have a thread spin for ever. So it parks for a
   * step, and finds several due; they count from when they were meant, as ever.
   */
  private static final double DENSE_NANOS = 150_000;

  private static final long STEP_NANOS = 1_000_000;

  private final LongSupplier clock;
  private final long start;
  private final double interval;
  private long index;

  /**
   * Begins.
   *
   * @param perSecond more than 0
   * @param clock nanoseconds of the steady clock
   */
  Pace(double perSecond, LongSupplier clock) {
    this.clock = clock;
    this.start = clock.getAsLong();
    this.interval = 1e9 / perSecond;
  }

  /** When the next record is meant to be sent; every call is about another one. */
  long next() {
    return at(index++);
  }

  /**
   * When a record is meant to be sent.
   *
   * @param which from 0
   */
  long at(long which) {
    return start + (long) (which * interval);
  }

  /**
   * Waits until a time has come; does not wait for one that is over.
   *
   * @return false when the thread was interrupted meanwhile
   */
  boolean await(long nanos) {
    long left = nanos - clock.getAsLong();
    while (left > 0) {
      if (Thread.interrupted()) {
        return false;
      }
      if (interval < DENSE_NANOS) {
        LockSupport.parkNanos(Math.max(left, STEP_NANOS));
      } else if (left > SPIN_NANOS) {
        LockSupport.parkNanos(left - SPIN_NANOS);
      } else {
        Thread.onSpinWait();
      }
      left = nanos - clock.getAsLong();
    }
    return true;
  }
}
