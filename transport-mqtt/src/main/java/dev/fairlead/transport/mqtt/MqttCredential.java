// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.transport.mqtt;

import static dev.fairlead.transport.api.TransportException.Category.REFUSED;

import dev.fairlead.transport.api.TransportException;

/**
 * A credential's content, as the access side writes it and the client reads it: user name, a colon,
 * password. The user name holds no colon.
 *
 * @param user the name
 * @param password a secret: the text form hides it
 */
public record MqttCredential(String user, String password) {

  /** The content that carries the two. */
  public String content() {
    return user + ':' + password;
  }

  /**
   * Reads a credential's content.
   *
   * @throws TransportException {@code REFUSED}, code {@code bad-credential}; the message quotes
   *     nothing of it
   */
  public static MqttCredential parse(String content) {
    int colon = content.indexOf(':');
    boolean fits = colon > 0 && colon < content.length() - 1;
    for (int i = 0; fits && i < content.length(); i++) {
      fits = content.charAt(i) >= ' ' && content.charAt(i) <= '~';
    }
    if (!fits) {
      throw new TransportException(
          REFUSED,
          "bad-credential",
          "The credential is not one for MQTT: give the content that the access side issued, a user name and a password joined by a colon.");
    }
    return new MqttCredential(content.substring(0, colon), content.substring(colon + 1));
  }

  @Override
  public String toString() {
    return "MqttCredential[user=" + user + "]";
  }
}
