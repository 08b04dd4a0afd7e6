// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.computations.parity;

/**
 * Remembers the last batches that came over one way, so that one sending that comes twice is told
 * from a batch that its sender has sent again: the sender counts its sendings, so the latter bears
 * another turn. What came over one line and comes over the one that takes its place is not twice.
 * Not safe for several threads.
 */
final class Sendings {

  private static final int MOST = 1024;

  private final long[] lines = new long[MOST];
  private final long[] turns = new long[MOST];
  private final long[] firsts = new long[MOST];
  private final long[] lasts = new long[MOST];
  private int size;
  private int next;

  /** The range that came before in the same sending; first &gt; last where there is none. */
  record Repeated(long first, long last) {

    static final Repeated NONE = new Repeated(1, 0);

    boolean contains(long number) {
      return number >= first && number <= last;
    }

    boolean isNone() {
      return first > last;
    }
  }

  /** Notes a batch. A turn of 0 is not known, and never repeats. */
  Repeated note(long line, long turn, long first, long last) {
    if (turn == 0) {
      return Repeated.NONE;
    }
    for (int i = 0; i < size; i++) {
      if (turns[i] == turn && lines[i] == line && firsts[i] <= last && lasts[i] >= first) {
        return new Repeated(Math.max(first, firsts[i]), Math.min(last, lasts[i]));
      }
    }
    lines[next] = line;
    turns[next] = turn;
    firsts[next] = first;
    lasts[next] = last;
    next = (next + 1) % MOST;
    size = Math.min(size + 1, MOST);
    return Repeated.NONE;
  }
}
