// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.runtime.cli;

import java.util.regex.Pattern;

/** Segments of a path that a person named. */
final class Paths {

  private static final Pattern ID = Pattern.compile("[A-Za-z0-9_-]{1,64}");

  private Paths() {}

  /** The id, if it is one. */
  static String segment(String id) {
    if (!ID.matcher(id).matches()) {
      throw new CommandFailure(
          ExitCode.USAGE, "'" + id + "' is no id: 1 to 64 characters of A-Z a-z 0-9 _ -.");
    }
    return id;
  }
}
