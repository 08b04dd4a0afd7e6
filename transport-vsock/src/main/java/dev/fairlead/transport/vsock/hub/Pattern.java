// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.transport.vsock.hub;

import dev.fairlead.transport.api.Message;
import java.util.List;

/**
 * A pattern, taken apart: {@code *} stands for one segment, a closing {@code **} for one or more.
 */
public final class Pattern {

  private final String text;
  private final String[] segments;

  private Pattern(String text) {
    this.text = text;
    this.segments = text.split("/", -1);
  }

  /**
   * Takes one apart.
   *
   * @throws dev.fairlead.transport.api.TransportException {@code REFUSED} when it is malformed
   */
  public static Pattern of(String text) {
    return new Pattern(Message.requirePattern(text));
  }

  static String[] segments(String address) {
    return address.split("/", -1);
  }

  boolean matches(String[] address) {
    for (int i = 0; i < segments.length; i++) {
      String wanted = segments[i];
      if (wanted.equals("**")) {
        return i < address.length;
      }
      if (i >= address.length || !(wanted.equals("*") || wanted.equals(address[i]))) {
        return false;
      }
    }
    return segments.length == address.length;
  }

  /** Whether every address that the other covers, this covers too. */
  boolean covers(Pattern other) {
    for (int i = 0; i < segments.length; i++) {
      String wide = segments[i];
      if (wide.equals("**")) {
        return i < other.segments.length;
      }
      boolean within =
          i < other.segments.length
              && !other.segments[i].equals("**")
              && (wide.equals("*") || wide.equals(other.segments[i]));
      if (!within) {
        return false;
      }
    }
    return segments.length == other.segments.length;
  }

  static boolean anyCovers(List<Pattern> grants, Pattern wanted) {
    return grants.stream().anyMatch(grant -> grant.covers(wanted));
  }

  static boolean anyMatches(List<Pattern> grants, String[] address) {
    for (Pattern grant : grants) {
      if (grant.matches(address)) {
        return true;
      }
    }
    return false;
  }

  @Override
  public String toString() {
    return text;
  }
}
