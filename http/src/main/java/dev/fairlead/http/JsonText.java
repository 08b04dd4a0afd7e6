// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.http;

/** The one piece of JSON that the server writes by itself: strings in an error. */
final class JsonText {

  private JsonText() {}

  /** The text as a JSON string, quotes included. */
  static String quote(String text) {
    StringBuilder out = new StringBuilder(text.length() + 16).append('"');
    for (int i = 0; i < text.length(); i++) {
      char c = text.charAt(i);
      switch (c) {
        case '"' -> out.append("\\\"");
        case '\\' -> out.append("\\\\");
        case '\n' -> out.append("\\n");
        default -> {
          boolean plain = c >= ' ' && c != 0x7f && !Character.isSurrogate(c);
          boolean pair =
              Character.isHighSurrogate(c)
                  && i + 1 < text.length()
                  && Character.isLowSurrogate(text.charAt(i + 1));
          if (plain) {
            out.append(c);
          } else if (pair) {
            out.append(c).append(text.charAt(++i));
          } else {
            out.append("\\u%04x".formatted((int) c));
          }
        }
      }
    }
    return out.append('"').toString();
  }
}
