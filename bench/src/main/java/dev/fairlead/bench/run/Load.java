// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.bench.run;

import dev.fairlead.bench.rig.Words;
import java.util.SortedMap;
import java.util.TreeMap;

/**
 * What is said, how fast, and what of it is measured.
 *
 * @param bytes of a record's encoded line
 * @param rate records a second of each agent, 0 for as many as there can be; after a hurry, 0 for
 *     as many as are told then
 * @param agents how many agents there are, in one process
 * @param quiet how many further streams of each agent say 100 records a second
 * @param from number of the first record whose latency is measured, counted behind what was said at
 *     full speed; 0 to measure none
 * @param last number of the last record of each stream, counted likewise; 0 to say records until
 *     told to end
 * @param spooled whether agents have a spool
 * @param early whether agents begin before they are connected
 * @param slowBytesPerSecond what the collector's disk takes in a second, 0 for as much as it can
 * @param hurried whether records are said as quickly as can be, until that is enough, before the
 *     rate begins, so that everybody's code is compiled; of many agents some are
 */
record Load(
    int bytes,
    long rate,
    int agents,
    int quiet,
    long from,
    long last,
    boolean spooled,
    boolean early,
    long slowBytesPerSecond,
    boolean hurried) {

  /** Records a second of a quiet stream. */
  static final int QUIET_RATE = 100;

  private static final String BYTES = "load.bytes";
  private static final String RATE = "load.rate";
  private static final String AGENTS = "load.agents";
  private static final String QUIET = "load.quiet";
  private static final String FROM = "load.from";
  private static final String LAST = "load.last";
  private static final String SPOOLED = "load.spooled";
  private static final String EARLY = "load.early";
  private static final String SLOW = "load.slow";
  private static final String HURRIED = "load.hurried";

  /** As many as there can be, of one agent. */
  static Load greatest(int bytes) {
    return new Load(bytes, 0, 1, 0, 0, 0, false, false, 0, false);
  }

  /** So many a second of one agent, for ever. */
  static Load steady(int bytes, long rate) {
    return new Load(bytes, rate, 1, 0, 0, 0, false, false, 0, false);
  }

  /**
   * The same with its latency measured, and an end.
   *
   * @param warmUp seconds that are not measured
   * @param seconds that are
   */
  Load measured(double warmUp, double seconds) {
    long first = (long) (warmUp * rate) + 1;
    return new Load(
        bytes,
        rate,
        agents,
        quiet,
        first,
        first + (long) (seconds * rate) - 1,
        spooled,
        early,
        slowBytesPerSecond,
        hurried);
  }

  /** The same after agents have been hurried until that is enough. */
  Load afterHurry() {
    return new Load(
        bytes, rate, agents, quiet, from, last, spooled, early, slowBytesPerSecond, true);
  }

  /** The same of so many agents. */
  Load of(int count) {
    return new Load(
        bytes, rate, count, quiet, from, last, spooled, early, slowBytesPerSecond, hurried);
  }

  /** The same with quiet streams beside, whose latency is measured once that is told. */
  Load besideQuiet(int streams) {
    return new Load(
        bytes, rate, agents, streams, 1, last, spooled, early, slowBytesPerSecond, hurried);
  }

  /** The same with a spool under it. */
  Load withSpool() {
    return new Load(
        bytes, rate, agents, quiet, from, last, true, early, slowBytesPerSecond, hurried);
  }

  /** The same, begun without waiting for a connection. */
  Load fromTheStart() {
    return new Load(
        bytes, rate, agents, quiet, from, last, spooled, true, slowBytesPerSecond, hurried);
  }

  /** The same with a slow disk under the collector. */
  Load intoSlowDisk(long bytesPerSecond) {
    return new Load(
        bytes, rate, agents, quiet, from, last, spooled, early, bytesPerSecond, hurried);
  }

  /** As a process is told. */
  SortedMap<String, String> words() {
    SortedMap<String, String> words = new TreeMap<>();
    words.put(BYTES, Integer.toString(bytes));
    words.put(RATE, Long.toString(rate));
    words.put(AGENTS, Integer.toString(agents));
    words.put(QUIET, Integer.toString(quiet));
    words.put(FROM, Long.toString(from));
    words.put(LAST, Long.toString(last));
    words.put(SPOOLED, Boolean.toString(spooled));
    words.put(EARLY, Boolean.toString(early));
    words.put(SLOW, Long.toString(slowBytesPerSecond));
    words.put(HURRIED, Boolean.toString(hurried));
    return words;
  }

  static Load read(Words words) {
    return new Load(
        (int) words.number(BYTES),
        words.number(RATE),
        (int) words.number(AGENTS),
        (int) words.number(QUIET),
        words.number(FROM),
        words.number(LAST),
        Boolean.parseBoolean(words.get(SPOOLED)),
        Boolean.parseBoolean(words.get(EARLY)),
        words.number(SLOW),
        Boolean.parseBoolean(words.get(HURRIED)));
  }
}
