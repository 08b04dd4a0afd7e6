// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.http;

import static java.util.Objects.requireNonNull;

import dev.fairlead.protocol.json.JsonObject;
import dev.fairlead.protocol.json.ProtocolException;
import org.jspecify.annotations.Nullable;

/**
 * What a client is told instead of an answer. On the wire it is {@code
 * {"error":{"code":"…","message":"…"}}}: a handler throws it, and {@link JsonClient} throws what it
 * was sent.
 */
public final class HttpProblem extends RuntimeException {

  private static final long serialVersionUID = 1L;

  private final int status;
  private final String code;

  /**
   * Makes one.
   *
   * @param status HTTP's status, 400 to 599; {@link JsonClient} uses 0 where no answer came at all
   * @param code stable, lower-case words joined by hyphens: {@code unknown-vm}
   * @param message one sentence that says what happened and what to do; it is shown to the client,
   *     so it holds no secret
   */
  public HttpProblem(int status, String code, String message) {
    this(status, code, message, null);
  }

  /** Makes one with its cause, which stays on this side. */
  public HttpProblem(int status, String code, String message, @Nullable Throwable cause) {
    super(requireNonNull(message, "message is null"), cause);
    this.status = status;
    this.code = requireNonNull(code, "code is null");
  }

  /** HTTP's status; 0 when no answer came. */
  public int status() {
    return status;
  }

  /** The stable code, for counting and matching. */
  public String code() {
    return code;
  }

  /** A body that cannot be accepted: 413 where it is too large, else 400. */
  public static HttpProblem of(ProtocolException refusal) {
    return new HttpProblem(
        refusal.code().equals("too-large") ? 413 : 400,
        refusal.code(),
        String.valueOf(refusal.getMessage()),
        refusal);
  }

  /** What goes over the wire. */
  String toJson() {
    return JsonObject.builder()
        .put(
            "error",
            JsonObject.builder()
                .put("code", code)
                .put("message", String.valueOf(getMessage()))
                .build())
        .build()
        .toString();
  }
}
