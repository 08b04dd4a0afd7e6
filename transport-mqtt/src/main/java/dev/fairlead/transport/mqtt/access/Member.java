// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.transport.mqtt.access;

import java.util.List;

/**
 * One credential: a user of the broker, with a role of the same name.
 *
 * @param user the user's name
 * @param subject to whom it was issued
 * @param expiresAt when it ends, in seconds since 1970
 * @param salt base64
 * @param hash of the password, base64
 * @param sends patterns
 * @param receives patterns
 */
record Member(
    String user,
    String subject,
    long expiresAt,
    String salt,
    String hash,
    List<String> sends,
    List<String> receives) {

  Member {
    sends = List.copyOf(sends);
    receives = List.copyOf(receives);
  }
}
