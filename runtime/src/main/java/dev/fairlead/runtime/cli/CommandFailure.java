// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.runtime.cli;

import org.jspecify.annotations.Nullable;

/** A failure that is told to the person in one sentence, with an exit status. */
final class CommandFailure extends RuntimeException {

  private static final long serialVersionUID = 1L;

  private final int exitCode;

  CommandFailure(int exitCode, String sentence) {
    this(exitCode, sentence, null);
  }

  CommandFailure(int exitCode, String sentence, @Nullable Throwable cause) {
    super(sentence, cause);
    this.exitCode = exitCode;
  }

  int exitCode() {
    return exitCode;
  }
}
