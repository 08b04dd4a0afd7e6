// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.protocol.json;

import static java.util.Objects.requireNonNull;

/**
 * A string.
 *
 * @param value its characters; may hold any, lone surrogates too
 */
public record JsonString(String value) implements JsonValue {

  /** Checks for null. */
  public JsonString {
    requireNonNull(value, "value is null");
  }

  @Override
  public String kind() {
    return "a string";
  }

  @Override
  public String toString() {
    return Json.write(this);
  }
}
