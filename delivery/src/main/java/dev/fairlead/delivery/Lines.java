// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.delivery;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;

/** Finds newlines, eight bytes at a time: every byte of every record is looked at. */
final class Lines {

  private static final VarHandle LONGS =
      MethodHandles.byteArrayViewVarHandle(long[].class, ByteOrder.LITTLE_ENDIAN);
  private static final long NEWLINES = 0x0a0a0a0a0a0a0a0aL;
  private static final long ONES = 0x0101010101010101L;
  private static final long HIGHS = 0x8080808080808080L;

  private Lines() {}

  /** Whether there is a newline. */
  static boolean hasNewline(byte[] bytes, int from, int to) {
    int i = from;
    for (; i <= to - 8; i += 8) {
      long x = (long) LONGS.get(bytes, i) ^ NEWLINES;
      if (((x - ONES) & ~x & HIGHS) != 0) {
        return true;
      }
    }
    for (; i < to; i++) {
      if (bytes[i] == '\n') {
        return true;
      }
    }
    return false;
  }

  /** How many newlines there are between position and limit. */
  static int count(ByteBuffer payload) {
    if (payload.hasArray()) {
      int from = payload.arrayOffset() + payload.position();
      return count(payload.array(), from, from + payload.remaining());
    }
    int found = 0;
    for (int i = payload.position(); i < payload.limit(); i++) {
      if (payload.get(i) == '\n') {
        found++;
      }
    }
    return found;
  }

  private static int count(byte[] bytes, int from, int to) {
    int found = 0;
    int i = from;
    for (; i <= to - 8; i += 8) {
      long x = (long) LONGS.get(bytes, i) ^ NEWLINES;
      // exactly one high bit for each byte that is zero, unlike the shorter test above
      long zeros = ~(((x & ~HIGHS) + ~HIGHS) | x | ~HIGHS);
      found += Long.bitCount(zeros);
    }
    for (; i < to; i++) {
      if (bytes[i] == '\n') {
        found++;
      }
    }
    return found;
  }

  /** Index just behind the n-th newline, counted from the position; n from 1. */
  static int behind(ByteBuffer payload, long n) {
    long left = n;
    for (int i = payload.position(); i < payload.limit(); i++) {
      if (payload.get(i) == '\n' && --left == 0) {
        return i + 1;
      }
    }
    throw new IllegalArgumentException("There are fewer lines than that.");
  }
}
