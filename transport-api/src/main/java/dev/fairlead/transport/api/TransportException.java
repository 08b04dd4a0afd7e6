// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.transport.api;

import static java.util.Objects.requireNonNull;

import org.jspecify.annotations.Nullable;

/** What went wrong, what may be done about it, and one sentence that says so to a person. */
public final class TransportException extends RuntimeException {

  private static final long serialVersionUID = 1L;

  /** What the caller may do. */
  public enum Category {
    /** The same call may succeed later. */
    RETRY,
    /** The same call will not succeed: it is not permitted, or malformed. */
    REFUSED,
    /** This transport is of no more use; open another. */
    BROKEN
  }

  private final Category category;
  private final String code;

  /**
   * Makes one.
   *
   * @param code stable, lower-case words joined by hyphens: {@code not-connected}
   * @param message one sentence that says what happened and what to do
   */
  public TransportException(Category category, String code, String message) {
    this(category, code, message, null);
  }

  /** Makes one with its cause. */
  public TransportException(
      Category category, String code, String message, @Nullable Throwable cause) {
    super(message, cause);
    this.category = requireNonNull(category, "category is null");
    this.code = requireNonNull(code, "code is null");
  }

  /** What the caller may do. */
  public Category category() {
    return category;
  }

  /** The stable code, for counting and matching. */
  public String code() {
    return code;
  }
}
