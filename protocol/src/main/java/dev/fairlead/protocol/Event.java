// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.protocol;

import static java.util.Objects.requireNonNull;

import dev.fairlead.protocol.json.Json;
import dev.fairlead.protocol.json.JsonObject;
import dev.fairlead.protocol.json.JsonWriter;
import dev.fairlead.protocol.json.ProtocolException;
import java.time.Instant;

/**
 * Something happened to a computation. On the wire one line of JSON.
 *
 * @param type what it is about: a state's wire name, {@code AlgorithmRun}, {@code Stopped}, {@code
 *     VmRunning}…; 1 to 64 characters
 * @param status how it stands: {@code InProgress}, {@code Ready}, {@code Completed}, {@code
 *     Warning}, {@code Failed}…; 1 to 64 characters
 * @param timestamp by the sender's clock
 * @param computationId whose event it is
 * @param originator {@code agent} or {@code manager}; 1 to 64 characters
 * @param details whatever explains it; together at most {@link #MAX_BYTES}
 */
public record Event(
    String type,
    String status,
    Instant timestamp,
    String computationId,
    String originator,
    JsonObject details) {

  /** The most bytes that an event may have on the wire. */
  public static final int MAX_BYTES = 64 * 1024;

  private static final int MAX_WORD = 64;

  /** Checks for null and length. */
  public Event {
    requireWord("event_type", type);
    requireWord("status", status);
    requireWord("originator", originator);
    requireNonNull(timestamp, "timestamp is null");
    requireNonNull(details, "details is null");
    Addresses.requireId(computationId);
  }

  /** An event without details. */
  public Event(
      String type, String status, Instant timestamp, String computationId, String originator) {
    this(type, status, timestamp, computationId, originator, JsonObject.empty());
  }

  /**
   * Reads one line.
   *
   * @throws ProtocolException when it is none
   */
  public static Event parse(byte[] line) {
    JsonObject json = Json.parseObject(line, MAX_BYTES);
    return new Event(
        json.string("event_type", MAX_WORD),
        json.string("status", MAX_WORD),
        Timestamps.read(json, "timestamp"),
        json.string("computation_id"),
        json.string("originator", MAX_WORD),
        json.optionalObject("details").orElse(JsonObject.empty()));
  }

  /**
   * One line of JSON in UTF-8, without the line's end.
   *
   * @throws ProtocolException when it is longer than {@link #MAX_BYTES}
   */
  public byte[] toJson() {
    JsonWriter json = new JsonWriter(512).raw("{\"event_type\":").string(type);
    json.raw(",\"status\":").string(status).raw(",\"timestamp\":");
    Timestamps.write(json, timestamp);
    json.raw(",\"computation_id\":").string(computationId);
    json.raw(",\"originator\":").string(originator);
    json.raw(",\"details\":").value(details).raw('}');
    return Limits.requireLength(json.toBytes(), MAX_BYTES);
  }

  private static void requireWord(String name, String word) {
    if (word.isEmpty() || word.length() > MAX_WORD) {
      throw new ProtocolException(
          "bad-event", "%s must have 1 to %d characters.".formatted(name, MAX_WORD));
    }
  }
}
