// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.bench.run;

import dev.fairlead.bench.results.Counts;
import java.util.BitSet;
import java.util.HashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Counts records by the numbers that stand in them, and by nothing else: each must be there once,
 * whole, and behind the one before it. For use by one thread.
 */
final class Recount {

  /** A number that is so far beyond those before it is no number of ours. */
  private static final long MAX_AHEAD = 1L << 30;

  private final Map<String, Seen> streams = new HashMap<>();
  private long duplicates;
  private long reordered;
  private long spoilt;

  /** The numbers of a stream that were met: as long as all come in order, one number says it. */
  private static final class Seen {
    /** All up to this one were met. */
    private long whole;

    private long different;

    /** From where on {@link #beyond} counts. */
    private long base;

    private long highest;

    /** Those that were met behind a hole; null where there is none. */
    private @Nullable BitSet beyond;
  }

  /**
   * Meets a record.
   *
   * @param number that stands in it; less than 1 when it is not as it was made
   */
  void meet(String stream, long number) {
    Seen seen = streams.computeIfAbsent(stream, absent -> new Seen());
    if (number == seen.whole + 1 && seen.beyond == null) {
      seen.whole++;
      seen.different++;
    } else if (number < 1) {
      spoilt++;
    } else if (number <= seen.whole) {
      duplicates++;
    } else {
      meetOutOfTurn(seen, number);
    }
  }

  private void meetOutOfTurn(Seen seen, long number) {
    BitSet beyond = seen.beyond;
    if (beyond == null) {
      beyond = new BitSet();
      seen.base = seen.whole;
      seen.highest = seen.whole;
    }
    if (number - seen.base > MAX_AHEAD) {
      spoilt++;
      return;
    }
    seen.beyond = beyond;
    int at = (int) (number - seen.base);
    if (beyond.get(at)) {
      duplicates++;
      return;
    }
    beyond.set(at);
    seen.different++;
    reordered += number < seen.highest ? 1 : 0;
    seen.highest = Math.max(seen.highest, number);
    while (beyond.get((int) (seen.whole + 1 - seen.base))) {
      seen.whole++;
    }
    if (seen.whole == seen.highest) {
      seen.beyond = null; // the hole is filled
    }
  }

  /** Records that are not as they were made, or that nobody made. */
  long spoilt() {
    return spoilt;
  }

  /** How many different records of a stream there are. */
  long different(String stream) {
    Seen seen = streams.get(stream);
    return seen == null ? 0 : seen.different;
  }

  /**
   * The outcome, where each stream numbered its records from 1.
   *
   * @param appended how many records all streams have made
   * @param refused how many more were refused
   */
  Counts counts(long appended, long refused) {
    long stored = streams.values().stream().mapToLong(seen -> seen.different).sum();
    return new Counts(
        appended, stored, Math.max(0, appended - stored) + spoilt, duplicates, reordered, refused);
  }
}
