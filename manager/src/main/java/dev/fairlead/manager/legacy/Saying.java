// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.manager.legacy;

import static java.nio.charset.StandardCharsets.UTF_8;

import dev.fairlead.protocol.Event;
import dev.fairlead.protocol.LogRecord;
import dev.fairlead.protocol.LogRecord.Level;
import dev.fairlead.protocol.json.Json;
import dev.fairlead.protocol.json.JsonObject;
import dev.fairlead.protocol.json.ProtocolException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.time.DateTimeException;
import java.time.Instant;
import java.util.Locale;

/**
 * A frame's payload: protobuf, written down by hand, since there are two messages of strings.
 *
 * <pre>
 * oneof { agent_log = 1 { message 1, computation_id 2, level 3, timestamp 4 },
 *         agent_event = 2 { event_type 1, timestamp 2, computation_id 3, details 4, originator 5, status 6 } }
 * timestamp { seconds 1, nanos 2 }
 * </pre>
 *
 * <p>Fields that are not known are skipped. What it says of the computation is not believed: that
 * is known from the VM.
 */
final class Saying {

  /** Marks such lines in the store: they are outside the claim of exactly once. */
  static final String SOURCE = "legacy";

  private static final int VARINT = 0;
  private static final int FIXED64 = 1;
  private static final int BYTES = 2;
  private static final int FIXED32 = 5;
  private static final int LOG = 1;
  private static final int EVENT = 2;
  private static final int MAX_WORD = 64;
  private static final long MAX_FIELD = (1L << 29) - 1;

  private final boolean isEvent;
  private final byte[] record;

  private Saying(boolean isEvent, byte[] record) {
    this.isEvent = isEvent;
    this.record = record;
  }

  /** Whether it is an event; else it is a line. */
  boolean isEvent() {
    return isEvent;
  }

  /** As the store takes it: one line of JSON. Nobody changes it. */
  byte[] record() {
    return record;
  }

  /**
   * Reads one.
   *
   * @param computation whose VM sent it
   * @param now stands in for a time that is missing, or none
   * @throws IOException when it is none
   */
  static Saying parse(byte[] payload, String computation, Instant now) throws IOException {
    Fields fields = new Fields(ByteBuffer.wrap(payload));
    Saying said = null;
    while (fields.next()) {
      // Of a oneof that is there twice, the last counts.
      if (fields.is(LOG, BYTES)) {
        said = log(fields.bytes(), computation, now);
      } else if (fields.is(EVENT, BYTES)) {
        said = event(fields.bytes(), computation, now);
      } else {
        fields.skip();
      }
    }
    if (said == null) {
      throw new IOException("A message that is neither a log nor an event");
    }
    return said;
  }

  private static Saying log(ByteBuffer bytes, String computation, Instant now) throws IOException {
    Fields fields = new Fields(bytes);
    String message = "";
    Level level = Level.INFO;
    Instant at = now;
    while (fields.next()) {
      if (fields.is(1, BYTES)) {
        message = fields.text();
      } else if (fields.is(3, BYTES)) {
        level = level(fields.text());
      } else if (fields.is(4, BYTES)) {
        at = time(fields.bytes(), now);
      } else {
        fields.skip();
      }
    }
    String cut = cut(message, LogRecord.MAX_MESSAGE);
    try {
      return new Saying(false, new LogRecord(at, level, SOURCE, cut, computation).toJson());
    } catch (ProtocolException e) {
      throw new IOException("A log that cannot be stored: " + e.getMessage(), e);
    }
  }

