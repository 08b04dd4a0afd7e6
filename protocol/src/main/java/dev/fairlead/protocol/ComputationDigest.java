// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.protocol;

import static java.nio.charset.StandardCharsets.UTF_8;

import dev.fairlead.protocol.json.Json;
import dev.fairlead.protocol.json.JsonArray;
import dev.fairlead.protocol.json.JsonNull;
import dev.fairlead.protocol.json.JsonNumber;
import dev.fairlead.protocol.json.JsonObject;
import dev.fairlead.protocol.json.JsonString;
import dev.fairlead.protocol.json.JsonValue;
import dev.fairlead.protocol.json.JsonWriter;
import dev.fairlead.protocol.json.ProtocolException;
import java.math.BigDecimal;
import java.math.MathContext;
import java.math.RoundingMode;
import java.time.YearMonth;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * The digest that {@code POST /run} answers: SHA-256 of the computation as the first managers,
 * which were written in Go, serialised it. Known fields only, in a fixed order; empty ones left
 * out, but both times and the timeout always there; names within {@code metadata} sorted; durations
 * and numbers in Go's form; {@code < > &} escaped.
 */
public final class ComputationDigest {

  private static final String ZERO_TIME = "0001-01-01T00:00:00Z";
  private static final Pattern TIME =
      Pattern.compile(
          "(\\d{4}-(\\d\\d)-(\\d\\d)T(\\d\\d):(\\d\\d):(\\d\\d))(\\.\\d{1,64})?"
              + "(Z|[+-](\\d\\d):(\\d\\d))");

  private ComputationDigest() {}

  /**
   * The digest, in lower-case hex.
   *
   * @param computation its exact bytes, at most {@link Manifest#MAX_BYTES}
   * @throws ProtocolException when it is no JSON, or a field has the wrong type
   */
  public static String of(byte[] computation) {
    return Limits.sha256(canonical(computation));
  }

  /**
   * The text whose digest it is.
   *
   * @throws ProtocolException when it is no JSON, or a field has the wrong type
   */
  public static byte[] canonical(byte[] computation) {
    JsonObject given = Json.parseObject(computation, Manifest.MAX_BYTES);
    Writer out = new Writer();
    out.text(given, "id");
    out.text(given, "name");
    out.text(given, "description");
    out.text(given, "status");
    out.text(given, "owner");
    out.field("start_time").string(time(given, "start_time"));
    out.field("end_time").string(time(given, "end_time"));
    out.artefacts(given, "datasets");
    out.artefacts(given, "algorithms");
    out.consumers(given);
    long ttl = given.optionalInteger("ttl", Integer.MIN_VALUE, Integer.MAX_VALUE).orElse(0);
    if (ttl != 0) {
      out.field("ttl").number(ttl);
    }
    JsonValue metadata = given.get("metadata").orElse(JsonNull.NULL);
    if (metadata != JsonNull.NULL && !metadata.equals(JsonObject.empty())) {
      out.field("metadata");
      out.sorted(metadata);
    }
    out.field("timeout").string(GoDuration.format(timeout(given)));
    return out.end();
  }

  private static String time(JsonObject given, String name) {
    String text = given.optionalString(name).orElse(ZERO_TIME);
    Matcher matcher = TIME.matcher(text);
    if (!matcher.matches() || !isTime(matcher, text)) {
      throw given.refuse(name, "must be a time such as 2023-11-03T12:03:21.5+03:00.");
    }
    String fraction = matcher.group(7) == null ? "" : matcher.group(7);
    if (fraction.length() > 10) {
      fraction = fraction.substring(0, 10);
    }
    fraction = fraction.replaceFirst("\\.?0*$", "");
    String offset = matcher.group(8);
    boolean utc = offset.endsWith("00:00");
    return matcher.group(1) + fraction + (utc ? "Z" : offset);
  }

  private static boolean isTime(Matcher matcher, String text) {
    int year = Integer.parseInt(text.substring(0, 4));
    int month = Integer.parseInt(matcher.group(2));
    int day = Integer.parseInt(matcher.group(3));
    return month >= 1
        && month <= 12
        && day >= 1
        && day <= YearMonth.of(year, month).lengthOfMonth()
        && Integer.parseInt(matcher.group(4)) < 24
        && Integer.parseInt(matcher.group(5)) < 60
        && Integer.parseInt(matcher.group(6)) < 60
        && (matcher.group(9) == null
            || (Integer.parseInt(matcher.group(9)) < 24
                && Integer.parseInt(matcher.group(10)) < 60));
  }

  private static long timeout(JsonObject given) {
    JsonValue value = given.get("timeout").orElse(JsonNull.NULL);
    if (value instanceof JsonString string) {
      return GoDuration.parse(string.value());
    }
    if (value instanceof JsonNumber number) {
      double nanos = number.asDouble();
      if (Math.abs(nanos) < 0x1p63) {
        return (long) nanos;
      }
    } else if (value == JsonNull.NULL) {
      return 0;
    }
    throw given.refuse("timeout", "must be nanoseconds, or a duration such as 3m0s.");
  }

