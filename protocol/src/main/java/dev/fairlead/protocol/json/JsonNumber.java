// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.protocol.json;

import static java.util.Objects.requireNonNull;

import java.math.BigDecimal;
import java.util.OptionalLong;

/**
 * A number, kept as the text it was written in: {@code 1.0} and {@code 1} are two numbers.
 *
 * @param text well-formed JSON, at most {@link Json#MAX_NUMBER} characters
 */
public record JsonNumber(String text) implements JsonValue {

  private static final JsonNumber[] SMALL = new JsonNumber[256];

  static {
    for (int i = 0; i < SMALL.length; i++) {
      SMALL[i] = new JsonNumber(Integer.toString(i));
    }
  }

  /**
   * Checks the text.
   *
   * @throws ProtocolException when it is no JSON number, or too long
   */
  public JsonNumber {
    requireNonNull(text, "text is null");
    if (!isNumber(text)) {
      throw new ProtocolException("bad-number", "This text is not a JSON number: write digits.");
    }
  }

  /** A whole number. */
  public static JsonNumber of(long value) {
    return value >= 0 && value < SMALL.length
        ? SMALL[(int) value]
        : new JsonNumber(Long.toString(value));
  }

  /**
   * The number written in a text; the same object for the same small number, since an array of a
   * million bytes would otherwise be a million objects.
   */
  static JsonNumber ofText(String text) {
    if (text.length() <= 3 && text.charAt(0) >= '0' && text.charAt(0) <= '9') {
      int value = 0;
      for (int i = 0; i < text.length(); i++) {
        char c = text.charAt(i);
        if (c < '0' || c > '9') {
          return new JsonNumber(text);
        }
        value = value * 10 + (c - '0');
      }
      if (value < SMALL.length && (text.length() == 1 || text.charAt(0) != '0')) {
        return SMALL[value];
      }
    }
    return new JsonNumber(text);
  }

  /** The number if it is written as a whole one and fits 64 bits; {@code 1.0} and 1e3 are not. */
  public OptionalLong asLong() {
    for (int i = text.charAt(0) == '-' ? 1 : 0; i < text.length(); i++) {
      if (text.charAt(i) < '0' || text.charAt(i) > '9') {
        return OptionalLong.empty();
      }
    }
    try {
      return OptionalLong.of(Long.parseLong(text));
    } catch (NumberFormatException e) {
      return OptionalLong.empty();
    }
  }

  /** The nearest double; infinite where it lies beyond all of them. */
  public double asDouble() {
    return Double.parseDouble(text);
  }

  /**
   * The exact value.
   *
   * @throws ProtocolException where the exponent is beyond what can be held
   */
  public BigDecimal asDecimal() {
    try {
      return new BigDecimal(text);
    } catch (NumberFormatException e) {
      throw new ProtocolException("bad-number", "The number's exponent is too large.", e);
    }
  }

  @Override
  public String kind() {
    return "a number";
  }

  @Override
  public String toString() {
    return text;
  }

  private static boolean isNumber(String text) {
    int n = text.length();
    if (n > Json.MAX_NUMBER) {
      return false;
    }
    int i = n > 0 && text.charAt(0) == '-' ? 1 : 0;
    int whole = digits(text, i);
    if (whole == i || (text.charAt(i) == '0' && whole > i + 1)) {
      return false;
    }
    i = whole;
    if (i < n && text.charAt(i) == '.') {
      int fraction = digits(text, i + 1);
      if (fraction == i + 1) {
        return false;
      }
      i = fraction;
    }
    if (i < n && (text.charAt(i) == 'e' || text.charAt(i) == 'E')) {
      i++;
      if (i < n && (text.charAt(i) == '+' || text.charAt(i) == '-')) {
        i++;
      }
      int exponent = digits(text, i);
      if (exponent == i) {
        return false;
      }
      i = exponent;
    }
    return i == n;
  }

  private static int digits(String text, int from) {
    int i = from;
    while (i < text.length() && text.charAt(i) >= '0' && text.charAt(i) <= '9') {
      i++;
    }
    return i;
  }
}
