// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.runtime.cli;

import dev.fairlead.protocol.json.JsonNull;
import dev.fairlead.protocol.json.JsonNumber;
import dev.fairlead.protocol.json.JsonObject;
import dev.fairlead.protocol.json.JsonString;
import dev.fairlead.protocol.json.JsonValue;

/** Fields of an answer as a person reads them. */
final class Fields {

  private Fields() {}

  /** A field's text; {@code -} where it is absent. */
  static String text(JsonObject json, String name) {
    JsonValue value = json.get(name).orElse(JsonNull.NULL);
    if (value instanceof JsonString text) {
      return text.value().isEmpty() ? "-" : text.value();
    }
    if (value instanceof JsonNumber number) {
      return number.text();
    }
    return value instanceof JsonNull ? "-" : value.toString();
  }
}
