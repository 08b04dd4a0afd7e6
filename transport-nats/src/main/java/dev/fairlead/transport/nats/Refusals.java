// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.transport.nats;

import dev.fairlead.transport.base.Refusal;
import java.util.Locale;
import org.jspecify.annotations.Nullable;

/** What a NATS server's words of refusal mean. */
final class Refusals {

  private static final String PUBLISH = "permissions violation for publish to ";
  private static final String SUBSCRIBE = "permissions violation for subscription to ";

  private Refusals() {}

  /** What an {@code -ERR} of the server means, null where it is no refusal. */
  static @Nullable Refusal ofError(String error) {
    String text = error.toLowerCase(Locale.ROOT);
    if (text.startsWith(PUBLISH)) {
      return Refusal.ofAddress(
          "send-not-permitted",
          "The broker refused a message to '%s': the credential does not cover this address.",
          quoted(error, PUBLISH.length()));
    }
    if (text.startsWith(SUBSCRIBE)) {
      return Refusal.ofAddress(
          "subscribe-not-permitted",
          "The broker refused the subscription to '%s': the credential does not cover it.",
          quoted(error, SUBSCRIBE.length()));
    }
    if (text.contains("authentication expired")) {
      return Refusal.ofConnection(
          "credential-expired", "The credential has expired: a fresh one is read at each attempt.");
    }
    if (text.contains("authentication revoked")) {
      return Refusal.ofConnection(
          "credential-revoked", "The credential was revoked: the peer must be given a new one.");
    }
    if (text.contains("authorization violation") || text.contains("authentication")) {
      return Refusal.ofConnection(
          "credential-refused",
          "The broker refused the credential: it is missing, wrong, expired or revoked.");
    }
    if (text.contains("maximum connections") || text.contains("max connections")) {
      return Refusal.ofConnection(
          "too-many-connections", "The broker has as many connections as it may have.");
    }
    return null;
  }

  /** What a failed attempt to connect means, null where the peer is merely not there. */
  static @Nullable Refusal ofFailure(@Nullable Throwable failure) {
    for (Throwable t = failure; t != null; t = t.getCause()) {
      String message = t.getMessage() == null ? "" : t.getMessage();
      if (message.startsWith("SSL connection wanted")) {
        return Refusal.ofConnection(
            "tls-missing", "The broker offers no TLS, and the endpoint or its pin asks for it.");
      }
      if (message.startsWith("SSL required")) {
        return Refusal.ofConnection(
            "tls-required", "The broker asks for TLS: use a tls:// endpoint.");
      }
    }
    return Refusal.untrusted(failure);
  }

  /** The quoted subject that begins at an offset, as an address or pattern. */
  private static String quoted(String error, int from) {
    int first = error.indexOf('"', from);
    int last = error.indexOf('"', first + 1);
    String subject =
        first < 0 || last < 0 ? error.substring(from) : error.substring(first + 1, last);
    return Subjects.pattern(subject);
  }
}
