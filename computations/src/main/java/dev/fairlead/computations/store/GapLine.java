// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.computations.store;

import dev.fairlead.protocol.Addresses;
import dev.fairlead.protocol.Event;
import dev.fairlead.protocol.LogRecord;
import dev.fairlead.protocol.json.Json;
import dev.fairlead.protocol.json.JsonObject;
import dev.fairlead.protocol.json.JsonValue;
import java.time.Instant;
import java.util.Map;
import java.util.OptionalLong;

/**
 * What a reader sees where records are lost: among log records a log record, among events an event,
 * so that who reads lines need not know of gaps; who does, finds the field {@code gap}.
 */
public final class GapLine {

  private static final String ORIGINATOR = "computations";

  private GapLine() {}

  /**
   * Makes the line.
   *
   * @param address of the stream
   * @param epoch its numbering
   * @param first number of the first record that is lost
   * @param last number of the last one; empty where nobody knows how many there were
   * @param reason one word of the sender's or the receiver's
   * @param noticed when, by this host's clock
   */
  public static byte[] of(
      String address, String epoch, long first, OptionalLong last, String reason, Instant noticed) {
    JsonObject.Builder facts = JsonObject.builder().put("epoch", epoch).put("first", first);
    last.ifPresent(number -> facts.put("last", number));
    JsonObject gap = facts.put("reason", reason).put("noticed", noticed.toString()).build();
    JsonObject.Builder line = JsonObject.builder();
    Addresses.parse(address)
        .filter(Addresses::isComputation)
        .ifPresent(
            from -> {
              if (address.equals(from.stream(Addresses.LOGS))) {
                String message =
                    last.isPresent()
                        ? "Records %d to %d of numbering %s are lost: %s."
                            .formatted(first, last.getAsLong(), epoch, reason)
                        : "Whatever came after record %d of numbering %s is lost: %s."
                            .formatted(first - 1, epoch, reason);
                put(
                    line,
                    new LogRecord(noticed, LogRecord.Level.WARN, ORIGINATOR, message, from.party())
                        .toJson());
              } else if (address.equals(from.stream(Addresses.EVENTS))) {
                put(line, new Event("Gap", "Warning", noticed, from.party(), ORIGINATOR).toJson());
              }
            });
    return line.put("gap", gap).build().toBytes();
  }

  private static void put(JsonObject.Builder line, byte[] record) {
    Map<String, JsonValue> fields = Json.parseObject(record, record.length).fields();
    fields.forEach(line::put);
  }
}
