// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.protocol;

import dev.fairlead.protocol.json.ProtocolException;
import java.math.BigDecimal;
import java.math.BigInteger;
import java.math.RoundingMode;

/**
 * Durations in the words of Go's standard library: {@code 1h2m3.5s}, {@code 20m0s}, {@code 7µs}.
 */
final class GoDuration {

  private static final int MAX_LENGTH = 128;
  private static final BigInteger MAX = BigInteger.valueOf(Long.MAX_VALUE);

  private GoDuration() {}

  /** Nanoseconds; may be negative. */
  static long parse(String text) {
    int from = text.startsWith("-") || text.startsWith("+") ? 1 : 0;
    boolean negative = text.startsWith("-");
    if (text.substring(from).equals("0")) {
      return 0;
    }
    if (from == text.length() || text.length() > MAX_LENGTH) {
      throw bad();
    }
    BigInteger sum = BigInteger.ZERO;
    int at = from;
    while (at < text.length()) {
      int number = at;
      while (at < text.length() && (isDigit(text.charAt(at)) || text.charAt(at) == '.')) {
        at++;
      }
      String digits = text.substring(number, at);
      int unit = at;
      while (at < text.length() && !isDigit(text.charAt(at)) && text.charAt(at) != '.') {
        at++;
      }
      int dot = digits.indexOf('.');
      if (digits.isEmpty() || digits.equals(".") || dot != digits.lastIndexOf('.')) {
        throw bad();
      }
      String plain = (dot == 0 ? "0" : "") + (digits.endsWith(".") ? digits + "0" : digits);
      sum =
          sum.add(
              new BigDecimal(plain)
                  .multiply(BigDecimal.valueOf(nanos(text.substring(unit, at))))
                  .setScale(0, RoundingMode.DOWN)
                  .toBigInteger());
    }
    BigInteger value = negative ? sum.negate() : sum;
    if (sum.compareTo(MAX) > 0 && !value.equals(BigInteger.valueOf(Long.MIN_VALUE))) {
      throw bad();
    }
    return value.longValue();
  }

  /** The shortest text, as Go prints it. */
  static String format(long nanos) {
    if (nanos == 0) {
      return "0s";
    }
    BigInteger size = BigInteger.valueOf(nanos).abs();
    String sign = nanos < 0 ? "-" : "";
    if (size.compareTo(BigInteger.valueOf(1_000_000_000)) < 0) {
      long small = size.longValue();
      if (small < 1_000) {
        return sign + small + "ns";
      }
      return small < 1_000_000
          ? sign + decimal(small, 1_000, 3) + "µs"
          : sign + decimal(small, 1_000_000, 6) + "ms";
    }
    BigInteger[] minutes = size.divideAndRemainder(BigInteger.valueOf(60_000_000_000L));
    String seconds = decimal(minutes[1].longValue(), 1_000_000_000, 9) + "s";
    long whole = minutes[0].longValue();
    if (whole == 0) {
      return sign + seconds;
    }
    return sign + (whole >= 60 ? whole / 60 + "h" : "") + whole % 60 + "m" + seconds;
  }

  private static String decimal(long value, long unit, int digits) {
    String text = BigDecimal.valueOf(value, digits).stripTrailingZeros().toPlainString();
    return value % unit == 0 ? Long.toString(value / unit) : text;
  }

  private static long nanos(String unit) {
    return switch (unit) {
      case "ns" -> 1;
      case "us", "µs", "μs" -> 1_000;
      case "ms" -> 1_000_000;
      case "s" -> 1_000_000_000L;
      case "m" -> 60_000_000_000L;
      case "h" -> 3_600_000_000_000L;
      default -> throw bad();
    };
  }

  private static boolean isDigit(char c) {
    return c >= '0' && c <= '9';
  }

  private static ProtocolException bad() {
    return new ProtocolException(
        "bad-duration", "A duration is written like 3m0s, 1.5h or 200ms, within 292 years.");
  }
}
