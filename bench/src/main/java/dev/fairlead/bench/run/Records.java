// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.bench.run;

import static java.nio.charset.StandardCharsets.ISO_8859_1;
import static java.nio.charset.StandardCharsets.US_ASCII;

import dev.fairlead.protocol.LogRecord;
import java.time.Instant;
import java.time.InstantSource;
import java.util.Arrays;

/**
 * The records of one stream: log records as an agent makes them of an algorithm's lines, encoded,
 * all of the same length. The message of each begins with its number and the time at which it was
 * meant to be sent:
 *
 * <pre>
 * seq=000000000042 at=0000012345678901 epoch 7/50 step 0412 loss=0.4213 …
 * </pre>
 *
 * The time is nanoseconds of the machine's steady clock, which all processes share; 0 for one that
 * is not measured. The text behind it follows from the number. For use by one thread.
 */
final class Records {

  /** The least bytes that an encoded record may have. */
  static final int LEAST = 180;

  private static final byte[] SEQ = "seq=".getBytes(US_ASCII);
  private static final byte[] AT = " at=".getBytes(US_ASCII);
  private static final int SEQ_DIGITS = 12;
  private static final int AT_DIGITS = 16;
  private static final int SEQ_FROM = SEQ.length;
  private static final int AT_FROM = SEQ_FROM + SEQ_DIGITS + AT.length;
  private static final int TEXT_FROM = AT_FROM + AT_DIGITS;
  private static final int TEXTS = 16;
  private static final String SOURCE = "stdout";

  private final InstantSource clock;
  private final String computation;
  private final int bytes;
  private final byte[][] messages;

  /**
   * Makes those of one computation.
   *
   * @param bytes of an encoded record, from {@link #LEAST}
   */
  Records(String computation, int bytes, InstantSource clock) {
    this.computation = computation;
    this.bytes = bytes;
    this.clock = clock;
    int around = record("", Instant.EPOCH).length;
    int length = bytes - around;
    if (length < TEXT_FROM) {
      throw new IllegalArgumentException(
          "A record has at least " + (around + TEXT_FROM) + " bytes");
    }
    messages = new byte[TEXTS][];
    for (int i = 0; i < TEXTS; i++) {
      messages[i] = message(i, length);
    }
  }

  private static byte[] message(int index, int length) {
    StringBuilder text = new StringBuilder(length + 100);
    text.append("seq=000000000000 at=0000000000000000");
    for (int step = index; text.length() < length; step += TEXTS) {
      text.append(
          " epoch %d/50 step %04d loss=0.%04d acc=0.%04d lr=3.0e-04 shard=%02d"
              .formatted(step % 50, step, 9999 - step * 37 % 9000, 5000 + step * 53 % 4999, index));
    }
    return text.substring(0, length).getBytes(US_ASCII);
  }

  private byte[] record(String message, Instant now) {
    return new LogRecord(now, LogRecord.Level.INFO, SOURCE, message, computation).toJson();
  }

  /**
   * One record, encoded.
   *
   * @param number from 1
   * @param nanos when it was meant to be sent; 0 for one that is not measured
   */
  byte[] record(long number, long nanos) {
    byte[] message = messages[(int) (number % TEXTS)].clone();
    digits(message, SEQ_FROM, SEQ_DIGITS, number);
    digits(message, AT_FROM, AT_DIGITS, nanos);
    return record(new String(message, ISO_8859_1), clock.instant());
  }

  private static void digits(byte[] into, int from, int count, long value) {
    long rest = value;
    for (int i = from + count - 1; rest > 0 && i >= from; i--) {
      into[i] = (byte) ('0' + rest % 10);
      rest /= 10;
    }
  }

  /**
   * The number of an encoded record, when all of it is as it was made.
   *
   * @return -1 when it is not
   */
  long number(byte[] record) {
    int at = find(record, 0, record.length);
    if (record.length != bytes || at < 0) {
      return -1;
    }
    long number = read(record, at + SEQ_FROM, SEQ_DIGITS);
    if (number < 1) {
      return -1;
    }
    byte[] message = messages[(int) (number % TEXTS)];
    boolean same =
        Arrays.equals(record, at + SEQ_FROM + SEQ_DIGITS, at + AT_FROM, AT, 0, AT.length)
            && Arrays.equals(
                record, at + TEXT_FROM, at + message.length, message, TEXT_FROM, message.length);
    return same ? number : -1;
  }

  /**
   * Where the next message begins.
   *
   * @return -1 when there is no whole number and time between the two places
   */
  static int find(byte[] bytes, int from, int to) {
    for (int i = from; i + TEXT_FROM <= to; i++) {
      if (bytes[i] == 's' && bytes[i + 1] == 'e' && bytes[i + 2] == 'q' && bytes[i + 3] == '=') {
        return i;
      }
    }
    return -1;
  }

  /** The number in the message that begins at a place. */
  static long numberAt(byte[] bytes, int message) {
    return read(bytes, message + SEQ_FROM, SEQ_DIGITS);
  }

  /** The time in the message that begins at a place. */
  static long nanosAt(byte[] bytes, int message) {
    return read(bytes, message + AT_FROM, AT_DIGITS);
  }

  /** How far a message's number and time reach. */
  static int markLength() {
    return TEXT_FROM;
  }

  private static long read(byte[] bytes, int from, int count) {
    long value = 0;
    for (int i = from; i < from + count; i++) {
      int digit = bytes[i] - '0';
      if (digit < 0 || digit > 9) {
        return -1;
      }
      value = value * 10 + digit;
    }
    return value;
  }
}
