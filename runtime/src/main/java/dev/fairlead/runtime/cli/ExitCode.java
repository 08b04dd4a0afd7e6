// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.runtime.cli;

/** What the command's exit status means; printed by {@code --help}. */
final class ExitCode {

  /** It was done. */
  static final int DONE = 0;

  /** It was tried and failed: a computation, a check, a verification. */
  static final int FAILED = 1;

  /** The words of the command are off. */
  static final int USAGE = 2;

  /** What was named is not there: a computation, a file. */
  static final int NOT_FOUND = 66;

  /** Something this machine lacks; the command that installs it was printed. */
  static final int MISSING = 69;

  /** A fault in Fairlead itself. */
  static final int FAULT = 70;

  /** It may work later: a service does not answer. */
  static final int RETRY = 75;

  private ExitCode() {}
}
