// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.protocol.json;

/** {@code true} or {@code false}. */
public enum JsonBoolean implements JsonValue {
  /** True. */
  TRUE,
  /** False. */
  FALSE;

  /** The constant for a Java value. */
  public static JsonBoolean of(boolean value) {
    return value ? TRUE : FALSE;
  }

  /** The Java value. */
  public boolean value() {
    return this == TRUE;
  }

  @Override
  public String kind() {
    return "a boolean";
  }

  @Override
  public String toString() {
    return value() ? "true" : "false";
  }
}
