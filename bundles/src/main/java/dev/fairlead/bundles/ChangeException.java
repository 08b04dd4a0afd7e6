// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.bundles;

import static java.util.Objects.requireNonNull;

import org.jspecify.annotations.Nullable;

/** A bundle that was not changed: what may be done about it, and one sentence that says so. */
public final class ChangeException extends RuntimeException {

  private static final long serialVersionUID = 1L;

  /** What the caller may do. */
  public enum Category {
    /** The same request may succeed later. */
    RETRY,
    /** The same bundle will not be taken; nothing was touched. */
    REFUSED,
    /** The bundle was taken and is no good; the one before runs again. */
    BROKEN
  }

  private final Category category;
  private final String code;

  /**
   * Makes one.
   *
   * @param code stable, lower-case words joined by hyphens: {@code wrong-digest}
   * @param message one sentence that says what happened and what to do
   */
  public ChangeException(Category category, String code, String message) {
    this(category, code, message, null);
  }

  /** Makes one with its cause. */
  public ChangeException(
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

  static ChangeException refused(String code, String message) {
    return new ChangeException(Category.REFUSED, code, message);
  }

  static ChangeException broken(String code, String message, @Nullable Throwable cause) {
    return new ChangeException(Category.BROKEN, code, message, cause);
  }
}
