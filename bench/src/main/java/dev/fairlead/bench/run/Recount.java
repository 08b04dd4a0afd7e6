// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.bench.run;

import dev.fairlead.bench.results.Counts;
import java.util.BitSet;
import java.util.HashMap;
import java.util.Map;

/**
 * Counts records by the numbers that stand in them, and by nothing else: each must be there once,
 * whole, and behind the one before it. For use by one thread.
 */
final class Recount {

  /** More numbers than any run makes; what is beyond is no number of ours. */
  private static final long MAX_NUMBER = 1L << 30;

  private final Map<String, Seen> streams = new HashMap<>();
  private long duplicates;
  private long reordered;
  private long spoilt;

  private static final class Seen {
    private final BitSet numbers = new BitSet();
    private int highest;
  }

  /**
   * Meets a record.
   *
   * @param number that stands in it; less than 1 when it is not as it was made
   */
  void meet(String stream, long number) {
    if (number < 1 || number > MAX_NUMBER) {
      spoilt++;
      return;
    }
    Seen seen = streams.computeIfAbsent(stream, absent -> new Seen());
    int at = (int) number;
    if (at == seen.highest + 1) {
      seen.highest = at;
      seen.numbers.set(at);
    } else if (seen.numbers.get(at)) {
      duplicates++;
    } else {
      if (at < seen.highest) {
        reordered++;
      }
      seen.highest = Math.max(seen.highest, at);
      seen.numbers.set(at);
    }
  }

  /** Records that are not as they were made, or that nobody made. */
  long spoilt() {
    return spoilt;
  }

  /** How many different records of a stream there are. */
  long different(String stream) {
    Seen seen = streams.get(stream);
    return seen == null ? 0 : seen.numbers.cardinality();
  }

  /**
   * The outcome, where each stream numbered its records from 1.
   *
   * @param appended how many records all streams have made
   * @param refused how many more were refused
   */
  Counts counts(long appended, long refused) {
    long stored = streams.values().stream().mapToLong(seen -> seen.numbers.cardinality()).sum();
    return new Counts(
        appended, stored, Math.max(0, appended - stored) + spoilt, duplicates, reordered, refused);
  }
}
