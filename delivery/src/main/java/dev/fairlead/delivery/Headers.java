// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.delivery;

import static dev.fairlead.transport.api.TransportException.Category.REFUSED;

import dev.fairlead.transport.api.Message;
import java.nio.ByteBuffer;
import java.util.HashMap;
import java.util.HexFormat;
import java.util.Map;
import java.util.regex.Pattern;
import java.util.zip.CRC32C;
import org.jspecify.annotations.Nullable;

/**
 * What delivery writes on its messages: version 1.
 *
 * <p>A batch: its payload is records joined by a newline, none after the last; a record holds no
 * newline, and may be empty.
 *
 * <pre>
 * fl-v      1
 * fl-epoch  the numbering, [A-Za-z0-9_-]{1,64}
 * fl-first  number of its first record, from 1
 * fl-count  how many records, from 1
 * fl-kept   the lowest number that the sender still holds, at most fl-first: what the receiver lacks
 *           below it will never come. Where the transport's peer keeps what the sender has forgotten,
 *           it is the lowest that may still come from there
 * fl-held   optional, where the transport's peer keeps what the sender has forgotten: the lowest
 *           number that the sender holds itself, from fl-kept to fl-first. All below it the peer had
 *           stored before this batch was sent; what does not come although the peer gives this batch
 *           again and again, the peer has lost, and it will never come
 * fl-hash   CRC32C of the payload, 8 lower-case hex digits
 * fl-gap    optional: the records of this batch were dropped, for this reason, [a-z][a-z0-9-]{0,31};
 *           the payload is empty
 * fl-turn   optional: how many batches the sender's process has sent of this stream, this one and
 *           those that it has sent again among them
 * fl-copy   optional: this is a copy of a batch that goes another way too, to be compared and not
 *           stored: the number of the first record that was to be copied. A copy's gap says what
 *           was not
 * </pre>
 *
 * An acknowledgement: no payload.
 *
 * <pre>
 * fl-v      1
 * fl-epoch  the numbering
 * fl-stored all records up to this number are stored and synced, from 0
 * fl-want   optional: FIRST-LAST, records that are missing while later ones have come
 * fl-turn   optional: that of the batch that came last. A transport keeps the order, so what was
 *           sent before that turn and is missing is lost; what was sent after it is on its way
 * </pre>
 *
 * Numbers are decimal, at most 15 digits. Whatever does not fit is refused as a whole. Names that a
 * reader does not know are skipped; another version is refused.
 */
final class Headers {

  /** The largest number of a record. */
  static final long MAX_NUMBER = 999_999_999_999_999L;

  private static final String V = "fl-v";
  private static final String EPOCH = "fl-epoch";
  private static final String FIRST = "fl-first";
  private static final String COUNT = "fl-count";
  private static final String KEPT = "fl-kept";
  private static final String HELD = "fl-held";
  private static final String HASH = "fl-hash";
  private static final String GAP = "fl-gap";
  private static final String STORED = "fl-stored";
  private static final String WANT = "fl-want";
  private static final String TURN = "fl-turn";

  static final String COPY = "fl-copy";

  private static final int MAX_DIGITS = 15;
  private static final String NO_BYTES = "00000000";
  private static final Pattern EPOCHS = Pattern.compile("[A-Za-z0-9_-]{1,64}");
  private static final Pattern REASONS = Pattern.compile("[a-z][a-z0-9-]{0,31}");

  private Headers() {}

  /** What a batch's headers say; what is held, and the turn, are 0 where they are not told. */
  record BatchHeader(
      String epoch, long first, long count, long kept, long held, @Nullable String gap, long turn) {
    long last() {
      return first + count - 1;
    }
  }

  /**
   * What an acknowledgement's headers say; no wish is 0 to 0, the turn is 0 where it is not told.
   */
  record AckHeader(String epoch, long stored, long wantFirst, long wantLast, long turn) {

    /** Whether all is wanted that was ever sent, since the sink was away. */
    boolean wantsAll() {
      return wantLast == MAX_NUMBER;
    }
  }

  /** Which records a batch of our own making holds. */
  record Range(String epoch, long first, long count, long turn, boolean gap) {
    long last() {
      return first + count - 1;
    }
  }

  /** Whether a message of our own making is a batch. */
  static boolean isBatch(Message message) {
    return message.headers().containsKey(COUNT);
  }

  /** Whether a batch came beside another, to be compared. */
  static boolean isCopy(Message message) {
    return message.headers().containsKey(COPY);
  }

  /** Reads the numbers of a batch, and not its payload. */
  static Range range(Message message) {
    Map<String, String> headers = message.headers();
    return new Range(
        requireEpoch(need(headers, EPOCH)),
        number(headers, FIRST, 1),
        number(headers, COUNT, 1),
        turn(headers),
        headers.containsKey(GAP));
  }

  /** Where copies began; 0 where this is none. */
  static long copiedFrom(Message message) {
    return isCopy(message) ? number(message.headers(), COPY, 1) : 0;
  }

  static String requireEpoch(String epoch) {
    if (!EPOCHS.matcher(epoch).matches()) {
      throw refuse("bad-epoch", "An epoch is 1 to 64 of A-Z a-z 0-9 _ -.");
    }
    return epoch;
  }

