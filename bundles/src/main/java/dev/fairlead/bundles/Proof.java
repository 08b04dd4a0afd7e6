// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.bundles;

import java.util.Base64;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * What is said of a jar, apart from the jar.
 *
 * @param sha256 the digest that it must have, in lower-case hexadecimal digits
 * @param signature base64 of a detached Ed25519 signature over the jar's bytes; null where there is
 *     none
 */
public record Proof(String sha256, @Nullable String signature) {

  /**
   * Reads what a person gave.
   *
   * @param sha256 the digest, alone or as {@code sha256sum} writes it
   * @throws ChangeException REFUSED {@code no-digest} when it is none
   */
  public static Proof of(@Nullable String sha256, @Nullable String signature) {
    return new Proof(
        Optional.ofNullable(sha256)
            .flatMap(Digests::parse)
            .orElseThrow(
                () ->
                    ChangeException.refused(
                        "no-digest",
                        "Say the SHA-256 that the jar must have: beside it in a file that"
                            + " sha256sum wrote (FILE.sha256), or with --sha256.")),
        signature);
  }

  /** The same with a signature as its file holds it: 64 raw bytes, or their base64. */
  static @Nullable String signature(byte @Nullable [] file) {
    if (file == null) {
      return null;
    }
    return file.length == 64
        ? Base64.getEncoder().encodeToString(file)
        : new String(file, java.nio.charset.StandardCharsets.ISO_8859_1).strip();
  }
}
