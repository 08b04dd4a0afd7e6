// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.transport.nats;

import static dev.fairlead.transport.api.TransportException.Category.REFUSED;

import dev.fairlead.transport.api.TransportException;
import java.security.GeneralSecurityException;
import java.util.Locale;
import javax.net.ssl.SSLException;
import org.jspecify.annotations.Nullable;

/** What a NATS server's words of refusal mean. */
final class Refusals {

  /** A refusal and what it is about: an address or pattern, or null for the connection itself. */
  record Refusal(@Nullable String address, TransportException cause) {}

  private static final String PUBLISH = "permissions violation for publish to ";
  private static final String SUBSCRIBE = "permissions violation for subscription to ";
  private static final int MAX_QUOTE = 200;

  private Refusals() {}

  /** What an {@code -ERR} of the server means, null where it is no refusal. */
  static @Nullable Refusal ofError(String error) {
    String text = error.toLowerCase(Locale.ROOT);
    if (text.startsWith(PUBLISH)) {
      return new Refusal(
          quoted(error, PUBLISH.length()),
          refused(
              "send-not-permitted",
              "The broker refused a message to '%s': the credential does not cover this address.",
              quoted(error, PUBLISH.length())));
    }
    if (text.startsWith(SUBSCRIBE)) {
      return new Refusal(
          quoted(error, SUBSCRIBE.length()),
          refused(
              "subscribe-not-permitted",
              "The broker refused the subscription to '%s': the credential does not cover it.",
              quoted(error, SUBSCRIBE.length())));
    }
    if (text.contains("authentication expired")) {
      return connection(
          "credential-expired", "The credential has expired: a fresh one is read at each attempt.");
    }
    if (text.contains("authentication revoked")) {
      return connection(
          "credential-revoked", "The credential was revoked: the peer must be given a new one.");
    }
    if (text.contains("authorization violation") || text.contains("authentication")) {
      return connection(
          "credential-refused",
          "The broker refused the credential: it is missing, wrong, expired or revoked.");
    }
    if (text.contains("maximum connections") || text.contains("max connections")) {
      return connection(
          "too-many-connections", "The broker has as many connections as it may have.");
    }
    return null;
  }

  /** What a failed attempt to connect means, null where the peer is merely not there. */
  static @Nullable Refusal ofFailure(@Nullable Throwable failure) {
    for (Throwable t = failure; t != null; t = t.getCause()) {
      String message = t.getMessage() == null ? "" : t.getMessage();
      if (t instanceof GeneralSecurityException || t instanceof SSLException) {
        return connection(
            "tls-untrusted", "The broker is not the one that is trusted: " + clip(root(t)));
      }
      if (message.startsWith("SSL connection wanted")) {
        return connection(
            "tls-missing", "The broker offers no TLS, and the endpoint or its pin asks for it.");
      }
      if (message.startsWith("SSL required")) {
        return connection("tls-required", "The broker asks for TLS: use a tls:// endpoint.");
      }
    }
    return null;
  }

  private static String root(Throwable t) {
    Throwable root = t;
    while (root.getCause() != null) {
      root = root.getCause();
    }
    String message = root.getMessage();
    return message == null ? root.getClass().getSimpleName() : message;
  }

  private static Refusal connection(String code, String sentence) {
    return new Refusal(null, new TransportException(REFUSED, code, sentence));
  }

  private static TransportException refused(String code, String sentence, String address) {
    return new TransportException(REFUSED, code, sentence.formatted(address));
  }

  /** The quoted subject that begins at an offset, as an address or pattern. */
  private static String quoted(String error, int from) {
    int first = error.indexOf('"', from);
    int last = error.indexOf('"', first + 1);
    String subject =
        first < 0 || last < 0 ? error.substring(from) : error.substring(first + 1, last);
    return clip(Subjects.pattern(subject));
  }

  private static String clip(String text) {
    return text.length() > MAX_QUOTE ? text.substring(0, MAX_QUOTE) + "…" : text;
  }
}
