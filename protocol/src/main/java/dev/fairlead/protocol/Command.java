// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.protocol;

import static java.util.Objects.requireNonNull;

import dev.fairlead.protocol.json.Json;
import dev.fairlead.protocol.json.JsonObject;
import dev.fairlead.protocol.json.ProtocolException;
import java.net.URI;
import java.time.Instant;
import org.jspecify.annotations.Nullable;

/** What an agent is told to do. Each has an id, so that it is done once even if it comes twice. */
public sealed interface Command {

  /** The most bytes that a command may have on the wire. */
  int MAX_BYTES = 16 * 1024;

  /** Tells repeats from new ones; 1 to 64 characters. */
  String id();

  /** Its JSON in UTF-8. */
  byte[] toJson();

  /**
   * Use another credential from the next connect on.
   *
   * @param id of the command
   * @param transport for which it is
   * @param credential a secret; its text form hides it
   * @param expiresAt when it ends by itself
   */
  record Credential(String id, String transport, String credential, Instant expiresAt)
      implements Command {

    /** Checks limits. */
    public Credential {
      Limits.requireText("id", id, Limits.MAX_WORD);
      Limits.requireText("transport", transport, Limits.MAX_WORD);
      Limits.requireText("credential", credential, 4096);
      requireNonNull(expiresAt, "expiresAt is null");
    }

    @Override
    public byte[] toJson() {
      return JsonObject.builder()
          .put("op", "credential")
          .put("id", id)
          .put("transport", transport)
          .put("credential", credential)
          .put("expires_at", expiresAt.toString())
          .build()
          .toBytes();
    }

    @Override
    public String toString() {
      return "Credential[id=%s, transport=%s, expiresAt=%s]".formatted(id, transport, expiresAt);
    }
  }

  /**
   * End the computation, and power off.
   *
   * @param id of the command
   * @param reason one sentence for a person
   */
  record Stop(String id, String reason) implements Command {

    /** Checks limits. */
    public Stop {
      Limits.requireText("id", id, Limits.MAX_WORD);
      Limits.requireText("reason", reason, Limits.MAX_TEXT);
    }

    @Override
    public byte[] toJson() {
      return JsonObject.builder()
          .put("op", "stop")
          .put("id", id)
          .put("reason", reason)
          .build()
          .toBytes();
    }
  }

  /**
   * Go over to another transport, beside the present one until it is connected.
   *
   * @param id of the command
   * @param transport one of those that are measured facts of the VM
   * @param endpoint where its peers connect as the host sees it, whose CA is named beside it, or as
   *     it is measured; null for the measured one. The agent connects to no other than that
   * @param caSha256 SHA-256 of the endpoint's CA in lower-case hex, which must be the measured one;
   *     null where the endpoint alone decides
   * @param credential for it, a secret; the text form hides it
   * @param expiresAt when that ends by itself
   */
  record Swap(
      String id,
      String transport,
      @Nullable URI endpoint,
      @Nullable String caSha256,
      String credential,
      Instant expiresAt)
      implements Command {

    /** Checks limits. */
    public Swap {
      Limits.requireText("id", id, Limits.MAX_WORD);
      Limits.requireText("transport", transport, Limits.MAX_WORD);
      if (endpoint != null) {
        Limits.requireText("endpoint", endpoint.toString(), 256);
      }
      Limits.sha256OrNull("ca_sha256", caSha256);
      Limits.requireText("credential", credential, 4096);
      requireNonNull(expiresAt, "expiresAt is null");
    }

    @Override
    public byte[] toJson() {
      return JsonObject.builder()
          .put("op", "swap")
          .put("id", id)
          .put("transport", transport)
          .putIfPresent("endpoint", endpoint == null ? null : endpoint.toString())
          .putIfPresent("ca_sha256", caSha256)
          .put("credential", credential)
          .put("expires_at", expiresAt.toString())
          .build()
          .toBytes();
    }

    @Override
    public String toString() {
      return "Swap[id=%s, transport=%s, endpoint=%s, expiresAt=%s]"
          .formatted(id, transport, endpoint, expiresAt);
    }
  }

  /**
   * Send each batch over another transport too, where it is compared and not stored.
   *
   * @param id of the command
   * @param transport one of those that are measured facts of the VM
   * @param credential for it, a secret; the text form hides it
   * @param expiresAt when that ends by itself
   * @param inject defects to be made in the copies of lines
   */
  record Shadow(String id, String transport, String credential, Instant expiresAt, Inject inject)
      implements Command {

    /** Checks limits. */
    public Shadow {
      Limits.requireText("id", id, Limits.MAX_WORD);
      Limits.requireText("transport", transport, Limits.MAX_WORD);
      Limits.requireText("credential", credential, 4096);
      requireNonNull(expiresAt, "expiresAt is null");
      requireNonNull(inject, "inject is null");
    }

    @Override
    public byte[] toJson() {
      JsonObject.Builder json =
          JsonObject.builder()
              .put("op", "shadow")
              .put("id", id)
              .put("transport", transport)
              .put("credential", credential)
              .put("expires_at", expiresAt.toString());
      if (!inject.isNone()) {
        json.put("inject", inject.toJson());
      }
      return json.build().toBytes();
    }

    @Override
    public String toString() {
      return "Shadow[id=%s, transport=%s, expiresAt=%s, inject=%s]"
          .formatted(id, transport, expiresAt, inject);
    }
  }

  /**
   * Defects to be made in copies, to see that they are found; what is stored is never touched.
   *
   * @param drop lines that are left out, 0 to 100
   * @param alter lines that get another byte, 0 to 100
   * @param duplicate lines that are sent twice, 0 to 100
   * @param seed chooses them
   */
  record Inject(int drop, int alter, int duplicate, long seed) {

