// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.protocol.json;

import static java.util.Objects.requireNonNull;

import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * Names with their values, in the order written. Accessors come in pairs: the plain one requires
 * the field, the {@code optional…} one takes absence and {@code null} alike for absence. What does
 * not fit is refused with its place in the document.
 */
public final class JsonObject implements JsonValue {

  private final Map<String, JsonValue> fields;
  private final Place place;
  private final @Nullable Source source;

  /** The characters of a document from start to end. */
  record Source(String text, int start, int end) {}

  JsonObject(Map<String, JsonValue> fields, Place place, @Nullable Source source) {
    this.fields = Collections.unmodifiableMap(fields);
    this.place = place;
    this.source = source;
  }

  /** Starts an object that is built field by field. */
  public static Builder builder() {
    return new Builder();
  }

  /** An object without fields. */
  public static JsonObject empty() {
    return builder().build();
  }

  /** The names, in the order written. */
  public Set<String> names() {
    return fields.keySet();
  }

  /** Whether there is such a field, be it null. */
  public boolean has(String name) {
    return fields.containsKey(name);
  }

  /** The value of a field, empty where there is no such field. */
  public Optional<JsonValue> get(String name) {
    return Optional.ofNullable(fields.get(name));
  }

  /** All fields, in the order written. */
  public Map<String, JsonValue> fields() {
    return fields;
  }

  /** A string. */
  public String string(String name) {
    return required(name, optionalString(name), "a string");
  }

  /**
   * A string of limited length.
   *
   * @param maxLength in characters
   */
  public String string(String name, int maxLength) {
    String value = string(name);
    if (value.length() > maxLength) {
      throw new ProtocolException(
          "field-too-long",
          "%s has %d characters; %d is the most."
              .formatted(place.field(name), value.length(), maxLength));
    }
    return value;
  }

  /** A string, if there is one. */
  public Optional<String> optionalString(String name) {
    JsonValue value = present(name);
    if (value == null) {
      return Optional.empty();
    }
    if (value instanceof JsonString string) {
      return Optional.of(string.value());
    }
    throw wrongType(place.field(name), "a string", value);
  }

  /** A whole number within bounds, both included. */
  public long integer(String name, long min, long max) {
    OptionalLong value = optionalInteger(name, min, max);
    if (value.isEmpty()) {
      throw missing(name, "a whole number");
    }
    return value.getAsLong();
  }

  /** A whole number within bounds, both included, if there is one. */
  public OptionalLong optionalInteger(String name, long min, long max) {
    JsonValue value = present(name);
    if (value == null) {
      return OptionalLong.empty();
    }
    OptionalLong number =
        value instanceof JsonNumber written ? written.asLong() : OptionalLong.empty();
    if (number.isEmpty() || number.getAsLong() < min || number.getAsLong() > max) {
      throw wrongType(place.field(name), "a whole number from %d to %d".formatted(min, max), value);
    }
    return number;
  }

  /** A number. */
  public JsonNumber number(String name) {
    return required(name, optionalNumber(name), "a number");
  }

  /** A number, if there is one. */
  public Optional<JsonNumber> optionalNumber(String name) {
    return optional(name, JsonNumber.class, "a number");
  }

  /** True or false. */
  public boolean bool(String name) {
    return required(name, optionalBool(name), "a boolean");
  }

  /** True or false, if it is there. */
  public Optional<Boolean> optionalBool(String name) {
    return optional(name, JsonBoolean.class, "a boolean").map(JsonBoolean::value);
  }

  /** An object. */
  public JsonObject object(String name) {
    return required(name, optionalObject(name), "an object");
  }

  /** An object, if there is one. */
  public Optional<JsonObject> optionalObject(String name) {
    return optional(name, JsonObject.class, "an object");
  }

  /** An array. */
  public JsonArray array(String name) {
    return required(name, optionalArray(name), "an array");
  }

  /** An array, if there is one. */
  public Optional<JsonArray> optionalArray(String name) {
    return optional(name, JsonArray.class, "an array");
  }

  /** The objects of an array; none where the field is absent. */
  public List<JsonObject> objects(String name) {
    return optionalArray(name).map(JsonArray::objects).orElse(List.of());
  }

