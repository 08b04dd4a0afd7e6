// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.transport.base;

import java.util.random.RandomGenerator;

/**
 * How long to wait before the next attempt to connect: about an eighth of the time for which
 * attempts have failed, from a short time up to a limit, so that whoever was away for a moment is
 * found at once; and never the same for two peers that lost the same broker. After a refusal it is
 * longer, and doubles.
 */
final class Backoff {

  private static final long FIRST_MS = 25;
  private static final long LOST_LIMIT_MS = 2_000;

  /** Each wait is longer than the one before by this part of it. */
  private static final long GROWTH = 8;

  private static final long REFUSED_FIRST_MS = 400;
  private static final long REFUSED_LIMIT_MS = 5_000;

  private final RandomGenerator random;
  private long next = FIRST_MS;

  Backoff(RandomGenerator random) {
    this.random = random;
  }

  /**
   * The wait in milliseconds, between a half and one and a half of the step.
   *
   * @param refused whether the peer answered, and said no: it will hardly have changed its mind
   */
  long next(boolean refused) {
    long step =
        refused
            ? Math.min(Math.max(next, REFUSED_FIRST_MS), REFUSED_LIMIT_MS)
            : Math.min(next, LOST_LIMIT_MS);
    next = Math.min(refused ? step * 2 : step + Math.max(1, step / GROWTH), REFUSED_LIMIT_MS);
    return step / 2 + random.nextLong(step + 1);
  }

  void reset() {
    next = FIRST_MS;
  }
}
