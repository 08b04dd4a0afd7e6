// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.protocol;

import static java.util.Objects.requireNonNull;

import dev.fairlead.protocol.json.Json;
import dev.fairlead.protocol.json.JsonObject;
import dev.fairlead.protocol.json.JsonWriter;
import dev.fairlead.protocol.json.ProtocolException;
import java.time.Instant;

/**
 * One line of a computation. On the wire one line of JSON, which any subscriber can read.
 *
 * @param timestamp when the line came, by the sender's clock; years 1 to 9999
 * @param level how much it matters
 * @param source who said it: {@code stdout}, {@code stderr}, {@code agent}
 * @param message the line without its end; at most {@link #MAX_MESSAGE} characters
 * @param computationId whose line it is
 */
public record LogRecord(
    Instant timestamp, Level level, String source, String message, String computationId) {

  /** The longest message, in characters. Longer lines are cut by whoever makes the record. */
  public static final int MAX_MESSAGE = 64 * 1024;

  /** The most bytes that a record may have on the wire. */
  public static final int MAX_BYTES = 512 * 1024;

  private static final int MAX_SOURCE = 64;

  /** How much a line matters. */
  public enum Level {
    /** For who looks for a fault. */
    DEBUG,
    /** The ordinary. */
    INFO,
    /** Something is odd. */
    WARN,
    /** Something failed. */
    ERROR;

    /**
     * The level of a name.
     *
     * @throws ProtocolException code {@code bad-level}
     */
    public static Level parse(String name) {
      for (Level level : values()) {
        if (level.name().equals(name)) {
          return level;
        }
      }
      throw new ProtocolException("bad-level", "A level is DEBUG, INFO, WARN or ERROR.");
    }
  }

  /** Checks for null and length. */
  public LogRecord {
    requireNonNull(timestamp, "timestamp is null");
    requireNonNull(level, "level is null");
    if (source.length() > MAX_SOURCE || message.length() > MAX_MESSAGE) {
      throw new ProtocolException(
          "record-too-long",
          "A source has at most %d characters, a message %d: cut it."
              .formatted(MAX_SOURCE, MAX_MESSAGE));
    }
    Addresses.requireId(computationId);
  }

  /**
   * Reads one line.
   *
   * @throws ProtocolException when it is none
   */
  public static LogRecord parse(byte[] line) {
    JsonObject json = Json.parseObject(line, MAX_BYTES);
    return new LogRecord(
        Timestamps.read(json, "timestamp"),
        Level.parse(json.string("level")),
        json.string("source", MAX_SOURCE),
        json.string("message", MAX_MESSAGE),
        json.string("computation_id"));
  }

  /** One line of JSON in UTF-8, without the line's end. */
  public byte[] toJson() {
    return write(new JsonWriter(160 + message.length() + computationId.length())).toBytes();
  }

  /** Appends the line to what the writer holds, and returns the writer. */
  public JsonWriter write(JsonWriter json) {
    json.raw("{\"timestamp\":");
    Timestamps.write(json, timestamp);
    return json.raw(",\"level\":\"")
        .raw(level.name())
        .raw("\",\"source\":")
        .string(source)
        .raw(",\"message\":")
        .string(message)
        .raw(",\"computation_id\":\"")
        .raw(computationId)
        .raw("\"}");
  }
}
