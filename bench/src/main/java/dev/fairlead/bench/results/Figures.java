// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.bench.results;

import java.util.Locale;
import java.util.function.DoubleFunction;

/** Writes figures as a person reads them: three digits, and a unit. */
final class Figures {

  private static final double KI = 1024;

  private Figures() {}

  /** A plain count or rate: {@code 1.21 M}, {@code 940 k}, {@code 512}. */
  static String count(double value) {
    return scaled(value, 1000, "", " k", " M", " G");
  }

  /** A time given in microseconds: {@code 110 µs}, {@code 3.20 ms}, {@code 1.25 s}. */
  static String micros(double value) {
    return scaled(value, 1000, " µs", " ms", " s");
  }

  /** A time given in milliseconds; whole ones where there are ten or more. */
  static String millis(double value) {
    return value >= 9.5 && value < 999.5
        ? String.format(Locale.ROOT, "%.0f ms", value)
        : micros(value * 1000);
  }

  /** A size: {@code 212 MiB}. */
  static String bytes(double value) {
    return scaled(value, KI, " B", " KiB", " MiB", " GiB", " TiB");
  }

  /** A number without a unit, three digits: {@code 1.42}. */
  static String plain(double value) {
    return strip(digits(value));
  }

  /** A ratio: {@code 5.4×}. */
  static String ratio(double value) {
    return strip(digits(value)) + "×";
  }

  /** Two figures of one kind, the unit once where it is the same: {@code 105–124 µs}. */
  static String range(double min, double max, DoubleFunction<String> format) {
    String from = format.apply(min);
    String to = format.apply(max);
    if (from.equals(to)) {
      return from;
    }
    int unit = from.indexOf(' ');
    return unit >= 0 && to.endsWith(from.substring(unit)) && unit(to).equals(from.substring(unit))
        ? from.substring(0, unit) + "–" + to
        : from + "–" + to;
  }

  /** A place in a drawing, a tenth of a unit exact. */
  static String coordinate(double value) {
    String text = String.format(Locale.ROOT, "%.1f", value);
    return text.endsWith(".0") ? text.substring(0, text.length() - 2) : text;
  }

  private static String unit(String figure) {
    int space = figure.indexOf(' ');
    return space < 0 ? "" : figure.substring(space);
  }

  private static String scaled(double value, double step, String... units) {
    double rest = value;
    int unit = 0;
    // 999.6 would be written 1000
    while (Math.abs(rest) >= step * 0.9995 && unit < units.length - 1) {
      rest /= step;
      unit++;
    }
    return units[unit].isEmpty() ? strip(digits(rest)) : digits(rest) + units[unit];
  }

  private static String digits(double value) {
    if (!Double.isFinite(value)) {
      return "?";
    }
    double size = Math.abs(value);
    String format =
        size >= 99.95 ? "%.0f" : size >= 9.995 ? "%.1f" : size >= 0.9995 ? "%.2f" : "%.3f";
    return value == 0 ? "0" : String.format(Locale.ROOT, format, value);
  }

  /** Without zeros that say nothing behind the point; {@code 1.20} stays, {@code 3.00} is 3. */
  private static String strip(String text) {
    int point = text.indexOf('.');
    return point >= 0 && text.substring(point + 1).chars().allMatch(c -> c == '0')
        ? text.substring(0, point)
        : text;
  }
}