  static Map<String, String> batch(
      String epoch,
      long first,
      long count,
      long kept,
      long held,
      int crc,
      @Nullable String gap,
      long turn) {
    Map<String, String> headers = new HashMap<>(12);
    headers.put(V, "1");
    headers.put(EPOCH, epoch);
    headers.put(FIRST, Long.toString(first));
    headers.put(COUNT, Long.toString(count));
    headers.put(KEPT, Long.toString(kept));
    if (held > kept) {
      headers.put(HELD, Long.toString(held));
    }
    headers.put(HASH, gap == null ? HexFormat.of().toHexDigits(crc) : NO_BYTES);
    headers.put(TURN, Long.toString(turn));
    if (gap != null) {
      headers.put(GAP, gap);
    }
    return headers;
  }

  static Map<String, String> ack(AckHeader ack) {
    Map<String, String> headers = new HashMap<>();
    headers.put(V, "1");
    headers.put(EPOCH, ack.epoch());
    headers.put(STORED, Long.toString(ack.stored()));
    if (ack.wantFirst() > 0) {
      headers.put(WANT, ack.wantFirst() + "-" + ack.wantLast());
    }
    if (ack.turn() > 0) {
      headers.put(TURN, Long.toString(ack.turn()));
    }
    return headers;
  }

  /** Reads and checks a batch, its payload included. */
  static BatchHeader readBatch(Message message) {
    Map<String, String> headers = message.headers();
    requireVersion(headers);
    String epoch = requireEpoch(need(headers, EPOCH));
    long first = number(headers, FIRST, 1);
    long count = number(headers, COUNT, 1);
    long kept = number(headers, KEPT, 1);
    long held = headers.containsKey(HELD) ? number(headers, HELD, 1) : 0;
    String gap = headers.get(GAP);
    if (first + count - 1 > MAX_NUMBER
        || kept > first
        || held > first
        || (held > 0 && held < kept)) {
      throw refuse("bad-numbers", "The numbers of the batch contradict one another.");
    }
    ByteBuffer payload = message.payload();
    if (!need(headers, HASH).equals(HexFormat.of().toHexDigits(crc(payload)))) {
      throw refuse("bad-hash", "The payload is not the one that was sent.");
    }
    if (gap != null) {
      if (payload.hasRemaining() || !REASONS.matcher(gap).matches()) {
        throw refuse("bad-gap", "A gap has no payload, and its reason is one lower-case word.");
      }
    } else if (Lines.count(payload) + 1L != count) {
      throw refuse("bad-count", "The payload does not hold as many records as it says.");
    }
    return new BatchHeader(epoch, first, count, kept, held, gap, turn(headers));
  }

  static AckHeader readAck(Message message) {
    Map<String, String> headers = message.headers();
    requireVersion(headers);
    String epoch = requireEpoch(need(headers, EPOCH));
    long stored = number(headers, STORED, 0);
    long turn = turn(headers);
    String want = headers.get(WANT);
    if (want == null) {
      return new AckHeader(epoch, stored, 0, 0, turn);
    }
    int dash = want.indexOf('-');
    if (dash < 0) {
      throw refuse("bad-header", "fl-want is FIRST-LAST.");
    }
    long from = number(WANT, want.substring(0, dash), 1);
    long to = number(WANT, want.substring(dash + 1), 1);
    if (from <= stored || to < from) {
      throw refuse("bad-numbers", "fl-want lies beyond fl-stored, its first before its last.");
    }
    return new AckHeader(epoch, stored, from, to, turn);
  }

  static int crc(ByteBuffer payload) {
    CRC32C crc = new CRC32C();
    crc.update(payload.duplicate());
    return (int) crc.getValue();
  }

  static int crc(byte[] bytes, int length) {
    CRC32C crc = new CRC32C();
    crc.update(bytes, 0, length);
    return (int) crc.getValue();
  }

  private static void requireVersion(Map<String, String> headers) {
    if (!need(headers, V).equals("1")) {
      throw refuse("bad-version", "Only version 1 is understood here.");
    }
  }

  private static String need(Map<String, String> headers, String name) {
    String value = headers.get(name);
    if (value == null) {
      throw refuse("missing-header", "The header " + name + " is missing.");
    }
    return value;
  }

  private static long turn(Map<String, String> headers) {
    return headers.containsKey(TURN) ? number(headers, TURN, 1) : 0;
  }

  private static long number(Map<String, String> headers, String name, long min) {
    return number(name, need(headers, name), min);
  }

  private static long number(String name, String text, long min) {
    int length = text.length();
    long value = 0;
    boolean fits = length >= 1 && length <= MAX_DIGITS && (length == 1 || text.charAt(0) != '0');
    for (int i = 0; fits && i < length; i++) {
      char c = text.charAt(i);
      fits = c >= '0' && c <= '9';
      value = value * 10 + (c - '0');
    }
    if (!fits || value < min) {
      throw refuse(
          "bad-header",
          "The header %s must be a number from %d, of at most 15 digits.".formatted(name, min));
    }
    return value;
  }

  private static DeliveryException refuse(String code, String sentence) {
    return new DeliveryException(REFUSED, code, sentence);
  }
}
