// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.bench.results;

import java.util.ArrayDeque;
import java.util.Deque;

/**
 * Writes elements that are well-formed as XML and mean the same as HTML. Whatever text or attribute
 * it is given comes out as text: it can end no element and steer no reader.
 */
final class Markup {

  private final StringBuilder out = new StringBuilder(1 << 16);
  private final Deque<String> open = new ArrayDeque<>();

  /** Begins an element; attributes are names and values in turn. */
  Markup open(String name, Object... attributes) {
    begin(name, attributes);
    out.append('>');
    open.push(name);
    return this;
  }

  /** Ends the element that was begun last. */
  Markup close() {
    out.append("</").append(open.pop()).append('>');
    return this;
  }

  /** Ends the element that was begun last, and its line. */
  Markup closeLine() {
    close();
    out.append('\n');
    return this;
  }

  /** An element with nothing in it. */
  Markup empty(String name, Object... attributes) {
    begin(name, attributes);
    out.append("/>");
    return this;
  }

  /** An element with text in it. */
  Markup element(String name, String text, Object... attributes) {
    return open(name, attributes).text(text).close();
  }

  /** Text. */
  Markup text(String text) {
    escape(text, out);
    return this;
  }

  /** What is written here is ours and goes as it is. */
  Markup raw(String ours) {
    out.append(ours);
    return this;
  }

  /** Where writing stands. */
  record Place(int length, int depth) {}

  /** Where writing stands now. */
  Place mark() {
    return new Place(out.length(), open.size());
  }

  /** Takes back what was written since; as many elements must be open as then. */
  void back(Place place) {
    if (place.depth() != open.size()) {
      throw new IllegalStateException("not ended: " + open);
    }
    out.setLength(place.length());
  }

  /** All that was written. */
  String done() {
    if (!open.isEmpty()) {
      throw new IllegalStateException("not ended: " + open);
    }
    return out.toString();
  }

  private void begin(String name, Object... attributes) {
    if (attributes.length % 2 != 0) {
      throw new IllegalArgumentException("attributes are names and values in turn");
    }
    out.append('<').append(name);
    for (int i = 0; i < attributes.length; i += 2) {
      out.append(' ').append(attributes[i]).append("=\"");
      escape(written(attributes[i + 1]), out);
      out.append('"');
    }
  }

  private static String written(Object value) {
    return value instanceof Double number ? Figures.coordinate(number) : value.toString();
  }

  private static void escape(String text, StringBuilder out) {
    text.codePoints()
        .forEach(
            c -> {
              switch (c) {
                case '<' -> out.append("&lt;");
                case '>' -> out.append("&gt;");
                case '&' -> out.append("&amp;");
                case '"' -> out.append("&quot;");
                case '\'' -> out.append("&#39;");
                default -> out.appendCodePoint(isPlain(c) ? c : 0xfffd);
              }
            });
  }

  private static boolean isPlain(int c) {
    return switch (Character.getType(c)) {
      case Character.CONTROL -> c == '\n' || c == '\t';
      case Character.SURROGATE, Character.UNASSIGNED, Character.FORMAT, Character.PRIVATE_USE ->
          false;
      default -> true;
    };
  }
}
