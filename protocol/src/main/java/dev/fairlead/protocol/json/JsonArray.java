// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.protocol.json;

import java.util.ArrayList;
import java.util.Collections;
import java.util.Iterator;
import java.util.List;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/** A list of values. What does not fit an accessor is refused with its place in the document. */
public final class JsonArray implements JsonValue, Iterable<JsonValue> {

  private final List<JsonValue> items;
  private final Place place;

  JsonArray(List<JsonValue> items, Place place) {
    this.items = Collections.unmodifiableList(items);
    this.place = place;
  }

  /** An array of values. */
  public static JsonArray of(List<? extends JsonValue> items) {
    return new JsonArray(List.copyOf(items), Place.ROOT);
  }

  /** An array of strings. */
  public static JsonArray ofStrings(List<String> items) {
    return of(items.stream().map(JsonString::new).toList());
  }

  /** How many values there are. */
  public int size() {
    return items.size();
  }

  /** Whether there is no value. */
  public boolean isEmpty() {
    return items.isEmpty();
  }

  /**
   * One value.
   *
   * @throws IndexOutOfBoundsException when there is no such index
   */
  public JsonValue get(int index) {
    return items.get(index);
  }

  /**
   * All values, each of which must be an object.
   *
   * @throws ProtocolException code {@code wrong-type}
   */
  public List<JsonObject> objects() {
    List<JsonObject> objects = new ArrayList<>(items.size());
    for (int i = 0; i < items.size(); i++) {
      if (!(items.get(i) instanceof JsonObject object)) {
        throw wrong(i, "an object");
      }
      objects.add(object);
    }
    return Collections.unmodifiableList(objects);
  }

  /**
   * All values, each of which must be a string.
   *
   * @throws ProtocolException code {@code wrong-type}
   */
  public List<String> strings() {
    List<String> strings = new ArrayList<>(items.size());
    for (int i = 0; i < items.size(); i++) {
      if (!(items.get(i) instanceof JsonString string)) {
        throw wrong(i, "a string");
      }
      strings.add(string.value());
    }
    return Collections.unmodifiableList(strings);
  }

  /**
   * All values, each of which must be a whole number from 0 to 255, as bytes.
   *
   * @throws ProtocolException code {@code wrong-type}
   */
  public byte[] bytes() {
    byte[] bytes = new byte[items.size()];
    for (int i = 0; i < bytes.length; i++) {
      long value = items.get(i) instanceof JsonNumber number ? number.asLong().orElse(-1) : -1;
      if (value < 0 || value > 255) {
        throw wrong(i, "a whole number from 0 to 255");
      }
      bytes[i] = (byte) value;
    }
    return bytes;
  }

  /** Where the array stands in the document it was read from: {@code $.datasets}. */
  public String path() {
    return place.toString();
  }

  @Override
  public Iterator<JsonValue> iterator() {
    return items.iterator();
  }

  @Override
  public String kind() {
    return "an array";
  }

  @Override
  public boolean equals(@Nullable Object other) {
    return other instanceof JsonArray array && items.equals(array.items);
  }

  @Override
  public int hashCode() {
    return Objects.hash(items);
  }

  @Override
  public String toString() {
    return Json.write(this);
  }

  private ProtocolException wrong(int index, String wanted) {
    return JsonObject.wrongType(place.item(index), wanted, items.get(index));
  }
}
