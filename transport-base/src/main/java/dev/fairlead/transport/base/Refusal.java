// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.transport.base;

import static dev.fairlead.transport.api.TransportException.Category.REFUSED;

import dev.fairlead.transport.api.TransportException;
import java.io.EOFException;
import java.net.SocketException;
import java.security.GeneralSecurityException;
import javax.net.ssl.SSLException;
import org.jspecify.annotations.Nullable;

/**
 * What a broker refused, and why.
 *
 * @param address an address or pattern, or null for the connection itself
 * @param cause of category {@code REFUSED}
 */
public record Refusal(@Nullable String address, TransportException cause) {

  private static final int MAX_QUOTE = 200;

  /** The connection itself was refused. */
  public static Refusal ofConnection(String code, String sentence) {
    return new Refusal(null, new TransportException(REFUSED, code, sentence));
  }

  /**
   * Something that has an address was refused.
   *
   * @param sentence with one {@code %s} for the address
   */
  public static Refusal ofAddress(String code, String sentence, String address) {
    String shown = clip(address);
    return new Refusal(shown, new TransportException(REFUSED, code, sentence.formatted(shown)));
  }

  /** That the broker is not the trusted one, where a failed attempt to connect says so. */
  public static @Nullable Refusal untrusted(@Nullable Throwable failure) {
    for (Throwable t = failure; t != null; t = t.getCause()) {
      boolean broken = root(t) instanceof EOFException || root(t) instanceof SocketException;
      // A handshake that breaks off says nothing of trust: the broker may just have died.
      if (t instanceof GeneralSecurityException || (t instanceof SSLException && !broken)) {
        return ofConnection(
            "tls-untrusted", "The broker is not the one that is trusted: " + clip(words(root(t))));
      }
    }
    return null;
  }

  /** The start of a text that came from outside. */
  public static String clip(String text) {
    return text.length() > MAX_QUOTE ? text.substring(0, MAX_QUOTE) + "…" : text;
  }

  private static Throwable root(Throwable t) {
    Throwable root = t;
    while (root.getCause() != null) {
      root = root.getCause();
    }
    return root;
  }

  private static String words(Throwable t) {
    String message = t.getMessage();
    return message == null ? t.getClass().getSimpleName() : message;
  }
}
