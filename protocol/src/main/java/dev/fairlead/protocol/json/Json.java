// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.protocol.json;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.CodingErrorAction;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import tools.jackson.core.JacksonException;
import tools.jackson.core.JsonParser;
import tools.jackson.core.JsonToken;
import tools.jackson.core.ObjectReadContext;
import tools.jackson.core.StreamReadConstraints;
import tools.jackson.core.TokenStreamLocation;
import tools.jackson.core.json.JsonFactory;

/**
 * Reads and writes JSON. Reading holds to RFC 8259 and is stricter where that leaves room: UTF-8
 * only, no name twice in an object, no byte order mark, nothing after the value, and the limits
 * below. Only {@link ProtocolException} comes out, whatever the bytes are.
 */
public final class Json {

  /** How deep arrays and objects may stand in one another. */
  public static final int MAX_DEPTH = 32;

  /** How many characters a number may have. */
  public static final int MAX_NUMBER = 128;

  /** How many characters a name may have. */
  public static final int MAX_NAME = 1024;

  private static final JsonFactory FACTORY =
      JsonFactory.builder()
          .streamReadConstraints(
              StreamReadConstraints.builder()
                  .maxNestingDepth(MAX_DEPTH)
                  .maxNumberLength(MAX_NUMBER)
                  .maxNameLength(MAX_NAME)
                  .maxStringLength(Integer.MAX_VALUE)
                  .build())
          .build();

  private Json() {}

  /**
   * A value, and where it ended.
   *
   * @param value what was read
   * @param end index of the first character after it
   */
  public record Prefix(JsonValue value, int end) {}

  /**
   * Reads one value.
   *
   * @param maxBytes the most bytes there may be
   * @throws ProtocolException when the bytes are too many, or no JSON
   */
  public static JsonValue parse(byte[] bytes, int maxBytes) {
    return parse(decode(bytes, maxBytes));
  }

  /**
   * Reads one object.
   *
   * @param maxBytes the most bytes there may be
   * @throws ProtocolException when the bytes are too many, or no JSON object
   */
  public static JsonObject parseObject(byte[] bytes, int maxBytes) {
    JsonValue value = parse(bytes, maxBytes);
    if (value instanceof JsonObject object) {
      return object;
    }
    throw JsonObject.wrongType(Place.ROOT, "an object", value);
  }

  /**
   * Reads one value from text.
   *
   * @throws ProtocolException when it is no JSON
   */
  public static JsonValue parse(String text) {
    return read(text, 0, true).value();
  }

  /**
   * Reads the value that begins at an index, and stops where it ends.
   *
   * @throws ProtocolException when no JSON value begins there
   */
  public static Prefix parsePrefix(String text, int from) {
    return read(text, from, false);
  }

  /** The JSON text of a value, without white space. */
  public static String write(JsonValue value) {
    return new String(writeBytes(value), UTF_8);
  }

  /** The JSON text of a value in UTF-8, without white space. */
  public static byte[] writeBytes(JsonValue value) {
    return new JsonWriter(256).value(value).toBytes();
  }

  /**
   * The characters of a text in UTF-8.
   *
   * @param maxBytes the most bytes there may be
   * @throws ProtocolException when the bytes are too many, or not UTF-8
   */
  public static String decode(byte[] bytes, int maxBytes) {
    if (bytes.length > maxBytes) {
      throw new ProtocolException(
          "too-large", "There are %d bytes; %d is the most.".formatted(bytes.length, maxBytes));
    }
    try {
      return UTF_8
          .newDecoder()
          .onMalformedInput(CodingErrorAction.REPORT)
          .onUnmappableCharacter(CodingErrorAction.REPORT)
          .decode(ByteBuffer.wrap(bytes))
          .toString();
    } catch (CharacterCodingException e) {
      throw new ProtocolException("not-utf8", "The text is not UTF-8: encode it so.", e);
    }
  }

