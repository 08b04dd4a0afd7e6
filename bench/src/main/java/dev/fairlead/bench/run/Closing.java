// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.bench.run;

import org.jspecify.annotations.Nullable;

/** Closes several things, each whatever became of the one before. */
final class Closing {

  private Closing() {}

  /**
   * Closes all that are there, the first first.
   *
   * @throws BenchException when one of them fails, when all were tried
   */
  static void all(@Nullable AutoCloseable... parts) {
    BenchException failure = null;
    for (AutoCloseable part : parts) {
      try {
        if (part != null) {
          part.close();
        }
      } catch (Exception e) {
        if (failure == null) {
          failure = new BenchException("What was started does not end: " + e.getMessage(), e);
        } else {
          failure.addSuppressed(e);
        }
      }
    }
    if (failure != null) {
      throw failure;
    }
  }
}
