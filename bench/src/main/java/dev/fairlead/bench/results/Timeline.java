// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.bench.results;

import static java.util.Objects.requireNonNull;

import java.util.Comparator;
import java.util.List;

/**
 * How a run went by.
 *
 * @param points how many records were stored when, by rising time
 * @param marks what was done when: faults and their ends; they are brought into order
 */
public record Timeline(List<Point> points, List<Mark> marks) {

  /** Nothing was noted. */
  public static final Timeline NONE = new Timeline(List.of(), List.of());

  /** Copies the lists, the marks by rising time. */
  public Timeline {
    points = List.copyOf(points);
    marks = marks.stream().sorted(Comparator.comparingLong(Mark::millis)).toList();
  }

  /**
   * A look at the counter.
   *
   * @param millis since the run's start
   * @param stored records stored since the run's start
   */
  public record Point(long millis, long stored) {}

  /**
   * Something that was done.
   *
   * @param millis since the run's start
   * @param what in a few words: {@code broker killed}
   */
  public record Mark(long millis, String what) {

    /** Checks for null. */
    public Mark {
      requireNonNull(what, "what is null");
    }
  }
}
