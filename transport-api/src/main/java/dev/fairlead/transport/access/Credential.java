// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.transport.access;

import static java.nio.charset.StandardCharsets.UTF_8;
import static java.util.Objects.requireNonNull;

import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.time.Instant;
import java.util.HexFormat;

/**
 * What a peer shows to be let in. A secret: its text form hides the content.
 *
 * @param subject to whom it was issued
 * @param content printable ASCII, at most 1200 characters so that it fits a kernel command line;
 *     what it means is the transport's own affair
 * @param expiresAt when it ends by itself
 */
public record Credential(String subject, String content, Instant expiresAt) {

  /** Checks for null. */
  public Credential {
    requireNonNull(subject, "subject is null");
    requireNonNull(content, "content is null");
    requireNonNull(expiresAt, "expiresAt is null");
  }

  /** SHA-256 of the content, in lower-case hex: public, and measured with the guest. */
  public String sha256() {
    try {
      return HexFormat.of()
          .formatHex(MessageDigest.getInstance("SHA-256").digest(content.getBytes(UTF_8)));
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException("Every Java platform has SHA-256.", e);
    }
  }

  @Override
  public String toString() {
    return "Credential[subject=%s, sha256=%s, expiresAt=%s]"
        .formatted(subject, sha256(), expiresAt);
  }
}
