// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.bench.chaos;

import java.util.List;

/**
 * What became of all lines.
 *
 * @param appended lines that must be stored: all that reached the spool, and those in flight at a
 *     kill that the spool held afterwards
 * @param stored lines of those that are stored, in their place
 * @param lost lines of those that are not
 * @param duplicates rows of the store whose number was there before
 * @param reordered rows of the store that come after a later number
 * @param altered rows of the store that hold another line than the ledger has there
 * @param unknown rows of the store that nobody appended, or that the spool had forgotten
 * @param dropped numbers of which the store says that their lines will never come
 * @param inFlight lines whose level was not yet {@code SPOOLED} when their agent was killed
 * @param neverAppended lines of those that the spool did not hold afterwards
 * @param damagedBytes bytes of the store that cannot be read
 * @param examples what is wrong, the first of each kind
 */
record Tally(
    long appended,
    long stored,
    long lost,
    long duplicates,
    long reordered,
    long altered,
    long unknown,
    long dropped,
    long inFlight,
    long neverAppended,
    long damagedBytes,
    List<String> examples) {

  Tally {
    examples = List.copyOf(examples);
  }

  /** Whether every line is stored once, in its place, as it was said. */
  boolean isClean() {
    return lost + duplicates + reordered + altered + unknown + dropped + damagedBytes == 0
        && stored == appended;
  }
}
