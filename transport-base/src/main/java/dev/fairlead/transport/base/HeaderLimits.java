// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.transport.base;

/** The limits that {@code Message} sets to headers, for those that come from anybody. */
public final class HeaderLimits {

  /** The most headers that a message may have. */
  public static final int MAX_HEADERS = 16;

  private HeaderLimits() {}

  /** Whether a header keeps the limits that {@code Message} sets. */
  public static boolean fit(String name, String value) {
    boolean fits = !name.isEmpty() && name.length() <= 32 && value.length() <= 256;
    for (int i = 0; fits && i < name.length(); i++) {
      char c = name.charAt(i);
      fits = (c >= 'a' && c <= 'z') || (i > 0 && ((c >= '0' && c <= '9') || c == '-'));
    }
    for (int i = 0; fits && i < value.length(); i++) {
      fits = value.charAt(i) >= ' ' && value.charAt(i) <= '~';
    }
    return fits;
  }
}
