// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.manager;

import dev.fairlead.hypervisor.api.VmEnd;
import dev.fairlead.protocol.Addresses;
import dev.fairlead.protocol.json.Json;
import dev.fairlead.protocol.json.JsonObject;
import dev.fairlead.protocol.json.ProtocolException;
import java.time.DateTimeException;
import java.time.Duration;
import java.time.Instant;
import java.util.Locale;
import java.util.Objects;
import java.util.Optional;
import java.util.OptionalInt;
import org.jspecify.annotations.Nullable;

/**
 * What a manager writes down about a VM of its own, as {@code lease.json} in the VM's run
 * directory: all that it must know when it starts again and the hypervisor cannot tell. No
 * manifest, no secret.
 *
 * <p>One JSON object, at most {@value #MAX_BYTES} bytes, replaced as a whole:
 *
 * <pre>
 * {"format":1,
 *  "fleet":"fl","instance":"host-a",       whose VM it is: another manager's is left alone
 *  "computation":"123","digest":"7778…",
 *  "ports":{"ssh":2222,"http":9301,"grpc":7020},   absent until it has some
 *  "created":"2026-11-01T12:00:00Z",
 *  "ttl":3600,                             seconds; absent where it may run for ever
 *  "deadline":"2026-11-01T13:00:00Z",      goes with ttl; by this host's clock
 *  "booted":true,                          its agent has said hello
 *  "ended":{"kind":"killed","reason":"signal-9","exit_code":137,"at":"…"},  once it has ended
 *  "told":true}                            the registry has acknowledged the end
 * </pre>
 *
 * A reader that finds another format, or damage, adopts the VM by what the hypervisor knows, says
 * so, and does without the rest.
 */
record Lease(
    String fleet,
    String instance,
    String computation,
    String digest,
    @Nullable HostPorts ports,
    Instant created,
    @Nullable Duration ttl,
    @Nullable Instant deadline,
    boolean booted,
    @Nullable VmEnd ended,
    boolean told) {

  /** The name of the file. */
  static final String FILE = "lease.json";

  static final int MAX_BYTES = 16 << 10;

  private static final int FORMAT = 1;
  private static final int MAX_TEXT = 1024;

  /**
   * The lease of a VM that is about to be.
   *
   * @param ttl for how long it may run; null for ever
   */
  static Lease begin(
      String fleet,
      String instance,
      String computation,
      String digest,
      Instant now,
      @Nullable Duration ttl) {
    Instant deadline = ttl == null ? null : now.plus(ttl);
    return new Lease(
        fleet, instance, computation, digest, null, now, ttl, deadline, false, null, false);
  }

  Lease withPorts(@Nullable HostPorts value) {
    return new Lease(
        fleet, instance, computation, digest, value, created, ttl, deadline, booted, ended, told);
  }

  Lease withBooted() {
    return new Lease(
        fleet, instance, computation, digest, ports, created, ttl, deadline, true, ended, told);
  }

  Lease withEnded(VmEnd value) {
    return new Lease(
        fleet, instance, computation, digest, ports, created, ttl, deadline, booted, value, told);
  }

  Lease withTold() {
    return new Lease(
        fleet, instance, computation, digest, ports, created, ttl, deadline, booted, ended, true);
  }

  byte[] toJson() {
    JsonObject.Builder json =
        JsonObject.builder()
            .put("format", FORMAT)
            .put("fleet", fleet)
            .put("instance", instance)
            .put("computation", computation)
            .put("digest", digest)
            .putIfPresent("ports", ports == null ? null : ports.toJson())
            .put("created", created.toString());
    if (ttl != null) {
      json.put("ttl", ttl.toSeconds());
    }
    return json.putIfPresent("deadline", deadline == null ? null : deadline.toString())
        .put("booted", booted)
        .putIfPresent("ended", ended == null ? null : endToJson(ended))
        .put("told", told)
        .build()
        .toBytes();
  }

  /**
   * Reads one.
   *
   * @throws ProtocolException when it is none
   */
  static Lease parse(byte[] bytes) {
    JsonObject json = Json.parseObject(bytes, MAX_BYTES);
    if (json.integer("format", 0, Integer.MAX_VALUE) != FORMAT) {
      throw json.refuse("format", "is not %d: a newer version wrote it.".formatted(FORMAT));
    }
    var ttl = json.optionalInteger("ttl", 1, Integer.MAX_VALUE);
    return new Lease(
        json.string("fleet", 64),
        json.string("instance", 64),
        Addresses.requireId(json.string("computation")),
        json.string("digest", 64),
        json.optionalObject("ports").map(HostPorts::parse).orElse(null),
        Objects.requireNonNull(instant(json, "created"), "created is null"),
        ttl.isPresent() ? Duration.ofSeconds(ttl.getAsLong()) : null,
        json.has("deadline") ? instant(json, "deadline") : null,
        json.bool("booted"),
        json.optionalObject("ended").map(Lease::end).orElse(null),
        json.bool("told"));
  }

  /** The word for what an end means: {@code never-booted}. */
  static String word(VmEnd.Kind kind) {
    return kind.name().toLowerCase(Locale.ROOT).replace('_', '-');
  }

  static JsonObject endToJson(VmEnd end) {
    JsonObject.Builder json =
        JsonObject.builder().put("kind", word(end.kind())).put("reason", shorten(end.reason()));
    end.exitCode().ifPresent(code -> json.put("exit_code", code));
    return json.put("at", end.at().toString()).build();
  }

  /** A reason is the hypervisor's own word; no more of it than a message may carry. */
  static String shorten(String reason) {
    if (reason.isEmpty()) {
      return "unknown";
    }
    return reason.length() <= MAX_TEXT ? reason : reason.substring(0, MAX_TEXT);
  }

  private static VmEnd end(JsonObject json) {
    String kind = json.string("kind", 64).toUpperCase(Locale.ROOT).replace('-', '_');
    VmEnd.Kind known;
    try {
      known = VmEnd.Kind.valueOf(kind);
    } catch (IllegalArgumentException e) {
      throw json.refuse("kind", "is no kind of end.");
    }
    var code = json.optionalInteger("exit_code", Integer.MIN_VALUE, Integer.MAX_VALUE);
    return new VmEnd(
        known,
        json.string("reason", MAX_TEXT),
        code.isPresent() ? OptionalInt.of((int) code.getAsLong()) : OptionalInt.empty(),
        instant(json, "at"));
  }

  private static Instant instant(JsonObject json, String name) {
    String text = json.string(name, 64);
    try {
      return Instant.parse(text);
    } catch (DateTimeException e) {
      throw json.refuse(name, "must be a time such as 2026-11-01T12:00:00Z.");
    }
  }

  /** How it ended, if it has. */
  Optional<VmEnd> end() {
    return Optional.ofNullable(ended);
  }

  /** Whether it has ended, and otherwise than it should. */
  boolean failed() {
    return ended != null
        && switch (ended.kind()) {
          case FINISHED, STOPPED -> false;
          case CRASHED, KILLED, NEVER_BOOTED -> true;
        };
  }
}
