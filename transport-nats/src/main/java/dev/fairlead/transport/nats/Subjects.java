// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.transport.nats;

import dev.fairlead.transport.api.Message;
import dev.fairlead.transport.api.TransportException;
import org.jspecify.annotations.Nullable;

/** Addresses and patterns as NATS writes them: dots for slashes, and {@code >} for the rest. */
public final class Subjects {

  private Subjects() {}

  /** The subject of a well-formed address or pattern. */
  public static String of(String pattern) {
    if (pattern.equals("**")) {
      return ">";
    }
    String subject = pattern.replace('/', '.');
    return subject.endsWith(".**") ? subject.substring(0, subject.length() - 2) + ">" : subject;
  }

  /** The address of a subject, null where it is none of ours. */
  static @Nullable String address(String subject) {
    try {
      return Message.requireAddress(subject.replace('.', '/'));
    } catch (TransportException e) {
      return null;
    }
  }

  /** The address or pattern of a subject that was refused, as far as there is one. */
  static String pattern(String subject) {
    String pattern = subject.replace('.', '/');
    return pattern.equals(">") || pattern.endsWith("/>")
        ? pattern.substring(0, pattern.length() - 1) + "**"
        : pattern;
  }
}
