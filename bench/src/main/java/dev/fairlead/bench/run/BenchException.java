// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.bench.run;

import dev.fairlead.transport.api.TransportException;
import org.jspecify.annotations.Nullable;

/** A run, or all of them, could not be carried out; the message is a sentence for a person. */
public final class BenchException extends RuntimeException {

  private static final long serialVersionUID = 1L;

  /** Makes one. */
  public BenchException(String sentence) {
    this(sentence, null);
  }

  /** Makes one with its cause. */
  public BenchException(String sentence, @Nullable Throwable cause) {
    super(sentence, cause);
  }

  /** Whether a program is missing on this machine; the message says how to install it. */
  public boolean isMissingProgram() {
    return getCause() instanceof TransportException cause && cause.code().equals("program-missing");
  }
}
