// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.protocol.json;

import static java.util.Objects.requireNonNull;

import org.jspecify.annotations.Nullable;

/**
 * What was read cannot be accepted. The same bytes will not be accepted later either; the message
 * says where they are wrong and what is expected there.
 */
public final class ProtocolException extends RuntimeException {

  private static final long serialVersionUID = 1L;

  private final String code;

  /**
   * Makes one.
   *
   * @param code stable, lower-case words joined by hyphens: {@code missing-field}
   * @param message one sentence that says where, what, and what to do
   */
  public ProtocolException(String code, String message) {
    this(code, message, null);
  }

  /** Makes one with its cause. */
  public ProtocolException(String code, String message, @Nullable Throwable cause) {
    super(message, cause);
    this.code = requireNonNull(code, "code is null");
  }

  /** The stable code, for counting and matching. */
  public String code() {
    return code;
  }
}
