// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.agent;

import static java.util.Objects.requireNonNull;

import org.jspecify.annotations.Nullable;

/** Why the agent did not do what it was asked, and one sentence that says what to do. */
public final class AgentException extends RuntimeException {

  private static final long serialVersionUID = 1L;

  /** What the caller may do. */
  public enum Category {
    /** The same call may succeed later. */
    RETRY,
    /** The same call will not succeed. */
    REFUSED,
    /** The agent itself failed. */
    BROKEN
  }

  /** What is wrong with the call; each door has an answer of its own for each of these. */
  public enum Reason {
    /** Not in this state. */
    WRONG_STATE(Category.REFUSED),
    /** The caller has not shown that it may. */
    NOT_PERMITTED(Category.REFUSED),
    /** The request, or what it carries, is not what it must be. */
    INVALID(Category.REFUSED),
    /** More bytes than the stated limit. */
    TOO_LARGE(Category.REFUSED),
    /** Too much at once. */
    BUSY(Category.RETRY),
    /** The agent itself failed. */
    INTERNAL(Category.BROKEN);

    private final Category category;

    Reason(Category category) {
      this.category = category;
    }
  }

  private final Reason reason;
  private final String code;

  /**
   * Makes one.
   *
   * @param code stable, lower-case words joined by hyphens: {@code wrong-state}
   * @param message one sentence that says what happened and what to do
   */
  public AgentException(Reason reason, String code, String message) {
    this(reason, code, message, null);
  }

  /** Makes one with its cause. */
  public AgentException(Reason reason, String code, String message, @Nullable Throwable cause) {
    super(requireNonNull(message, "message is null"), cause);
    this.reason = requireNonNull(reason, "reason is null");
    this.code = requireNonNull(code, "code is null");
  }

  /** What is wrong with the call. */
  public Reason reason() {
    return reason;
  }

  /** What the caller may do. */
  public Category category() {
    return reason.category;
  }

  /** The stable code, for counting and matching. */
  public String code() {
    return code;
  }

  /** The sentence; never null. */
  public String sentence() {
    return requireNonNull(getMessage());
  }
}
