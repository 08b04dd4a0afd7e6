// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.agent;

import static java.util.Objects.requireNonNull;

/**
 * What shows that someone has a role: a signature over {@link #text}, made with a key of the
 * manifest.
 *
 * @param nonce as {@link AgentService#challenge} gave it; empty for the bare form of older clients,
 *     which is refused unless the agent was told to take it
 * @param signature base64 of a signature: Ed25519, ECDSA with SHA-256 (DER), or RSA PKCS#1 v1.5
 *     with SHA-256
 */
public record RoleProof(String nonce, String signature) {

  /** What stands for the digest where there is no result, since the run failed. */
  public static final String NO_ARTEFACT = "none";

  /** Checks for null. */
  public RoleProof {
    requireNonNull(nonce, "nonce is null");
    requireNonNull(signature, "signature is null");
  }

  /**
   * The text that is signed: five lines of ASCII, each ended by a newline.
   *
   * <pre>
   * fairlead-role-1
   * computation=123
   * role=algorithm-provider
   * artefact=(SHA3-256 of what is sent or taken, 64 characters of lower-case hex)
   * nonce=(the agent's)
   * </pre>
   *
   * @param artefact a digest in lower-case hex, or {@link #NO_ARTEFACT}
   */
  public static String text(String computation, Role role, String artefact, String nonce) {
    return "fairlead-role-1\ncomputation=%s\nrole=%s\nartefact=%s\nnonce=%s\n"
        .formatted(computation, role.word(), artefact, nonce);
  }
}
