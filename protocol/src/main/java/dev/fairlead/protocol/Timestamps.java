// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.protocol;

import static java.nio.charset.StandardCharsets.US_ASCII;

import dev.fairlead.protocol.json.JsonObject;
import dev.fairlead.protocol.json.JsonWriter;
import java.time.DateTimeException;
import java.time.Instant;
import java.time.OffsetDateTime;

/** Points in time as messages carry them: {@code 2026-11-01T12:00:00.123456789Z}. */
final class Timestamps {

  private static final int DAY = 86_400;

  /** The one that was written last, by whatever thread: any will do. */
  private static volatile Second last = new Second(0, words(0));

  private Timestamps() {}

  /** Reads a point in time, with any offset. */
  static Instant read(JsonObject object, String name) {
    String text = object.string(name, 64);
    try {
      return OffsetDateTime.parse(text).toInstant();
    } catch (DateTimeException e) {
      throw object.refuse(name, "must be a time such as 2026-11-01T12:00:00.5Z.");
    }
  }

  /**
   * Writes a point in time as a JSON string, in UTC, with nine digits of fraction. By hand, since
   * each log record has one, and the formatter of the platform takes longer than all the rest; and
   * each second once, since many records share it.
   */
  static void write(JsonWriter json, Instant time) {
    long seconds = time.getEpochSecond();
    Second second = last;
    if (second.number != seconds) {
      second = new Second(seconds, words(seconds));
      last = second;
    }
    json.raw(second.words).digits(time.getNano(), 9).raw("Z\"");
  }

  /**
   * A second, and how it is written, from the opening quote to the point.
   *
   * @param number since 1970
   */
  private record Second(long number, String words) {}

  private static String words(long seconds) {
    if (seconds < -62_135_596_800L || seconds >= 253_402_300_800L) {
      throw new IllegalArgumentException("The time lies outside the years 1 to 9999.");
    }
    long days = Math.floorDiv(seconds, DAY);
    int ofDay = Math.floorMod(seconds, DAY);
    // The civil calendar counted from March, in eras of 400 years: the leap day comes last.
    long shifted = days + 719_468;
    long era = Math.floorDiv(shifted, 146_097);
    int dayOfEra = Math.floorMod(shifted, 146_097);
    int yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365;
    int dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100);
    int monthFromMarch = (5 * dayOfYear + 2) / 153;
    int day = dayOfYear - (153 * monthFromMarch + 2) / 5 + 1;
    int month = monthFromMarch < 10 ? monthFromMarch + 3 : monthFromMarch - 9;
    int year = (int) (yearOfEra + era * 400 + (month <= 2 ? 1 : 0));
    byte[] words =
        new JsonWriter(24)
            .raw('"')
            .digits(year, 4)
            .raw('-')
            .digits(month, 2)
            .raw('-')
            .digits(day, 2)
            .raw('T')
            .digits(ofDay / 3600, 2)
            .raw(':')
            .digits(ofDay / 60 % 60, 2)
            .raw(':')
            .digits(ofDay % 60, 2)
            .raw('.')
            .toBytes();
    return new String(words, US_ASCII);
  }
}
