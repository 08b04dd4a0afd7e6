// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.agent.core;

import static java.nio.charset.StandardCharsets.US_ASCII;

import dev.fairlead.agent.AgentException;
import dev.fairlead.agent.AgentException.Reason;
import dev.fairlead.agent.Role;
import dev.fairlead.agent.RoleProof;
import java.security.PublicKey;
import java.util.Base64;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Finds out for which of several things a proof is good. Safe for use by several threads. */
final class RoleVerifier {

  private static final int MAX_SIGNATURE = 2048;

  private final String computation;
  private final Nonces nonces;
  private final boolean bareForm;

  /**
   * Makes one.
   *
   * @param bareForm whether a signature over the role's word alone is taken: it can be repeated for
   *     ever, and for any artefact of the same key
   */
  RoleVerifier(String computation, Nonces nonces, boolean bareForm) {
    this.computation = computation;
    this.nonces = nonces;
    this.bareForm = bareForm;
  }

  /**
   * Something that may be done by whoever has a key.
   *
   * @param artefact the line of the signed text
   * @param key null where anybody may, since the digest alone decides
   */
  record Candidate(String artefact, @Nullable PublicKey key) {}

  /**
   * The first candidate for which the proof is good; its nonce is then used up.
   *
   * @return an index into the candidates
   * @throws AgentException {@code NOT_PERMITTED}; {@code INVALID} when the signature is no base64
   */
  int verify(Role role, RoleProof proof, List<Candidate> candidates) {
    byte[] signature = decode(proof.signature());
    boolean bare = bareForm && proof.nonce().isEmpty();
    boolean signed = signature.length > 0;
    if (signed && !bare) {
      nonces.check(proof.nonce());
    }
    for (int i = 0; i < candidates.size(); i++) {
      Candidate candidate = candidates.get(i);
      PublicKey key = candidate.key();
      if (key == null) {
        return i;
      }
      String text =
          bare
              ? role.word()
              : RoleProof.text(computation, role, candidate.artefact(), proof.nonce());
      if (signed && PublicKeys.verify(key, text.getBytes(US_ASCII), signature)) {
        if (!bare) {
          nonces.use(proof.nonce());
        }
        return i;
      }
    }
    throw new AgentException(
        Reason.NOT_PERMITTED,
        "bad-signature",
        "No key of the manifest for role %s made this signature for what may be done now; sign the text of a fresh challenge with the right key."
            .formatted(role.word()));
  }

  private static byte[] decode(String signature) {
    if (signature.length() <= MAX_SIGNATURE) {
      try {
        return Base64.getDecoder().decode(signature);
      } catch (IllegalArgumentException e) {
        // Refused below.
      }
    }
    throw new AgentException(
        Reason.INVALID, "bad-encoding", "The signature must be base64 of at most 1536 bytes.");
  }
}
