// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.protocol.json;

/** A JSON value: immutable, and equal to another of the same content. */
public sealed interface JsonValue
    permits JsonObject, JsonArray, JsonString, JsonNumber, JsonBoolean, JsonNull {

  /** What kind of value it is, in words for a person: {@code an object}. */
  String kind();
}
