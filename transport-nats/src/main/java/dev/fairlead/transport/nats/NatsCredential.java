// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.transport.nats;

import static dev.fairlead.transport.api.TransportException.Category.REFUSED;

import dev.fairlead.transport.api.TransportException;
import io.nats.client.AuthHandler;
import java.security.PrivateKey;

/**
 * A credential's content, as the access side writes it and the client reads it: the user JWT, a
 * dot, and the seed of the user's key. A JWT is three base64url parts joined by dots, so the
 * content is four parts, none of which holds a space or a quote.
 */
public final class NatsCredential implements AuthHandler {

  private final String jwt;
  private final PrivateKey key;

  private NatsCredential(String jwt, PrivateKey key) {
    this.jwt = jwt;
    this.key = key;
  }

  /** The content that carries these two. */
  public static String content(String jwt, String seed) {
    return jwt + '.' + seed;
  }

  /**
   * Reads a credential's content.
   *
   * @throws TransportException {@code REFUSED}, code {@code bad-credential}; the message quotes
   *     nothing of it
   */
  static NatsCredential parse(String content) {
    int dot = content.lastIndexOf('.');
    int dots = 0;
    for (int i = 0; i < content.length(); i++) {
      if (content.charAt(i) == '.') {
        dots++;
      }
    }
    try {
      if (dots != 3) {
        throw new IllegalArgumentException("Not four parts joined by dots.");
      }
      return new NatsCredential(
          content.substring(0, dot), Nkeys.privateKey(content.substring(dot + 1)));
    } catch (IllegalArgumentException e) {
      throw new TransportException(
          REFUSED,
          "bad-credential",
          "The credential is not one for NATS: give the content that the access side issued, a JWT and a seed joined by a dot.",
          e);
    }
  }

  @Override
  public byte[] sign(byte[] nonce) {
    return Nkeys.sign(key, nonce);
  }

  /** The key's own name is in the JWT. */
  @Override
  @SuppressWarnings("NullAway") // jnats leaves the field out of CONNECT
  public char[] getID() {
    return null;
  }

  @Override
  public char[] getJWT() {
    return jwt.toCharArray();
  }
}
