// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.computations.parity;

import java.util.Map;
import java.util.TreeMap;

/** A set of numbers, kept as ranges that do not touch; bounded. Not safe for several threads. */
final class Ranges {

  private static final int MOST = 1024;

  private final TreeMap<Long, Long> lastByFirst = new TreeMap<>();

  /** Adds all from one number to another; nothing where the second is smaller. */
  void add(long first, long last) {
    if (last < first) {
      return;
    }
    long from = first;
    long to = last;
    Map.Entry<Long, Long> near = lastByFirst.floorEntry(to == Long.MAX_VALUE ? to : to + 1);
    while (near != null && near.getValue() >= from - 1) {
      from = Math.min(from, near.getKey());
      to = Math.max(to, near.getValue());
      lastByFirst.remove(near.getKey());
      near = lastByFirst.floorEntry(to == Long.MAX_VALUE ? to : to + 1);
    }
    lastByFirst.put(from, to);
    if (lastByFirst.size() > MOST) {
      lastByFirst.pollFirstEntry(); // the oldest: what was in it is long judged
    }
  }

  boolean contains(long number) {
    Map.Entry<Long, Long> near = lastByFirst.floorEntry(number);
    return near != null && near.getValue() >= number;
  }

  boolean isEmpty() {
    return lastByFirst.isEmpty();
  }

  /** Forgets what lies wholly below a number. */
  void forgetBelow(long number) {
    while (!lastByFirst.isEmpty() && lastByFirst.firstEntry().getValue() < number) {
      lastByFirst.pollFirstEntry();
    }
  }
}
