// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.computations.migration;

import static dev.fairlead.computations.ComputationException.Category.REFUSED;

import dev.fairlead.computations.ComputationException;
import dev.fairlead.protocol.json.JsonObject;

/**
 * Defects that are to be made in the copies of lines, to see that they are found. What is stored
 * comes from the originals, and is never touched.
 *
 * @param drop lines that are left out, 0 to 100
 * @param alter lines that get another byte, 0 to 100
 * @param duplicate lines that are sent twice, 0 to 100
 * @param seed chooses them
 */
public record Drill(int drop, int alter, int duplicate, long seed) {

  /** No defects. */
  public static final Drill NONE = new Drill(0, 0, 0, 1);

  private static final int MOST = 100;

  /**
   * Checks the ranges.
   *
   * @throws ComputationException {@code REFUSED}, code {@code bad-inject}
   */
  public Drill {
    if (drop < 0
        || alter < 0
        || duplicate < 0
        || drop > MOST
        || alter > MOST
        || duplicate > MOST
        || seed < 0) {
      throw new ComputationException(
          REFUSED,
          "bad-inject",
          "Of each kind of defect 0 to %d can be made, by a seed from 0.".formatted(MOST));
    }
  }

  /** Whether there is nothing to do. */
  public boolean isNone() {
    return drop + alter + duplicate == 0;
  }

  /** Its JSON. */
  public JsonObject toJson() {
    return JsonObject.builder()
        .put("drop", drop)
        .put("alter", alter)
        .put("duplicate", duplicate)
        .put("seed", seed)
        .build();
  }

  /** Reads one; what is absent is 0, the seed 1. */
  public static Drill parse(JsonObject json) {
    return new Drill(
        (int) json.optionalInteger("drop", 0, MOST).orElse(0),
        (int) json.optionalInteger("alter", 0, MOST).orElse(0),
        (int) json.optionalInteger("duplicate", 0, MOST).orElse(0),
        json.optionalInteger("seed", 0, Long.MAX_VALUE).orElse(1));
  }
}
