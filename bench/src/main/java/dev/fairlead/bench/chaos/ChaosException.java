// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.bench.chaos;

import org.jspecify.annotations.Nullable;

/** A run that could not be carried out, so that nothing can be said of it. */
public final class ChaosException extends RuntimeException {

  private static final long serialVersionUID = 1L;

  ChaosException(String sentence) {
    this(sentence, null);
  }

  ChaosException(String sentence, @Nullable Throwable cause) {
    super(sentence, cause);
  }
}
