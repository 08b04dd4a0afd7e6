// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.transport.tck.memory;

import java.util.List;

/** Which pattern lies within which. */
final class Patterns {

  private Patterns() {}

  /** Whether one of the grants covers every address that the pattern covers. */
  static boolean covered(String pattern, List<String> grants) {
    return grants.stream().anyMatch(grant -> covers(grant, pattern));
  }

  static boolean covers(String grant, String pattern) {
    String[] wide = grant.split("/", -1);
    String[] narrow = pattern.split("/", -1);
    for (int i = 0; i < wide.length; i++) {
      if (wide[i].equals("**")) {
        return i < narrow.length;
      }
      boolean within =
          i < narrow.length
              && !narrow[i].equals("**")
              && (wide[i].equals("*") || wide[i].equals(narrow[i]));
      if (!within) {
        return false;
      }
    }
    return wide.length == narrow.length;
  }
}
