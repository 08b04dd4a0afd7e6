// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.bundles;

import org.jspecify.annotations.Nullable;

/** Is told of each change that is tried, in the thread that tries it. */
@FunctionalInterface
public interface ChangeListener {

  /** A change begins; what comes of it is told to what this returns, unless it is a dry run. */
  Telling begin();

  /** What came of one change. */
  @FunctionalInterface
  interface Telling {

    /**
     * It ended.
     *
     * @param bundle empty where the jar does not say
     * @param from empty where there is none
     * @param to empty where the jar does not say
     * @param othersRefreshed bundles beyond this one that lost their wiring
     * @param failure why nothing was changed; null where it was
     */
    void end(
        String bundle,
        String from,
        String to,
        int othersRefreshed,
        @Nullable ChangeException failure);
  }
}
