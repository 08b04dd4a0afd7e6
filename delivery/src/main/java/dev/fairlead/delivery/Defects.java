// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.delivery;

import static java.nio.charset.StandardCharsets.US_ASCII;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.NavigableMap;
import java.util.SplittableRandom;
import java.util.TreeMap;

/**
 * Defects that are made in the copies of one stream, before they are hashed, to see that whoever
 * compares them with the originals finds them. Which records are hit follows from a seed and from
 * the number at which the copies begin; the originals are never touched.
 */
public final class Defects {

  /** No defects in any stream. */
  public static final Defects NONE = new Defects("", 0, 0, 0, 1);

  /** So many records go by before the first that is hit, and between two of them at most. */
  private static final int PAUSE = 20;

  /** What is done to a record. */
  public enum Kind {
    /** It is left out. */
    DROP,
    /** One of its bytes is another. */
    ALTER,
    /** It is sent twice. */
    DUPLICATE;

    /** The word in documents. */
    public String word() {
      return name().toLowerCase(Locale.ROOT);
    }
  }

  /** Told what was done, on a thread of the copies. */
  @FunctionalInterface
  public interface Listener {

    /** Tells nobody. */
    Listener NONE = (stream, kind, number) -> {};

    /** A record of a copy was hit. */
    void made(StreamId stream, Kind kind, long number);
  }

  private final String address;
  private final int drop;
  private final int alter;
  private final int duplicate;
  private final long seed;

  /**
   * Makes some.
   *
   * @param address of the stream
   * @param drop how many records are left out, from 0
   * @param alter how many are altered, from 0
   * @param duplicate how many are sent twice, from 0
   * @param seed chooses them
   */
  public Defects(String address, int drop, int alter, int duplicate, long seed) {
    if (drop < 0 || alter < 0 || duplicate < 0) {
      throw new IllegalArgumentException("Of each kind of defect there are 0 or more.");
    }
    this.address = address;
    this.drop = drop;
    this.alter = alter;
    this.duplicate = duplicate;
    this.seed = seed;
  }

  /** What to do to which number of a stream whose copies begin at one. */
  NavigableMap<Long, Kind> of(StreamId stream, long start) {
    NavigableMap<Long, Kind> plan = new TreeMap<>();
    if (stream.address().equals(address)) {
      List<Kind> kinds = new ArrayList<>();
      Map<Kind, Integer> counts = new HashMap<>();
      counts.put(Kind.DROP, drop);
      counts.put(Kind.ALTER, alter);
      counts.put(Kind.DUPLICATE, duplicate);
      for (Kind kind : Kind.values()) {
        for (int i = 0; i < counts.getOrDefault(kind, 0); i++) {
          kinds.add(kind);
        }
      }
      SplittableRandom random = new SplittableRandom(seed);
      long number = start + PAUSE;
      while (!kinds.isEmpty()) {
        number += 1 + random.nextInt(PAUSE);
        plan.put(number, kinds.remove(random.nextInt(kinds.size())));
      }
    }
    return plan;
  }

  /** A record that is another; of the same length where it has any bytes. */
  static byte[] altered(byte[] record) {
    if (record.length == 0) {
      return "x".getBytes(US_ASCII);
    }
    byte[] other = record.clone();
    int at = record.length / 2;
    other[at] = (byte) (other[at] == 'x' ? 'y' : 'x');
    return other;
  }
}
