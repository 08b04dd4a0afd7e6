// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.agent.image;

import static java.util.Objects.requireNonNull;

import org.jspecify.annotations.Nullable;

/** Why there is no image, and what to do about it. */
public final class ImageException extends RuntimeException {

  private static final long serialVersionUID = 1L;

  /** What the caller may do. */
  public enum Category {
    /** The same call may succeed later. */
    RETRY,
    /** The same call will not succeed: an input is missing or wrong. */
    REFUSED,
    /** This machine, as it is, cannot build an image. */
    BROKEN
  }

  private final Category category;
  private final String code;

  ImageException(Category category, String code, String message) {
    this(category, code, message, null);
  }

  ImageException(Category category, String code, String message, @Nullable Throwable cause) {
    super(message, cause);
    this.category = requireNonNull(category, "category is null");
    this.code = requireNonNull(code, "code is null");
  }

  /** What the caller may do. */
  public Category category() {
    return category;
  }

  /** The stable code: {@code missing-program}, {@code kernel-unavailable}, … */
  public String code() {
    return code;
  }
}
