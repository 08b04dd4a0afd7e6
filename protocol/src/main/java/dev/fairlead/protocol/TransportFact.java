// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.protocol;

import dev.fairlead.protocol.json.JsonObject;
import dev.fairlead.protocol.json.ProtocolException;
import java.net.URI;
import java.net.URISyntaxException;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * A transport that a VM may use: a public, measured fact.
 *
 * @param name {@code [a-z][a-z0-9-]{0,31}}
 * @param uri where to connect; printable ASCII without white space, comma, quote and {@code #}; at
 *     most 256 characters
 * @param caSha256 SHA-256 of the DER form of the CA certificate, in lower-case hex; null where the
 *     platform's trust store decides
 */
public record TransportFact(String name, URI uri, @Nullable String caSha256) {

  private static final Pattern NAME = Pattern.compile("[a-z][a-z0-9-]{0,31}");
  private static final Pattern ENDPOINT = Pattern.compile("[!-~&&[^,#\"'\\\\]]{1,256}");

  /** Checks limits. */
  public TransportFact {
    if (!NAME.matcher(name).matches()) {
      throw new ProtocolException(
          "bad-transport", "A transport's name is 1 to 32 of a-z 0-9 -, and begins with a letter.");
    }
    if (uri.getScheme() == null || !ENDPOINT.matcher(uri.toString()).matches()) {
      throw new ProtocolException(
          "bad-endpoint",
          "An endpoint is a URI with a scheme, at most 256 characters, without space, comma, quote and #.");
    }
    Limits.sha256OrNull("caSha256", caSha256);
  }

  /**
   * Reads one.
   *
   * @throws ProtocolException when it is none
   */
  public static TransportFact parse(JsonObject json) {
    return new TransportFact(
        json.string("name"),
        uri(json.string("uri", 256)),
        json.optionalString("caSha256").orElse(null));
  }

  /** Its JSON. */
  public JsonObject toJson() {
    return JsonObject.builder()
        .put("name", name)
        .put("uri", uri.toString())
        .putIfPresent("caSha256", caSha256)
        .build();
  }

  static URI uri(String text) {
    try {
      return new URI(text);
    } catch (URISyntaxException e) {
      throw new ProtocolException("bad-endpoint", "An endpoint must be a URI.", e);
    }
  }
}