    /** No defects. */
    public static final Inject NONE = new Inject(0, 0, 0, 1);

    private static final int MOST = 100;

    /** Checks limits. */
    public Inject {
      if (Math.min(Math.min(drop, alter), duplicate) < 0
          || Math.max(Math.max(drop, alter), duplicate) > MOST
          || seed < 0) {
        throw new ProtocolException(
            "bad-inject", "Of each kind of defect 0 to 100 can be made, by a seed from 0.");
      }
    }

    /** Whether there is nothing to do. */
    public boolean isNone() {
      return drop + alter + duplicate == 0;
    }

    /** Its JSON. */
    public JsonObject toJson() {
      return JsonObject.builder()
          .put("drop", drop)
          .put("alter", alter)
          .put("duplicate", duplicate)
          .put("seed", seed)
          .build();
    }

    /**
     * Reads one; what is absent is 0, the seed 1.
     *
     * @throws ProtocolException when a number is out of its range
     */
    public static Inject parse(JsonObject json) {
      return new Inject(
          (int) json.optionalInteger("drop", 0, MOST).orElse(0),
          (int) json.optionalInteger("alter", 0, MOST).orElse(0),
          (int) json.optionalInteger("duplicate", 0, MOST).orElse(0),
          json.optionalInteger("seed", 0, Long.MAX_VALUE).orElse(1));
    }
  }

  /**
   * Send batches over one transport alone again.
   *
   * @param id of the command
   */
  record ShadowEnd(String id) implements Command {

    /** Checks limits. */
    public ShadowEnd {
      Limits.requireText("id", id, Limits.MAX_WORD);
    }

    @Override
    public byte[] toJson() {
      return JsonObject.builder().put("op", "shadow-end").put("id", id).build().toBytes();
    }
  }

  /**
   * Put a newer version of a transport's bundle in the place of the one that runs. Its bytes are
   * asked for with {@link BundleRequest.Piece}, and what became of it is said with {@link
   * BundleRequest.Outcome}.
   *
   * @param id of the command
   * @param bundle its symbolic name
   * @param version of the jar
   * @param size of the jar in bytes, 1 to {@value #MAX_SIZE}
   * @param sha256 of the jar in lower-case hex: one of the VM's measured facts
   */
  record Bundle(String id, String bundle, String version, long size, String sha256)
      implements Command {

    /** The most bytes of a jar that comes into a guest: ten times the largest that there is. */
    public static final int MAX_SIZE = 8 << 20;

    /** Checks limits. */
    public Bundle {
      Limits.requireText("id", id, Limits.MAX_WORD);
      Limits.requireBundle(bundle);
      Limits.requireVersion(version);
      Limits.requireSha256("sha256", sha256);
      if (size < 1 || size > MAX_SIZE) {
        throw new ProtocolException(
            "too-large", "A jar for a guest has 1 to %d bytes.".formatted(MAX_SIZE));
      }
    }

    @Override
    public byte[] toJson() {
      return JsonObject.builder()
          .put("op", "bundle")
          .put("id", id)
          .put("bundle", bundle)
          .put("version", version)
          .put("size", size)
          .put("sha256", sha256)
          .build()
          .toBytes();
    }
  }

  /**
   * Say which transports' bundles are there, with {@link BundleRequest.Listing}.
   *
   * @param id of the command
   */
  record Bundles(String id) implements Command {

    /** Checks limits. */
    public Bundles {
      Limits.requireText("id", id, Limits.MAX_WORD);
    }

    @Override
    public byte[] toJson() {
      return JsonObject.builder().put("op", "bundles").put("id", id).build().toBytes();
    }
  }

  /**
   * Reads one.
   *
   * @throws ProtocolException when it is none, code {@code unknown-op} when we do not know what it
   *     asks for
   */
  static Command parse(byte[] bytes) {
    JsonObject json = Json.parseObject(bytes, MAX_BYTES);
    String op = json.string("op", Limits.MAX_WORD);
    return switch (op) {
      case "credential" ->
          new Credential(
              json.string("id", Limits.MAX_WORD),
              json.string("transport", Limits.MAX_WORD),
              json.string("credential", 4096),
              Timestamps.read(json, "expires_at"));
      case "stop" ->
          new Stop(json.string("id", Limits.MAX_WORD), json.string("reason", Limits.MAX_TEXT));
      case "swap" ->
          new Swap(
              json.string("id", Limits.MAX_WORD),
              json.string("transport", Limits.MAX_WORD),
              json.optionalString("endpoint").map(TransportFact::uri).orElse(null),
              json.optionalString("ca_sha256").orElse(null),
              json.string("credential", 4096),
              Timestamps.read(json, "expires_at"));
      case "shadow" ->
          new Shadow(
              json.string("id", Limits.MAX_WORD),
              json.string("transport", Limits.MAX_WORD),
              json.string("credential", 4096),
              Timestamps.read(json, "expires_at"),
              json.optionalObject("inject").map(Inject::parse).orElse(Inject.NONE));
      case "shadow-end" -> new ShadowEnd(json.string("id", Limits.MAX_WORD));
      case "bundle" ->
          new Bundle(
              json.string("id", Limits.MAX_WORD),
              json.string("bundle"),
              json.string("version"),
              json.integer("size", 1, Bundle.MAX_SIZE),
              json.string("sha256"));
      case "bundles" -> new Bundles(json.string("id", Limits.MAX_WORD));
      default ->
          throw new ProtocolException(
              "unknown-op",
              "A command's op is credential, stop, swap, shadow, shadow-end, bundle or bundles; this one is none.");
    };
  }
}
