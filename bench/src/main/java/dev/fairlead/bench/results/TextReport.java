// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.bench.results;

import java.util.ArrayList;
import java.util.List;

/** Writes results for a terminal, in at most {@value #WIDTH} columns. */
public final class TextReport {

  /** How many columns it takes at most. */
  public static final int WIDTH = 100;

  private static final String GAP = "  ";
  private static final int LEAST = 12;

  private TextReport() {}

  /** All tables, and what must be known about them. */
  public static List<String> of(Results results) {
    List<String> lines = new ArrayList<>();
    for (Facts.Fact fact : Facts.of(results)) {
      wrap(pad(fact.name(), 10, false), fact.value(), lines);
    }
    for (Sheet sheet : Sheets.of(results)) {
      lines.add("");
      lines.addAll(table(sheet));
    }
    List<String> warnings = Facts.warnings(results);
    if (!warnings.isEmpty()) {
      lines.add("");
      warnings.forEach(warning -> wrap("", warning, lines));
    }
    return List.copyOf(lines);
  }

  /** One table. */
  static List<String> table(Sheet sheet) {
    List<String> lines = new ArrayList<>();
    wrap("", sheet.title() + (sheet.note().isEmpty() ? "" : ". " + sheet.note()), lines);
    int[] widths = widths(sheet);
    List<String> heads = new ArrayList<>();
    for (int i = 0; i < widths.length; i++) {
      heads.add(pad(sheet.columns().get(i), widths[i], i >= sheet.textColumns()));
    }
    lines.add(stripped(String.join(GAP, heads)));
    for (Sheet.Line line : sheet.lines()) {
      if (line.kind() == Sheet.Kind.HEADING) {
        lines.add(cut(clean(line.cells().get(0)), WIDTH));
        continue;
      }
      List<String> cells = new ArrayList<>();
      for (int i = 0; i < widths.length; i++) {
        cells.add(pad(cell(line, i), widths[i], i >= sheet.textColumns()));
      }
      lines.add(stripped(String.join(GAP, cells)));
    }
    return lines;
  }

  /** As wide as the widest cell; where that is too much, columns of words give way first. */
  private static int[] widths(Sheet sheet) {
    int[] widths = new int[sheet.columns().size()];
    int sum = GAP.length() * (widths.length - 1);
    for (int i = 0; i < widths.length; i++) {
      widths[i] = length(sheet.columns().get(i));
      for (Sheet.Line line : sheet.lines()) {
        if (line.kind() != Sheet.Kind.HEADING) {
          widths[i] = Math.max(widths[i], length(cell(line, i)));
        }
      }
      sum += widths[i];
    }
    for (; sum > WIDTH; sum--) {
      int widest = widest(widths, sheet.textColumns());
      widths[widths[widest] > LEAST ? widest : widest(widths, widths.length)]--;
    }
    return widths;
  }

  private static int widest(int[] widths, int columns) {
    int widest = 0;
    for (int i = 1; i < columns; i++) {
      if (widths[i] > widths[widest]) {
        widest = i;
      }
    }
    return widest;
  }

  /** A cell; a baseline's name stands a little to the right. */
  private static String cell(Sheet.Line line, int column) {
    String text = column < line.cells().size() ? clean(line.cells().get(column)) : "";
    boolean name = column == 0 && line.kind() != Sheet.Kind.HEADING;
    return !name ? text : (line.kind() == Sheet.Kind.BASELINE ? "    " : "  ") + text;
  }

  /** Adds a text in as many lines as it takes, each as far in as the head is long. */
  static void wrap(String head, String text, List<String> lines) {
    String indent = " ".repeat(head.length());
    StringBuilder line = new StringBuilder(head);
    boolean empty = true;
    for (String word : clean(text).split(" ", -1)) {
      if (!empty && line.length() + 1 + word.length() > WIDTH) {
        lines.add(stripped(line.toString()));
        line = new StringBuilder(indent);
        empty = true;
      }
      line.append(empty ? "" : " ").append(cut(word, WIDTH - head.length()));
      empty = false;
    }
    lines.add(stripped(line.toString()));
  }

  private static String pad(String text, int width, boolean right) {
    String shown = cut(text, width);
    String space = " ".repeat(Math.max(0, width - length(shown)));
    return right ? space + shown : shown + space;
  }

  private static String cut(String text, int width) {
    return length(text) <= width
        ? text
        : text.substring(0, text.offsetByCodePoints(0, Math.max(0, width - 1))) + "…";
  }

  private static int length(String text) {
    return text.codePointCount(0, text.length());
  }

  /** Foreign text could steer the terminal. */
  private static String clean(String text) {
    StringBuilder clean = new StringBuilder(text.length());
    text.codePoints()
        .forEach(
            c -> {
              int type = Character.getType(c);
              boolean steers =
                  type == Character.CONTROL
                      || type == Character.FORMAT
                      || type == Character.SURROGATE
                      || type == Character.LINE_SEPARATOR
                      || type == Character.PARAGRAPH_SEPARATOR;
              clean.appendCodePoint(steers ? '?' : c);
            });
    return clean.toString();
  }

  private static String stripped(String line) {
    return line.stripTrailing();
  }
}
