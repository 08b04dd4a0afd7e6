// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.bench.results;

/**
 * What became of the records of a run, counted by who compares what was given with what was stored.
 *
 * @param appended records that the producer handed over, the warm-up's too
 * @param stored of them, those that the collector has, each counted once
 * @param lost of them, those that it does not have when all has drained
 * @param duplicates records that it has a further time
 * @param reordered records behind a later one
 * @param refused records that were refused when they were handed over, not part of {@code appended}
 */
public record Counts(
    long appended, long stored, long lost, long duplicates, long reordered, long refused) {

  /** Whether each record is there once, in its place. */
  public boolean isClean() {
    return lost == 0 && duplicates == 0 && reordered == 0;
  }
}
