// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.delivery;

import static java.util.Objects.requireNonNull;

import dev.fairlead.transport.api.TransportException.Category;
import org.jspecify.annotations.Nullable;

/** What went wrong in delivery, what may be done about it, and one sentence for a person. */
public final class DeliveryException extends RuntimeException {

  private static final long serialVersionUID = 1L;

  private final Category category;
  private final String code;

  /**
   * Makes one.
   *
   * @param code stable, lower-case words joined by hyphens: {@code disk-full}
   * @param message one sentence that says what happened and what to do
   */
  public DeliveryException(Category category, String code, String message) {
    this(category, code, message, null);
  }

  /** Makes one with its cause. */
  public DeliveryException(
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
