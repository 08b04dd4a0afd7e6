// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.computations.store;

import java.util.Arrays;

/**
 * Where the lines of one stream of one computation lie in the log, in order: 16 bytes of memory for
 * each entry. Lines count from 1. Guarded by its owner.
 */
final class Tape {

  private long[] positions = new long[16];
  private long[] lastLines = new long[16];
  private int size;

  /** Adds an entry at the end. */
  void add(long position, int lines) {
    if (size == positions.length) {
      positions = Arrays.copyOf(positions, size * 2);
      lastLines = Arrays.copyOf(lastLines, size * 2);
    }
    positions[size] = position;
    lastLines[size] = lines() + lines;
    size++;
  }

  /** How many lines there are. */
  long lines() {
    return size == 0 ? 0 : lastLines[size - 1];
  }

  /** The index of the entry that holds a line; -1 when there is no such line yet. */
  int entryOf(long line) {
    if (line < 1 || line > lines()) {
      return -1;
    }
    int found = Arrays.binarySearch(lastLines, 0, size, line);
    return found >= 0 ? found : -found - 1;
  }

  long position(int entry) {
    return positions[entry];
  }

  /** The number of the first line of an entry. */
  long firstLine(int entry) {
    return entry == 0 ? 1 : lastLines[entry - 1] + 1;
  }
}
