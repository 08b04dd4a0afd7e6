// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.bench.results;

import java.util.List;
import java.util.Locale;

/**
 * Writes results as Markdown, and puts them where a document says they belong: between the two
 * lines {@link #BEGIN} and {@link #END}.
 */
public final class MarkdownReport {

  /** The line above the results in a document. */
  public static final String BEGIN = "<!-- results: begin; written by fairlead bench -->";

  /** The line below them. */
  public static final String END = "<!-- results: end -->";

  private MarkdownReport() {}

  /** All tables, and what must be known about them. */
  public static String of(Results results) {
    StringBuilder text = new StringBuilder();
    for (Facts.Fact fact : Facts.of(results)) {
      text.append("- ").append(fact.name()).append(": ").append(escaped(fact.value())).append('\n');
    }
    List<String> warnings = Facts.warnings(results);
    warnings.forEach(warning -> text.append("- ").append(escaped(warning)).append('\n'));
    for (Sheet sheet : Sheets.of(results)) {
      text.append("\n### ").append(escaped(sheet.title())).append("\n\n");
      if (!sheet.note().isEmpty()) {
        text.append(escaped(sheet.note())).append("\n\n");
      }
      table(sheet, text);
    }
    return text.toString();
  }

  /**
   * A document with what lies between the two lines replaced.
   *
   * @throws IllegalArgumentException when the document does not have the two lines, in this order
   */
  public static String into(String document, Results results) {
    int begin = document.indexOf(BEGIN);
    int end = document.indexOf(END);
    if (begin < 0 || end < begin) {
      throw new IllegalArgumentException(
          "the document has no place for results: add the lines '%s' and '%s'"
              .formatted(BEGIN, END));
    }
    return document.substring(0, begin + BEGIN.length())
        + "\n\n"
        + of(results)
        + "\n"
        + document.substring(end);
  }

  private static void table(Sheet sheet, StringBuilder text) {
    row(sheet.columns(), sheet.columns().size(), "", text);
    text.append('|');
    for (int i = 0; i < sheet.columns().size(); i++) {
      text.append(i < sheet.textColumns() ? " --- |" : " ---: |");
    }
    text.append('\n');
    for (Sheet.Line line : sheet.lines()) {
      boolean strong = line.kind() != Sheet.Kind.BASELINE && sheet.textColumns() == 1;
      row(line.cells(), sheet.columns().size(), strong ? "**" : "", text);
    }
  }

  /** A row; its first cell between two marks, all cells below its head. */
  private static void row(List<String> cells, int columns, String mark, StringBuilder text) {
    text.append('|');
    for (int i = 0; i < columns; i++) {
      String cell = i < cells.size() ? escaped(cells.get(i)) : "";
      String around = i == 0 && !cell.isEmpty() ? mark : "";
      text.append(' ').append(around).append(cell).append(around).append(" |");
    }
    text.append('\n');
  }

  /** What Markdown would read as its own is written as a character reference. */
  private static String escaped(String text) {
    StringBuilder escaped = new StringBuilder(text.length());
    text.codePoints()
        .forEach(
            c -> {
              if (c < ' ' || c == 0x7f) {
                escaped.append(' ');
              } else if ("\\`*_[]<>&|#~".indexOf(c) >= 0 && !isHarmless(c, text)) {
                escaped.append(String.format(Locale.ROOT, "&#%d;", c));
              } else {
                escaped.appendCodePoint(c);
              }
            });
    return escaped.toString();
  }

  /** An underscore within a word, or a lone star, is shown as it is. */
  private static boolean isHarmless(int c, String text) {
    return c == '*'
        && text.chars().filter(other -> other == '*').count() == 1
        && text.endsWith(" *");
  }
}
