// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.itest;

import static org.junit.jupiter.api.Assertions.assertTrue;

import java.time.Duration;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import java.util.function.BooleanSupplier;
import java.util.function.Supplier;

/** Waits for conditions, inside a framework too: what JUnit brings is all that it needs. */
final class Patience {

  /** How long a busy machine may take for one step. */
  static final Duration LIMIT = Duration.ofSeconds(90);

  private static final long PAUSE_NANOS = TimeUnit.MILLISECONDS.toNanos(50);

  private Patience() {}

  static void await(String what, BooleanSupplier condition) {
    await(() -> what, condition);
  }

  /** Fails with what was waited for. */
  static void await(Supplier<String> what, BooleanSupplier condition) {
    long deadline = System.nanoTime() + LIMIT.toNanos();
    while (!condition.getAsBoolean()) {
      assertTrue(System.nanoTime() - deadline < 0, what);
      LockSupport.parkNanos(PAUSE_NANOS);
    }
  }
}