  private static Prefix read(String text, int from, boolean whole) {
    int first = from;
    while (first < text.length() && isSpace(text.charAt(first))) {
      first++;
    }
    if (first >= text.length()) {
      throw new ProtocolException(
          "bad-json", "There is no JSON value at character %d: give one.".formatted(from));
    }
    char[] chars = text.toCharArray();
    try (JsonParser parser =
        FACTORY.createParser(ObjectReadContext.empty(), chars, first, chars.length - first)) {
      parser.nextToken();
      Reader reader = new Reader(parser, text, first);
      JsonValue value = reader.value(Place.ROOT);
      // Behind a number, the parser has looked at one character more.
      int end = value instanceof JsonNumber number ? first + number.text().length() : reader.end();
      if (whole && parser.nextToken() != null) {
        throw new ProtocolException(
            "bad-json",
            "There is something after the JSON value at character %d: remove it.".formatted(end));
      }
      return new Prefix(value, end);
    } catch (JacksonException e) {
      throw new ProtocolException(
          "bad-json",
          "This is no valid JSON at character %d: %s"
              .formatted(position(e.getLocation(), first), Place.shorten(firstLine(e))),
          e);
    }
  }

  private static boolean isSpace(char c) {
    return c == ' ' || c == '\n' || c == '\r' || c == '\t';
  }

  private static String firstLine(JacksonException e) {
    String message = e.getOriginalMessage();
    return message == null ? "unreadable" : message.lines().findFirst().orElse("unreadable");
  }

  private static long position(@Nullable TokenStreamLocation location, int first) {
    return location == null || location.getCharOffset() < 0
        ? first
        : first + location.getCharOffset();
  }

  /** Builds the tree of one value. */
  private static final class Reader {

    private final JsonParser parser;
    private final String text;
    private final int first;

    Reader(JsonParser parser, String text, int first) {
      this.parser = parser;
      this.text = text;
      this.first = first;
    }

    JsonValue value(Place place) {
      JsonToken token = parser.currentToken();
      if (token == null) {
        throw new ProtocolException(
            "bad-json", "The JSON value that began at character %d is cut off.".formatted(first));
      }
      return switch (token) {
        case START_OBJECT -> object(place);
        case START_ARRAY -> array(place);
        case VALUE_STRING -> new JsonString(parser.getString());
        case VALUE_NUMBER_INT, VALUE_NUMBER_FLOAT -> JsonNumber.ofText(parser.getString());
        case VALUE_TRUE -> JsonBoolean.TRUE;
        case VALUE_FALSE -> JsonBoolean.FALSE;
        case VALUE_NULL -> JsonNull.NULL;
        default ->
            throw new ProtocolException(
                "bad-json", "A JSON value is missing at %s.".formatted(place));
      };
    }

    private JsonObject object(Place place) {
      int start = start();
      Map<String, JsonValue> fields = new LinkedHashMap<>();
      while (parser.nextToken() == JsonToken.PROPERTY_NAME) {
        String name = parser.currentName();
        Place here = place.field(name);
        parser.nextToken();
        if (fields.put(name, value(here)) != null) {
          throw new ProtocolException(
              "duplicate-field", "%s is there twice: keep one.".formatted(here));
        }
      }
      return new JsonObject(fields, place, new JsonObject.Source(text, start, end()));
    }

    private JsonArray array(Place place) {
      List<JsonValue> items = new ArrayList<>();
      while (true) {
        JsonToken token = parser.nextToken();
        if (token == JsonToken.END_ARRAY) {
          return new JsonArray(items, place);
        }
        items.add(value(place.item(items.size())));
      }
    }

    // The parser counts from where it began.

    private int start() {
      return first + (int) parser.currentTokenLocation().getCharOffset();
    }

    /** Just behind the current token, which ends a value. */
    int end() {
      return first + (int) parser.currentLocation().getCharOffset();
    }
  }
}
