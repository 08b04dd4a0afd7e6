// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.protocol.json;

/** The value {@code null}. */
public enum JsonNull implements JsonValue {
  /** The only one. */
  NULL;

  @Override
  public String kind() {
    return "null";
  }

  @Override
  public String toString() {
    return "null";
  }
}
