// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.transport.nats.access;

import static java.nio.charset.StandardCharsets.UTF_8;

import dev.fairlead.transport.nats.Nkeys;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.Base64;

/** JWTs as nats-server reads them, version 2. */
final class Jwt {

  private static final Base64.Encoder BASE64 = Base64.getUrlEncoder().withoutPadding();
  private static final String HEADER =
      BASE64.encodeToString("{\"typ\":\"JWT\",\"alg\":\"ed25519-nkey\"}".getBytes(UTF_8));

  private Jwt() {}

  /**
   * Signs claims.
   *
   * @param issuedAt in seconds since 1970
   * @param expiresAt in seconds since 1970; 0 for never
   * @param nats what NATS itself reads, as a JSON object
   */
  static String sign(
      Nkey issuer, String subject, String name, long issuedAt, long expiresAt, String nats) {
    String id = Nkeys.base32(sha256(claims(issuer, subject, name, issuedAt, expiresAt, nats, "")));
    String body =
        HEADER
            + '.'
            + BASE64.encodeToString(
                claims(issuer, subject, name, issuedAt, expiresAt, nats, id).getBytes(UTF_8));
    return body + '.' + BASE64.encodeToString(issuer.sign(body.getBytes(UTF_8)));
  }

  private static String claims(
      Nkey issuer,
      String subject,
      String name,
      long issuedAt,
      long expiresAt,
      String nats,
      String id) {
    return (expiresAt == 0 ? "{" : "{\"exp\":" + expiresAt + ",")
        + "\"iat\":"
        + issuedAt
        + ",\"iss\":"
        + Json.string(issuer.publicKey())
        + ",\"jti\":"
        + Json.string(id)
        + ",\"name\":"
        + Json.string(name)
        + ",\"nats\":"
        + nats
        + ",\"sub\":"
        + Json.string(subject)
        + "}";
  }

  private static byte[] sha256(String text) {
    try {
      return MessageDigest.getInstance("SHA-256").digest(text.getBytes(UTF_8));
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException("Every Java platform has SHA-256.", e);
    }
  }
}
