// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.manager;

import static java.util.Objects.requireNonNull;

import org.jspecify.annotations.Nullable;

/** A request that was not carried out, what may be done about it, and one sentence that says so. */
public final class ManagerException extends RuntimeException {

  private static final long serialVersionUID = 1L;

  /** What the caller may do. */
  public enum Category {
    /** The same request may succeed later. */
    RETRY,
    /** The same request will not succeed. */
    REFUSED,
    /** Nothing will succeed until a person has looked at it. */
    BROKEN
  }

  private final Category category;
  private final String code;

  /**
   * Makes one.
   *
   * @param code stable, lower-case words joined by hyphens: {@code vm-runs}
   * @param message one sentence that says what happened and what to do; it holds no secret
   */
  public ManagerException(Category category, String code, String message) {
    this(category, code, message, null);
  }

  /** Makes one with its cause. */
  public ManagerException(
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
