// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.http;

import static java.nio.charset.StandardCharsets.UTF_8;

import com.sun.net.httpserver.Headers;
import java.net.URI;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.Locale;
import org.jspecify.annotations.Nullable;

/**
 * Lets in who shows the token. Where none is asked for, because only this machine can connect, it
 * still keeps out what a web page on this machine was made to send: a foreign {@code Host} (a name
 * that was made to point here) or a foreign {@code Origin}.
 */
final class Guard {

  private static final String BEARER = "bearer ";

  private final byte @Nullable [] tokenHash;
  private final boolean localOnly;

  Guard(HttpSettings settings) {
    String token = settings.token();
    tokenHash = token == null ? null : sha256(token);
    localOnly =
        token == null
            && !settings.unguarded()
            && settings.address().getAddress().isLoopbackAddress();
  }

  /**
   * Refuses to listen where strangers could connect.
   *
   * @throws HttpProblem 0, {@code token-missing}
   */
  static void requireSafe(HttpSettings settings) {
    if (settings.address().isUnresolved()) {
      throw new HttpProblem(
          0,
          "unknown-host",
          "The host '%s' to listen at has no address."
              .formatted(settings.address().getHostString()));
    }
    boolean loopback = settings.address().getAddress().isLoopbackAddress();
    if (!loopback && settings.token() == null && !settings.unguarded()) {
      throw new HttpProblem(
          0,
          "token-missing",
          "The %s server would listen at %s, where others can connect: set a token, or listen at 127.0.0.1."
              .formatted(settings.name(), settings.address()));
    }
  }

  /**
   * Checks a request.
   *
   * @throws HttpProblem 403
   */
  void check(Headers headers) {
    byte[] wanted = tokenHash;
    if (wanted != null) {
      String shown = headers.getFirst("Authorization");
      boolean right =
          shown != null
              && shown.regionMatches(true, 0, BEARER, 0, BEARER.length())
              && MessageDigest.isEqual(wanted, sha256(shown.substring(BEARER.length()).trim()));
      if (!right) {
        throw new HttpProblem(
            403,
            "not-permitted",
            "Show this server's token in the header 'Authorization: Bearer …'.");
      }
    } else if (localOnly) {
      String host = headers.getFirst("Host");
      String origin = headers.getFirst("Origin");
      if ((host != null && !isLocal("http://" + host)) || (origin != null && !isLocal(origin))) {
        throw new HttpProblem(
            403,
            "foreign-origin",
            "This server answers only requests made to localhost from this machine; set a token to allow others.");
      }
    }
  }

  private static boolean isLocal(String uri) {
    try {
      String host = URI.create(uri).getHost();
      if (host == null) {
        return false;
      }
      String name = host.toLowerCase(Locale.ROOT);
      return name.equals("localhost")
          || name.endsWith(".localhost")
          || name.matches("127\\.\\d{1,3}\\.\\d{1,3}\\.\\d{1,3}")
          || name.equals("[::1]")
          || name.equals("[0:0:0:0:0:0:0:1]");
    } catch (IllegalArgumentException e) {
      return false;
    }
  }

  /** Hashing first makes the comparison independent of the length. */
  private static byte[] sha256(String text) {
    try {
      return MessageDigest.getInstance("SHA-256").digest(text.getBytes(UTF_8));
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException("Every Java platform has SHA-256.", e);
    }
  }
}
