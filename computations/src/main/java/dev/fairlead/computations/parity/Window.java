// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.computations.parity;

import java.nio.ByteBuffer;
import java.security.MessageDigest;
import java.util.BitSet;
import java.util.HexFormat;
import org.jspecify.annotations.Nullable;

/**
 * So many consecutive numbers, and for each of them, from each side, the hash of what came first.
 * Not safe for several threads.
 */
final class Window {

  private final long first;
  private final int size;
  private final long[] @Nullable [] hashes = new long[Side.COUNT][];
  private final BitSet[] seen = {new BitSet(), new BitSet()};
  private final int[] present = new int[Side.COUNT];
  private boolean closed;
  private long touched;

  Window(long first, int size, long now) {
    this.first = first;
    this.size = size;
    this.touched = now;
  }

  long first() {
    return first;
  }

  long last() {
    return first + size - 1;
  }

  boolean isClosed() {
    return closed;
  }

  /** When something came for it last, in ns. */
  long touched() {
    return touched;
  }

  /** Lets go of all that takes room. */
  void close() {
    closed = true;
    for (int side = 0; side < Side.COUNT; side++) {
      hashes[side] = null;
      seen[side].clear();
    }
  }

  boolean has(int side, long number) {
    return seen[side].get((int) (number - first));
  }

  long hash(int side, long number) {
    long[] known = hashes[side];
    return known == null ? 0 : known[(int) (number - first)];
  }

  void put(int side, long number, long hash, long now) {
    long[] known = hashes[side];
    if (known == null) {
      known = new long[size];
      hashes[side] = known;
    }
    int at = (int) (number - first);
    known[at] = hash;
    seen[side].set(at);
    present[side]++;
    touched = now;
  }

  int present(int side) {
    return present[side];
  }

  boolean isFull() {
    return present[0] == size && present[1] == size;
  }

  /**
   * The hash of what came from one side: SHA-256 over, for each record in the order of its number,
   * the number (8 bytes, big-endian) and the first 8 bytes of the SHA-256 of the record.
   */
  String digest(int side, MessageDigest sha256) {
    long[] known = hashes[side];
    BitSet there = seen[side];
    ByteBuffer all = ByteBuffer.allocate(16 * there.cardinality());
    if (known != null) {
      for (int at = there.nextSetBit(0); at >= 0; at = there.nextSetBit(at + 1)) {
        all.putLong(first + at).putLong(known[at]);
      }
    }
    return HexFormat.of().formatHex(sha256.digest(all.array()));
  }
}
