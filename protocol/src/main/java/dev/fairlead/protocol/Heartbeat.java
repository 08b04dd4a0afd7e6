// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.protocol;

import static java.util.Objects.requireNonNull;

import dev.fairlead.protocol.json.Json;
import dev.fairlead.protocol.json.JsonNumber;
import dev.fairlead.protocol.json.JsonObject;
import dev.fairlead.protocol.json.JsonWriter;
import dev.fairlead.protocol.json.ProtocolException;
import java.time.Duration;
import java.time.Instant;
import org.jspecify.annotations.Nullable;

/**
 * A sign of life. The receiver's clock decides when it came; the sender's is for information.
 *
 * @param computationId who lives
 * @param epoch of its streams
 * @param seq counts from 1 within the epoch
 * @param timestamp by the sender's clock
 * @param interval until the next one, 1 ms to 1 h
 * @param state where the agent stands
 * @param uptime of the agent's process
 * @param outbox what it has still to deliver
 * @param load what it uses of its machine
 * @param version of the agent
 * @param transport by whose name it speaks; null where it does not say
 * @param swap what became of the newest order to change the transport; null before the first
 */
public record Heartbeat(
    String computationId,
    String epoch,
    long seq,
    Instant timestamp,
    Duration interval,
    AgentState state,
    Duration uptime,
    Backlog outbox,
    Load load,
    String version,
    @Nullable String transport,
    @Nullable Swap swap) {

  /** The most bytes that a heartbeat may have on the wire. */
  public static final int MAX_BYTES = 8 * 1024;

  /**
   * Counts of records, over all streams.
   *
   * @param queued not yet delivered
   * @param unacked sent among these
   * @param dropped given up, ever
   */
  public record Backlog(long queued, long unacked, long dropped) {

    /** Checks that nothing is negative. */
    public Backlog {
      if (queued < 0 || unacked < 0 || dropped < 0) {
        throw new ProtocolException("bad-field", "A count must not be negative.");
      }
    }
  }

  /**
   * Use of the machine.
   *
   * @param memoryUsed in bytes
   * @param memoryTotal in bytes
   * @param average runnable processes, over the last minute; 0 where it is not known
   */
  public record Load(long memoryUsed, long memoryTotal, double average) {

    /** Checks that nothing is negative, or not a number. */
    public Load {
      if (memoryUsed < 0 || memoryTotal < 0 || !(average >= 0 && average < 1e6)) {
        throw new ProtocolException("bad-field", "A load must lie between 0 and a million.");
      }
    }
  }

  /**
   * What became of an order to change the transport.
   *
   * @param command the order's id
   * @param done whether the agent speaks over the new transport since
   * @param code why not; null when it is done
   * @param reason the same for a person, at most 512 characters; null when it is done
   */
  public record Swap(String command, boolean done, @Nullable String code, @Nullable String reason) {

    private static final int MAX_REASON = 512;

    /** Checks limits; cuts what is too long for a reason. */
    public Swap {
      Limits.requireText("command", command, Limits.MAX_WORD);
      if (code != null) {
        Limits.requireText("code", code, Limits.MAX_WORD);
      }
      if (reason != null && reason.length() > MAX_REASON) {
        reason = reason.substring(0, MAX_REASON);
      }
    }

    private static Swap parse(JsonObject json) {
      return new Swap(
          json.string("command", Limits.MAX_WORD),
          json.bool("done"),
          json.optionalString("code").orElse(null),
          json.optionalString("reason").orElse(null));
    }

    private JsonObject toJson() {
      return JsonObject.builder()
          .put("command", command)
          .put("done", done)
          .putIfPresent("code", code)
          .putIfPresent("reason", reason)
          .build();
    }
  }

  /** One that says nothing of transports. */
  public Heartbeat(
      String computationId,
      String epoch,
      long seq,
      Instant timestamp,
      Duration interval,
      AgentState state,
      Duration uptime,
      Backlog outbox,
      Load load,
      String version) {
    this(
        computationId,
        epoch,
        seq,
        timestamp,
        interval,
        state,
        uptime,
        outbox,
        load,
        version,
        null,
        null);
  }

  /** Checks limits. */
  public Heartbeat {
    Addresses.requireId(computationId);
    Limits.requireEpoch(epoch);
    requireNonNull(timestamp, "timestamp is null");
    requireNonNull(state, "state is null");
    requireNonNull(outbox, "outbox is null");
    requireNonNull(load, "load is null");
    Limits.requireText("version", version, Limits.MAX_WORD);
    if (transport != null) {
      Limits.requireText("transport", transport, Limits.MAX_WORD);
    }
    if (seq < 1
        || interval.compareTo(Duration.ofMillis(1)) < 0
        || interval.compareTo(Duration.ofHours(1)) > 0
        || uptime.isNegative()) {
      throw new ProtocolException(
          "bad-field", "seq counts from 1, interval_ms is 1 to 3600000, uptime_ms not negative.");
    }
  }

  /**
   * Reads one.
   *
   * @throws ProtocolException when it is none
   */
  public static Heartbeat parse(byte[] bytes) {
    JsonObject json = Json.parseObject(bytes, MAX_BYTES);
    JsonObject outbox = json.object("outbox");
    return new Heartbeat(
        json.string("computation_id"),
        json.string("epoch"),
        json.integer("seq", 1, Long.MAX_VALUE),
        Timestamps.read(json, "timestamp"),
        Duration.ofMillis(json.integer("interval_ms", 1, 3_600_000)),
        AgentState.parse(json.string("state")),
        Duration.ofMillis(json.integer("uptime_ms", 0, Long.MAX_VALUE / 1_000_000)),
        new Backlog(count(outbox, "queued"), count(outbox, "unacked"), count(outbox, "dropped")),
        new Load(
            count(json, "memory_used"),
            count(json, "memory_total"),
            json.optionalNumber("load").map(JsonNumber::asDouble).orElse(0.0)),
        json.string("version", Limits.MAX_WORD),
        json.optionalString("transport").orElse(null),
        json.optionalObject("swap").map(Swap::parse).orElse(null));
  }

  /** Its JSON in UTF-8. */
  public byte[] toJson() {
    JsonWriter json = new JsonWriter(512).raw("{\"computation_id\":").string(computationId);
    json.raw(",\"epoch\":").string(epoch).raw(",\"seq\":").number(seq).raw(",\"timestamp\":");
    Timestamps.write(json, timestamp);
    json.raw(",\"interval_ms\":").number(interval.toMillis());
    json.raw(",\"state\":").string(state.wireName());
    json.raw(",\"uptime_ms\":").number(uptime.toMillis());
    json.raw(",\"outbox\":{\"queued\":").number(outbox.queued);
    json.raw(",\"unacked\":").number(outbox.unacked);
    json.raw(",\"dropped\":").number(outbox.dropped).raw('}');
    json.raw(",\"memory_used\":").number(load.memoryUsed);
    json.raw(",\"memory_total\":").number(load.memoryTotal);
    json.raw(",\"load\":").raw(Double.toString(load.average));
    json.raw(",\"version\":").string(version);
    if (transport != null) {
      json.raw(",\"transport\":").string(transport);
    }
    if (swap != null) {
      json.raw(",\"swap\":").raw(swap.toJson().toString());
    }
    return json.raw('}').toBytes();
  }

  private static long count(JsonObject json, String name) {
    return json.integer(name, 0, Long.MAX_VALUE);
  }
}
