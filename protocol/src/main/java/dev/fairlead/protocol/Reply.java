// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.protocol;

import static java.util.Objects.requireNonNull;

import dev.fairlead.protocol.json.Json;
import dev.fairlead.protocol.json.JsonObject;
import dev.fairlead.protocol.json.ProtocolException;
import java.util.Optional;

/** The registry's answer to a {@link Request}. */
public sealed interface Reply {

  /** The most bytes that a reply may have on the wire. */
  int MAX_BYTES = 64 * 1024;

  /** Its JSON in UTF-8. */
  byte[] toJson();

  /**
   * It was done.
   *
   * @param result what the request asked for
   */
  record Ok(JsonObject result) implements Reply {

    /** Checks for null. */
    public Ok {
      requireNonNull(result, "result is null");
    }

    @Override
    public byte[] toJson() {
      return Limits.requireLength(
          JsonObject.builder().put("ok", result).build().toBytes(), MAX_BYTES);
    }
  }

  /**
   * It was not done.
   *
   * @param code stable, lower-case words joined by hyphens
   * @param message one sentence that says what to do
   */
  record Refusal(String code, String message) implements Reply {

    /** Checks limits. */
    public Refusal {
      Limits.requireText("code", code, Limits.MAX_WORD);
      Limits.requireText("message", message, Limits.MAX_TEXT);
    }

    @Override
    public byte[] toJson() {
      return JsonObject.builder()
          .put("error", JsonObject.builder().put("code", code).put("message", message).build())
          .build()
          .toBytes();
    }
  }

  /**
   * Reads one.
   *
   * @throws ProtocolException when it is none
   */
  static Reply parse(byte[] bytes) {
    JsonObject json = Json.parseObject(bytes, MAX_BYTES);
    Optional<JsonObject> error = json.optionalObject("error");
    if (error.isPresent()) {
      return new Refusal(
          error.get().string("code", Limits.MAX_WORD),
          error.get().string("message", Limits.MAX_TEXT));
    }
    return new Ok(json.object("ok"));
  }
}
