// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.runtime.cli;

import java.util.BitSet;
import java.util.concurrent.atomic.AtomicLong;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Holds the stored lines of the example against what its algorithm says: {@code line N: …} for each
 * N from 1 on, once, in order. Live lines are counted by another thread; the rest belongs to one.
 */
final class LineLedger {

  private static final Pattern NUMBERED = Pattern.compile("line (\\d{1,9}): .*");

  private final AtomicLong live = new AtomicLong();
  private final BitSet seen = new BitSet();
  private long lines;
  private long duplicates;
  private boolean ordered = true;

  /** Counts a line as it comes and returns its number. */
  long live() {
    return live.incrementAndGet();
  }

  /** How many lines have come so far. */
  long heard() {
    return live.get();
  }

  /** Notes a stored line. */
  void check(String message) {
    lines++;
    Matcher matcher = NUMBERED.matcher(message);
    if (!matcher.matches()) {
      return;
    }
    int number = Integer.parseInt(matcher.group(1));
    if (seen.get(number)) {
      duplicates++;
    } else if (number != seen.length() && number != 1) {
      ordered = false;
    }
    seen.set(number);
  }

  /** All stored lines, numbered or not. */
  long lines() {
    return lines;
  }

  /** Numbered lines that were stored more than once, each repeat counted. */
  long duplicates() {
    return duplicates;
  }

  /** Numbers below the highest that were never stored. */
  long missing() {
    return Math.max(0, seen.length() - 1 - seen.cardinality());
  }

  /** The highest number that was stored. */
  int highest() {
    return Math.max(0, seen.length() - 1);
  }

  /** Whether every number up to {@code expected} was stored once, in order, and none beyond. */
  boolean isWhole(int expected) {
    return ordered && duplicates == 0 && missing() == 0 && highest() == expected;
  }
}