  private static Saying event(ByteBuffer bytes, String computation, Instant now)
      throws IOException {
    Fields fields = new Fields(bytes);
    String type = "Unknown";
    String status = "Unknown";
    Instant at = now;
    JsonObject details = JsonObject.empty();
    while (fields.next()) {
      if (fields.is(1, BYTES)) {
        type = word(fields.text());
      } else if (fields.is(2, BYTES)) {
        at = time(fields.bytes(), now);
      } else if (fields.is(4, BYTES)) {
        details = details(fields.bytes());
      } else if (fields.is(6, BYTES)) {
        status = word(fields.text());
      } else {
        fields.skip();
      }
    }
    try {
      return new Saying(true, new Event(type, status, at, computation, SOURCE, details).toJson());
    } catch (ProtocolException e) {
      throw new IOException("An event that cannot be stored: " + e.getMessage(), e);
    }
  }

  private static JsonObject details(ByteBuffer bytes) {
    byte[] text = new byte[bytes.remaining()];
    bytes.get(text);
    try {
      return text.length == 0 ? JsonObject.empty() : Json.parseObject(text, Event.MAX_BYTES / 2);
    } catch (ProtocolException e) {
      return JsonObject.builder().put("text", cut(new String(text, UTF_8), 1024)).build();
    }
  }

  private static Instant time(ByteBuffer bytes, Instant now) throws IOException {
    Fields fields = new Fields(bytes);
    long seconds = 0;
    long nanos = 0;
    while (fields.next()) {
      if (fields.is(1, VARINT)) {
        seconds = fields.varint();
      } else if (fields.is(2, VARINT)) {
        nanos = fields.varint();
      } else {
        fields.skip();
      }
    }
    try {
      Instant at = Instant.ofEpochSecond(seconds, nanos);
      boolean sane =
          at.isAfter(Instant.EPOCH) && at.isBefore(Instant.parse("9999-12-31T00:00:00Z"));
      return sane ? at : now;
    } catch (DateTimeException | ArithmeticException e) {
      return now;
    }
  }

  private static Level level(String name) {
    return switch (name.toUpperCase(Locale.ROOT)) {
      case "DEBUG" -> Level.DEBUG;
      case "WARN", "WARNING" -> Level.WARN;
      case "ERROR" -> Level.ERROR;
      default -> Level.INFO;
    };
  }

  private static String word(String text) {
    return text.isEmpty() ? "Unknown" : cut(text, MAX_WORD);
  }

  private static String cut(String text, int most) {
    return text.length() <= most ? text : text.substring(0, most);
  }

  /** The fields of one message, one after another. */
  private static final class Fields {

    private final ByteBuffer in;
    private int number;
    private int type;

    Fields(ByteBuffer in) {
      this.in = in.order(ByteOrder.LITTLE_ENDIAN);
    }

    boolean next() throws IOException {
      if (!in.hasRemaining()) {
        return false;
      }
      long key = varint();
      number = (int) (key >>> 3);
      type = (int) (key & 7);
      if (key < 8 || key >>> 3 > MAX_FIELD) {
        throw new IOException("A field without a number");
      }
      return true;
    }

    boolean is(int wantedNumber, int wantedType) {
      return number == wantedNumber && type == wantedType;
    }

    long varint() throws IOException {
      long value = 0;
      for (int shift = 0; shift < 64; shift += 7) {
        need(1);
        byte b = in.get();
        value |= (long) (b & 0x7f) << shift;
        if (b >= 0) {
          return value;
        }
      }
      throw new IOException("A number of more than ten bytes");
    }

    ByteBuffer bytes() throws IOException {
      long length = varint();
      need(length);
      ByteBuffer part = in.slice(in.position(), (int) length);
      in.position(in.position() + (int) length);
      return part;
    }

    String text() throws IOException {
      return UTF_8.decode(bytes()).toString();
    }

    void skip() throws IOException {
      switch (type) {
        case VARINT -> varint();
        case BYTES -> bytes();
        case FIXED64 -> pass(8);
        case FIXED32 -> pass(4);
        default -> throw new IOException("A field of a kind that is no more");
      }
    }

    private void pass(int length) throws IOException {
      need(length);
      in.position(in.position() + length);
    }

    private void need(long length) throws IOException {
      if (length < 0 || length > in.remaining()) {
        throw new IOException("A field that is longer than its message");
      }
    }
  }
}
