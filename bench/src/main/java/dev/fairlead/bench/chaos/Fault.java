// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.bench.chaos;

import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Random;

/**
 * Something that is done to a run.
 *
 * @param at when it begins, from the start of the run
 * @param lasts how long until it is mended; zero where it mends by itself
 * @param subject whom it hits: an agent, from 0; the collector's link is that behind the last agent
 */
record Fault(Kind kind, Duration at, Duration lasts, int subject) {

  /** What is done; the names are those of the result. */
  enum Kind {
    /** The broker or hub is killed, and starts again by itself. */
    BROKER_KILL("brokerKill", 0, 0),
    /** It stands still, with its connections open. */
    BROKER_STALL("brokerStall", 2000, 6000),
    /** An agent is killed, and started again later on the same spool. */
    AGENT_KILL("agentKill", 100, 2000),
    /** All connections of one link break, and none comes about. */
    LINK_CUT("linkCut", 300, 4000),
    /** The collector is killed, and started again later on the same store. */
    COLLECTOR_KILL("collectorKill", 100, 2500);

    private final String label;
    private final long shortest;
    private final int longest;

    Kind(String label, int shortest, int longest) {
      this.label = label;
      this.shortest = shortest;
      this.longest = longest;
    }

    String label() {
      return label;
    }
  }

  private static final long FIRST_MILLIS = 2000;
  private static final long LAST_MILLIS = 1000;
  private static final long EACH_MILLIS = 5000;
  private static final long BREATH_MILLIS = 300;

  /**
   * What a connection may take to come back: a stall is only noticed by those who are connected.
   */
  private static final long RECOVERY_MILLIS = 3000;

  /** When it is mended. */
  Duration until() {
    return at.plus(lasts);
  }

  /**
   * Plans the faults of a run: every kind at least once, one for each five seconds. Faults overlap
   * at times, but for a stall, whose notice is measured. The first stall is the longest that there
   * is. The same seed, length and number of agents give the same plan, on every platform.
   */
  static List<Fault> plan(long seed, Duration length, int agents) {
    Random random = new Random(seed);
    Kind[] kinds = Kind.values();
    int count = (int) Math.max(kinds.length, length.toMillis() / EACH_MILLIS);
    List<Kind> row = new ArrayList<>(List.of(kinds));
    while (row.size() < count) {
      row.add(kinds[random.nextInt(kinds.length)]);
    }
    Collections.shuffle(row, random);
    long slot = Math.max(1, (length.toMillis() - FIRST_MILLIS - LAST_MILLIS) / count);
    List<Fault> plan = new ArrayList<>();
    boolean stalled = false;
    long free = 0;
    for (int i = 0; i < count; i++) {
      Kind kind = row.get(i);
      long at = Math.max(free, FIRST_MILLIS + i * slot + random.nextInt((int) slot / 3 + 1));
      long lasts = kind.shortest + random.nextInt((int) (kind.longest - kind.shortest) + 1);
      int subject = random.nextInt(kind == Kind.LINK_CUT ? agents + 1 : agents);
      if (kind == Kind.BROKER_STALL) {
        lasts = stalled ? lasts : kind.longest;
        stalled = true;
        // Nothing else is under way when it begins, nor begins before it is over.
        for (Fault before : plan) {
          at = Math.max(at, before.until().toMillis() + RECOVERY_MILLIS);
        }
        free = at + lasts + BREATH_MILLIS;
      }
      plan.add(new Fault(kind, Duration.ofMillis(at), Duration.ofMillis(lasts), subject));
    }
    return List.copyOf(plan);
  }
}
