// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.transport.nats.access;

import java.util.Collection;

/** Writes the little JSON that JWTs hold. */
final class Json {

  private Json() {}

  /** A string with its quotes. */
  static String string(String text) {
    StringBuilder json = new StringBuilder(text.length() + 2).append('"');
    for (int i = 0; i < text.length(); i++) {
      char c = text.charAt(i);
      if (c == '"' || c == '\\') {
        json.append('\\').append(c);
      } else if (c < ' ' || c > '~') {
        json.append(String.format("\\u%04x", (int) c));
      } else {
        json.append(c);
      }
    }
    return json.append('"').toString();
  }

  /** An array of strings. */
  static String strings(Collection<String> texts) {
    StringBuilder json = new StringBuilder("[");
    for (String text : texts) {
      json.append(json.length() > 1 ? "," : "").append(string(text));
    }
    return json.append(']').toString();
  }
}