  /** Writes the fields of one object, the commas where they belong. */
  private static final class Writer {

    private final JsonWriter json = new JsonWriter(1024).escapeHtml();
    private char before = '{';

    JsonWriter field(String name) {
      json.raw(before).string(name).raw(':');
      before = ',';
      return json;
    }

    void text(JsonObject given, String name) {
      String text = given.optionalString(name).orElse("");
      if (!text.isEmpty()) {
        field(name).string(text);
      }
    }

    void artefacts(JsonObject given, String name) {
      JsonArray items = given.optionalArray(name).orElse(JsonArray.of(List.of()));
      if (items.isEmpty()) {
        return;
      }
      field(name);
      char separator = '[';
      for (JsonValue item : items) {
        json.raw(separator);
        separator = ',';
        if (item instanceof JsonObject object) {
          artefact(object);
        } else if (item == JsonNull.NULL) {
          json.raw("{}");
        } else {
          throw given.refuse(name, "must hold objects.");
        }
      }
      json.raw(']');
    }

    private void artefact(JsonObject item) {
      String provider = item.optionalString("provider").orElse("");
      String id = item.optionalString("id").orElse("");
      json.raw('{');
      if (!provider.isEmpty()) {
        json.raw("\"provider\":").string(provider);
      }
      if (!id.isEmpty()) {
        json.raw(provider.isEmpty() ? "\"id\":" : ",\"id\":").string(id);
      }
      json.raw('}');
    }

    void consumers(JsonObject given) {
      JsonArray items = given.optionalArray("result_consumers").orElse(JsonArray.of(List.of()));
      if (items.isEmpty()) {
        return;
      }
      field("result_consumers");
      char separator = '[';
      for (JsonValue item : items) {
        json.raw(separator);
        separator = ',';
        if (item instanceof JsonString string) {
          json.string(string.value());
        } else if (item == JsonNull.NULL) {
          json.raw("\"\"");
        } else if (item instanceof JsonObject) {
          // The younger shape, which the first managers did not know; kept, lest it be forgeable.
          sorted(item);
        } else {
          throw given.refuse("result_consumers", "must hold names, or objects with a user_key.");
        }
      }
      json.raw(']');
    }

    void sorted(JsonValue value) {
      if (value instanceof JsonObject object) {
        Map<byte[], String> names = new TreeMap<>(Arrays::compareUnsigned);
        object.names().forEach(name -> names.put(name.getBytes(UTF_8), name));
        char separator = '{';
        for (String name : names.values()) {
          json.raw(separator).string(name).raw(':');
          separator = ',';
          sorted(object.get(name).orElse(JsonNull.NULL));
        }
        json.raw(names.isEmpty() ? "{}" : "}");
      } else if (value instanceof JsonArray array) {
        char separator = '[';
        for (JsonValue item : array) {
          json.raw(separator);
          separator = ',';
          sorted(item);
        }
        json.raw(array.isEmpty() ? "[]" : "]");
      } else if (value instanceof JsonNumber number) {
        json.raw(goNumber(number));
      } else {
        json.value(value);
      }
    }

    byte[] end() {
      return json.raw('}').toBytes();
    }
  }

  /** A number as Go prints the nearest double: the fewest digits that lead back to it. */
  static String goNumber(JsonNumber number) {
    double value = number.asDouble();
    if (Double.isInfinite(value)) {
      throw new ProtocolException("bad-number", "A number in metadata is beyond any double.");
    }
    if (value == 0) {
      return 1 / value < 0 ? "-0" : "0";
    }
    BigDecimal digits = shortest(value).stripTrailingZeros();
    double size = Math.abs(value);
    if (size >= 1e-6 && size < 1e21) {
      return digits.toPlainString();
    }
    String unscaled = digits.unscaledValue().abs().toString();
    int exponent = unscaled.length() - 1 - digits.scale();
    String mantissa =
        unscaled.length() == 1 ? unscaled : unscaled.charAt(0) + "." + unscaled.substring(1);
    String power = exponent < 0 ? "-" + -exponent : "+" + exponent;
    return (value < 0 ? "-" : "") + mantissa + "e" + power;
  }

  private static BigDecimal shortest(double value) {
    BigDecimal exact = new BigDecimal(value);
    for (int precision = 1; precision < 17; precision++) {
      BigDecimal found = null;
      for (RoundingMode mode :
          List.of(RoundingMode.HALF_EVEN, RoundingMode.DOWN, RoundingMode.UP)) {
        found = leadsBack(exact.round(new MathContext(precision, mode)), value);
        if (found != null) {
          return found;
        }
      }
    }
    return exact.round(new MathContext(17, RoundingMode.HALF_EVEN));
  }

  private static @Nullable BigDecimal leadsBack(BigDecimal candidate, double value) {
    return candidate.doubleValue() == value ? candidate : null;
  }
}