  /** The strings of an array; none where the field is absent. */
  public List<String> strings(String name) {
    return optionalArray(name).map(JsonArray::strings).orElse(List.of());
  }

  /** Where the object stands in the document it was read from: {@code $.datasets[0]}. */
  public String path() {
    return place.toString();
  }

  /** The very characters it was read from; empty for an object that was built. */
  public Optional<String> source() {
    return Optional.ofNullable(source).map(s -> s.text().substring(s.start(), s.end()));
  }

  /**
   * A refusal of one of its fields, for checks that go beyond the type.
   *
   * @param what completes a sentence that begins with the field's path: {@code "is no address."}
   */
  public ProtocolException refuse(String name, String what) {
    return new ProtocolException("bad-field", place.field(name) + " " + what);
  }

  /** Its JSON text in UTF-8, without white space. */
  public byte[] toBytes() {
    return Json.writeBytes(this);
  }

  @Override
  public String kind() {
    return "an object";
  }

  @Override
  public boolean equals(@Nullable Object other) {
    return other instanceof JsonObject object && fields.equals(object.fields);
  }

  @Override
  public int hashCode() {
    return fields.hashCode();
  }

  /** Its JSON text, without white space. */
  @Override
  public String toString() {
    return Json.write(this);
  }

  static ProtocolException wrongType(Place place, String wanted, JsonValue found) {
    String given = found instanceof JsonNumber number ? Place.shorten(number.text()) : found.kind();
    return new ProtocolException(
        "wrong-type", "%s must be %s, but is %s.".formatted(place, wanted, given));
  }

  private @Nullable JsonValue present(String name) {
    JsonValue value = fields.get(name);
    return value == JsonNull.NULL ? null : value;
  }

  private <T extends JsonValue> Optional<T> optional(String name, Class<T> type, String wanted) {
    JsonValue value = present(name);
    if (value == null) {
      return Optional.empty();
    }
    if (!type.isInstance(value)) {
      throw wrongType(place.field(name), wanted, value);
    }
    return Optional.of(type.cast(value));
  }

  private <T> T required(String name, Optional<T> value, String wanted) {
    return value.orElseThrow(() -> missing(name, wanted));
  }

  private ProtocolException missing(String name, String wanted) {
    return new ProtocolException(
        "missing-field", "%s is missing: give %s.".formatted(place.field(name), wanted));
  }

  /** Builds an object. Not safe for use by several threads. */
  public static final class Builder {

    private final Map<String, JsonValue> fields = new LinkedHashMap<>();

    private Builder() {}

    /**
     * Adds a value.
     *
     * @throws IllegalArgumentException when the name is there already
     */
    public Builder put(String name, JsonValue value) {
      requireNonNull(name, "name is null");
      requireNonNull(value, "value is null");
      if (fields.putIfAbsent(name, value) != null) {
        throw new IllegalArgumentException("The field '%s' is there already.".formatted(name));
      }
      return this;
    }

    /** Adds a string. */
    public Builder put(String name, String value) {
      return put(name, new JsonString(value));
    }

    /** Adds a whole number. */
    public Builder put(String name, long value) {
      return put(name, JsonNumber.of(value));
    }

    /** Adds a number, which must be finite. */
    public Builder put(String name, double value) {
      if (!Double.isFinite(value)) {
        throw new IllegalArgumentException("JSON has no number for " + value);
      }
      return put(name, new JsonNumber(Double.toString(value)));
    }

    /** Adds true or false. */
    public Builder put(String name, boolean value) {
      return put(name, JsonBoolean.of(value));
    }

    /** Adds an array of strings. */
    public Builder put(String name, List<String> values) {
      return put(name, JsonArray.ofStrings(values));
    }

    /** Adds a string unless it is null. */
    public Builder putIfPresent(String name, @Nullable String value) {
      return value == null ? this : put(name, value);
    }

    /** Adds a value unless it is null. */
    public Builder putIfPresent(String name, @Nullable JsonValue value) {
      return value == null ? this : put(name, value);
    }

    /** The object. The builder may be used further. */
    public JsonObject build() {
      return new JsonObject(new LinkedHashMap<>(fields), Place.ROOT, null);
    }
  }
}
