// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.bench.results;

import java.util.List;

/**
 * A table before it is written: as text, Markdown or HTML.
 *
 * @param title what it shows
 * @param note a sentence that its reader needs, or nothing
 * @param columns heads; the first column is set to the left, all others as {@code textColumns} says
 * @param textColumns how many columns hold words, from the left; the others hold figures
 * @param lines from top to bottom
 */
record Sheet(String title, String note, List<String> columns, int textColumns, List<Line> lines) {

  Sheet {
    columns = List.copyOf(columns);
    lines = List.copyOf(lines);
  }

  /** What a line is. */
  enum Kind {
    /** Says what the lines below it belong to; has one cell. */
    HEADING,
    /** Ours. */
    OURS,
    /** A baseline. */
    BASELINE
  }

  /** A line. */
  record Line(Kind kind, List<String> cells) {

    Line {
      cells = List.copyOf(cells);
    }

    static Line heading(String text) {
      return new Line(Kind.HEADING, List.of(text));
    }

    static Line of(boolean ours, List<String> cells) {
      return new Line(ours ? Kind.OURS : Kind.BASELINE, cells);
    }
  }
}
