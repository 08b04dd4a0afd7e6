// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.transport.mqtt;

import dev.fairlead.transport.api.Message;
import dev.fairlead.transport.api.TransportException;
import org.jspecify.annotations.Nullable;

/**
 * Addresses and patterns as MQTT writes them. An address is a topic as it stands. MQTT's {@code #}
 * also covers the level above it, so {@code a/**} becomes {@code a/+/#}: one segment or more.
 */
public final class Topics {

  private Topics() {}

  /** The topic filter of a well-formed pattern, which covers exactly what the pattern does. */
  public static String filter(String pattern) {
    return pattern.endsWith("**")
        ? singles(pattern.substring(0, pattern.length() - 2)) + "+/#"
        : singles(pattern);
  }

  /**
   * The topic filter of a pattern as people type it, {@code a/#}: it covers the level above too.
   */
  public static String typed(String pattern) {
    return pattern.endsWith("**")
        ? singles(pattern.substring(0, pattern.length() - 2)) + "#"
        : singles(pattern);
  }

  private static String singles(String pattern) {
    return pattern.replace('*', '+');
  }

  /** The address of a topic, null where it is none of ours. */
  static @Nullable String address(String topic) {
    try {
      return Message.requireAddress(topic);
    } catch (TransportException e) {
      return null;
    }
  }
}
