// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.protocol;

import static java.util.Objects.requireNonNull;

import dev.fairlead.protocol.json.Json;
import dev.fairlead.protocol.json.JsonObject;
import dev.fairlead.protocol.json.JsonWriter;
import dev.fairlead.protocol.json.ProtocolException;
import java.time.Duration;
import java.time.Instant;
import org.jspecify.annotations.Nullable;

/**
 * An agent says that it is there. It says so again at each connect until it has its manifest, which
 * is the answer.
 *
 * @param computationId who it is
 * @param epoch of its streams
 * @param timestamp by the sender's clock
 * @param state where it stands
 * @param uptime of the agent's process
 * @param transport by whose name it speaks
 * @param manifestSha256 of the manifest it has, in lower-case hex; null while it has none
 * @param version of the agent
 */
public record Hello(
    String computationId,
    String epoch,
    Instant timestamp,
    AgentState state,
    Duration uptime,
    String transport,
    @Nullable String manifestSha256,
    String version) {

  /** The most bytes that a hello may have on the wire. */
  public static final int MAX_BYTES = 8 * 1024;

  /** Checks limits. */
  public Hello {
    Addresses.requireId(computationId);
    Limits.requireEpoch(epoch);
    requireNonNull(timestamp, "timestamp is null");
    requireNonNull(state, "state is null");
    Limits.requireText("transport", transport, Limits.MAX_WORD);
    Limits.sha256OrNull("manifest_sha256", manifestSha256);
    Limits.requireText("version", version, Limits.MAX_WORD);
    if (uptime.isNegative()) {
      throw new ProtocolException("bad-field", "uptime_ms must not be negative.");
    }
  }

  /**
   * Reads one.
   *
   * @throws ProtocolException when it is none
   */
  public static Hello parse(byte[] bytes) {
    JsonObject json = Json.parseObject(bytes, MAX_BYTES);
    return new Hello(
        json.string("computation_id"),
        json.string("epoch"),
        Timestamps.read(json, "timestamp"),
        AgentState.parse(json.string("state")),
        Duration.ofMillis(json.integer("uptime_ms", 0, Long.MAX_VALUE / 1_000_000)),
        json.string("transport", Limits.MAX_WORD),
        json.optionalString("manifest_sha256").orElse(null),
        json.string("version", Limits.MAX_WORD));
  }

  /** Its JSON in UTF-8. */
  public byte[] toJson() {
    JsonWriter json = new JsonWriter(512).raw("{\"computation_id\":").string(computationId);
    json.raw(",\"epoch\":").string(epoch).raw(",\"timestamp\":");
    Timestamps.write(json, timestamp);
    json.raw(",\"state\":").string(state.wireName());
    json.raw(",\"uptime_ms\":").number(uptime.toMillis());
    json.raw(",\"transport\":").string(transport);
    if (manifestSha256 != null) {
      json.raw(",\"manifest_sha256\":").string(manifestSha256);
    }
    return json.raw(",\"version\":").string(version).raw('}').toBytes();
  }
}
