// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.transport.nats;

/**
 * Header values on the wire. NATS clients trim what they read, so a space at either end travels as
 * {@code %20}, and {@code %} itself as {@code %25}; all else is written as it is.
 */
final class HeaderText {

  private HeaderText() {}

  static String encode(String value) {
    int length = value.length();
    boolean plain =
        value.indexOf('%') < 0
            && (length == 0 || (value.charAt(0) != ' ' && value.charAt(length - 1) != ' '));
    if (plain) {
      return value;
    }
    StringBuilder text = new StringBuilder(length + 8);
    for (int i = 0; i < length; i++) {
      char c = value.charAt(i);
      if (c == '%') {
        text.append("%25");
      } else if (c == ' ' && (i == 0 || i == length - 1)) {
        text.append("%20");
      } else {
        text.append(c);
      }
    }
    return text.toString();
  }

  static String decode(String text) {
    if (text.indexOf('%') < 0) {
      return text;
    }
    StringBuilder value = new StringBuilder(text.length());
    for (int i = 0; i < text.length(); i++) {
      if (text.startsWith("%25", i)) {
        value.append('%');
        i += 2;
      } else if (text.startsWith("%20", i)) {
        value.append(' ');
        i += 2;
      } else {
        value.append(text.charAt(i));
      }
    }
    return value.toString();
  }
}
