// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.protocol;

import dev.fairlead.protocol.json.Json;
import dev.fairlead.protocol.json.JsonObject;
import dev.fairlead.protocol.json.ProtocolException;
import java.util.Arrays;
import java.util.Base64;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/** What a manager asks of the registry. The answer is a {@link Reply}. */
public sealed interface Request {

  /** The most bytes that a request may have on the wire. */
  int MAX_BYTES = 960 * 1024;

  /** Its JSON in UTF-8. */
  byte[] toJson();

  /** A new computation. Answered by a {@link Registration}. */
  final class Register implements Request {

    private final byte[] manifest;

    /**
     * Asks for a registration.
     *
     * @param manifest its exact bytes, at most {@link Manifest#MAX_BYTES}; copied
     */
    public Register(byte[] manifest) {
      this.manifest = Limits.requireLength(manifest, Manifest.MAX_BYTES).clone();
    }

    /** A copy of the manifest's exact bytes. */
    public byte[] manifest() {
      return manifest.clone();
    }

    @Override
    public byte[] toJson() {
      return JsonObject.builder()
          .put("op", "register")
          .put("manifest", Base64.getEncoder().encodeToString(manifest))
          .build()
          .toBytes();
    }

    @Override
    public boolean equals(@Nullable Object other) {
      return other instanceof Register register && Arrays.equals(manifest, register.manifest);
    }

    @Override
    public int hashCode() {
      return Objects.hash(Arrays.hashCode(manifest));
    }

    @Override
    public String toString() {
      return "Register[%d bytes]".formatted(manifest.length);
    }
  }

  /**
   * A new run of a known computation: the old credential ends, a new one is issued. Answered by a
   * {@link Registration}.
   *
   * @param computation its id
   */
  record Renew(String computation) implements Request {

    /** Checks the id. */
    public Renew {
      Addresses.requireId(computation);
    }

    @Override
    public byte[] toJson() {
      return JsonObject.builder()
          .put("op", "renew")
          .put("computation", computation)
          .build()
          .toBytes();
    }
  }

  /**
   * A VM has ended: its credentials end. Answered by an empty object.
   *
   * @param computation its id
   * @param kind what the end means, one word
   * @param reason the hypervisor's own word
   */
  record Ended(String computation, String kind, String reason) implements Request {

    /** Checks limits. */
    public Ended {
      Addresses.requireId(computation);
      Limits.requireText("kind", kind, Limits.MAX_WORD);
      Limits.requireText("reason", reason, Limits.MAX_TEXT);
    }

    @Override
    public byte[] toJson() {
      return JsonObject.builder()
          .put("op", "ended")
          .put("computation", computation)
          .put("kind", kind)
          .put("reason", reason)
          .build()
          .toBytes();
    }
  }

  /**
   * Reads one.
   *
   * @throws ProtocolException when it is none, code {@code unknown-op} when we do not know what it
   *     asks for
   */
  static Request parse(byte[] bytes) {
    JsonObject json = Json.parseObject(bytes, MAX_BYTES);
    String op = json.string("op", Limits.MAX_WORD);
    return switch (op) {
      case "register" -> new Register(Limits.base64(json, "manifest"));
      case "renew" -> new Renew(json.string("computation"));
      case "ended" ->
          new Ended(
              json.string("computation"),
              json.string("kind", Limits.MAX_WORD),
              json.string("reason", Limits.MAX_TEXT));
      default ->
          throw new ProtocolException(
              "unknown-op", "A request's op is register, renew or ended; this one is none.");
    };
  }
}
