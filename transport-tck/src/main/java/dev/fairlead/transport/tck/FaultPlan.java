// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.transport.tck;

import java.util.ArrayList;
import java.util.List;
import java.util.Random;

/** A row of faults that follows from a seed. */
public final class FaultPlan {

  /** What is done to the peer. */
  public enum Kind {
    /** {@link Faults#kill()}. */
    KILL,
    /** {@link Faults#restart()}. */
    RESTART,
    /** {@link Faults#stall()}. */
    STALL,
    /** {@link Faults#resume()}. */
    RESUME,
    /** {@link Faults#partition(String)}. */
    PARTITION,
    /** {@link Faults#heal(String)}. */
    HEAL
  }

  /**
   * One of them.
   *
   * @param subject whose link is meant, for {@code PARTITION} and {@code HEAL}
   */
  public record Step(Kind kind, String subject) {

    /** Does it. */
    public void apply(Faults faults) {
      switch (kind) {
        case KILL -> faults.kill();
        case RESTART -> faults.restart();
        case STALL -> faults.stall();
        case RESUME -> faults.resume();
        case PARTITION -> faults.partition(subject);
        case HEAL -> faults.heal(subject);
      }
    }
  }

  private FaultPlan() {}

  /**
   * Plans faults; the same seed and subjects give the same plan, on every platform. The last fault
   * may still be in force at the end: {@link Faults#mend()} ends it.
   *
   * @param steps how many, 0 or more
   * @param subjects whose links may be cut; one or more
   */
  public static List<Step> of(long seed, int steps, List<String> subjects) {
    Random random = new Random(seed);
    Kind[] kinds = Kind.values();
    List<Step> plan = new ArrayList<>();
    for (int i = 0; i < steps; i++) {
      Kind kind = kinds[random.nextInt(kinds.length)];
      plan.add(new Step(kind, subjects.get(random.nextInt(subjects.size()))));
    }
    return List.copyOf(plan);
  }
}
