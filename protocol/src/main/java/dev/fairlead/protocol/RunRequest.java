// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.protocol;

import static java.nio.charset.StandardCharsets.UTF_8;

import dev.fairlead.protocol.json.Json;
import dev.fairlead.protocol.json.JsonArray;
import dev.fairlead.protocol.json.JsonNull;
import dev.fairlead.protocol.json.JsonNumber;
import dev.fairlead.protocol.json.JsonObject;
import dev.fairlead.protocol.json.JsonString;
import dev.fairlead.protocol.json.JsonValue;
import dev.fairlead.protocol.json.ProtocolException;
import java.time.Duration;
import java.util.Objects;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * The body of {@code POST /run} on a manager: a computation in one of three shapes, an array of
 * byte values, base64, or the object itself, beside a few options.
 */
public final class RunRequest {

  /** The most bytes of a body. */
  public static final int MAX_BYTES = 1024 * 1024;

  private final byte[] computation;
  private final boolean clientTls;
  private final @Nullable String caCerts;
  private final @Nullable Duration timeout;

  private RunRequest(
      byte[] computation, boolean clientTls, @Nullable String caCerts, @Nullable Duration timeout) {
    this.computation = computation;
    this.clientTls = clientTls;
    this.caCerts = caCerts;
    this.timeout = timeout;
  }

  /**
   * Reads a body.
   *
   * @throws ProtocolException when it is none; code {@code too-large} above {@link #MAX_BYTES}
   */
  public static RunRequest parse(byte[] body) {
    JsonObject json = Json.parseObject(body, MAX_BYTES);
    byte[] computation = computation(json);
    if (computation.length == 0) {
      throw json.refuse("computation", "is empty: give the computation.");
    }
    Limits.requireLength(computation, Manifest.MAX_BYTES);
    return new RunRequest(
        computation,
        json.optionalBool("client_tls").orElse(false),
        json.optionalString("ca_certs").filter(text -> !text.isEmpty()).orElse(null),
        timeout(json));
  }

  /** A copy of the computation's exact bytes, as its owner wrote them. */
  public byte[] computation() {
    return computation.clone();
  }

  /** The computation, parsed. */
  public Manifest manifest() {
    return Manifest.parse(computation);
  }

  /** Whether clients of the agent shall use TLS. */
  public boolean clientTls() {
    return clientTls;
  }

  /** Certificates in PEM that clients are checked against. */
  public Optional<String> caCerts() {
    return Optional.ofNullable(caCerts);
  }

  /** How long the call may take; empty where the body sets no limit. */
  public Optional<Duration> timeout() {
    return Optional.ofNullable(timeout);
  }

  @Override
  public String toString() {
    return "RunRequest[computation=%d bytes, clientTls=%s, timeout=%s]"
        .formatted(computation.length, clientTls, Objects.toString(timeout));
  }

  private static byte[] computation(JsonObject json) {
    JsonValue value = json.get("computation").orElse(JsonNull.NULL);
    if (value instanceof JsonArray array) {
      return array.bytes();
    }
    if (value instanceof JsonString) {
      return Limits.base64(json, "computation");
    }
    if (value instanceof JsonObject object) {
      return object.source().orElseGet(object::toString).getBytes(UTF_8);
    }
    if (value == JsonNull.NULL) {
      throw new ProtocolException(
          "missing-field",
          "$.computation is missing: give an array of bytes, base64, or an object.");
    }
    throw json.refuse("computation", "must be an array of bytes, base64, or an object.");
  }

  private static @Nullable Duration timeout(JsonObject json) {
    JsonValue value = json.get("timeout").orElse(JsonNull.NULL);
    long nanos;
    if (value instanceof JsonString string) {
      nanos = string.value().isEmpty() ? 0 : GoDuration.parse(string.value());
    } else if (value instanceof JsonNumber number) {
      nanos = number.asLong().orElse(-1);
    } else {
      nanos = value == JsonNull.NULL ? 0 : -1;
    }
    if (nanos < 0) {
      throw json.refuse("timeout", "must be nanoseconds from 0, or a duration such as 3m0s.");
    }
    return nanos == 0 ? null : Duration.ofNanos(nanos);
  }
}
