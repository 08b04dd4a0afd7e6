// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.bench.chaos;

import dev.fairlead.transport.api.TransportException;
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

  /** Whether a program is not installed; the message holds the command that does it. */
  public boolean isMissingProgram() {
    return getCause() instanceof TransportException refusal
        && refusal.code().equals("program-missing");
  }
}
