// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.agent.core;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.fairlead.agent.AgentException;
import dev.fairlead.agent.Challenge;
import dev.fairlead.agent.Role;
import dev.fairlead.agent.RoleProof;
import dev.fairlead.agent.core.RoleVerifier.Candidate;
import dev.fairlead.protocol.json.ProtocolException;
import java.security.KeyPair;
import java.security.SecureRandom;
import java.util.Base64;
import java.util.List;
import org.junit.jupiter.api.Test;

class RoleVerifierTest {

  private static final String DIGEST = "ab".repeat(32);

  private final Nonces nonces = new Nonces("c1", System::nanoTime, new SecureRandom());
  private final RoleVerifier verifier = new RoleVerifier("c1", nonces, false);

  private Challenge challenge() {
    return new Challenge("c1", nonces.next(), 1000, "");
  }

  private static Candidate candidate(String artefact, KeyPair key) {
    return new Candidate(artefact, PublicKeys.parse(key.getPublic().getEncoded()));
  }

  private void assertRefused(Role role, RoleProof proof, Candidate candidate, String code) {
    assertThatThrownBy(() -> verifier.verify(role, proof, List.of(candidate)))
        .isInstanceOf(AgentException.class)
        .extracting("code")
        .isEqualTo(code);
  }

  @Test
  void takesAllThreeKindsOfKeys() {
    for (KeyPair key : List.of(Keys.ed25519(), Keys.pair("EC", 256), Keys.pair("RSA", 2048))) {
      RoleProof proof = Keys.proof(key, challenge(), Role.CONSUMER, DIGEST);
      assertThat(verifier.verify(Role.CONSUMER, proof, List.of(candidate(DIGEST, key)))).isZero();
      assertRefused(Role.CONSUMER, proof, candidate(DIGEST, key), "bad-nonce");
    }
  }

  @Test
  void isBoundToComputationRoleArtefactKeyAndNonce() {
    KeyPair key = Keys.ed25519();
    Candidate wanted = candidate(DIGEST, key);
    Challenge challenge = challenge();
    RoleProof good = Keys.proof(key, challenge, Role.DATA_PROVIDER, DIGEST);
    assertRefused(Role.ALGORITHM_PROVIDER, good, wanted, "bad-signature");
    assertRefused(Role.DATA_PROVIDER, good, candidate("cd".repeat(32), key), "bad-signature");
    assertRefused(Role.DATA_PROVIDER, good, candidate(DIGEST, Keys.ed25519()), "bad-signature");
    assertRefused(
        Role.DATA_PROVIDER,
        new RoleProof(nonces.next(), good.signature()),
        wanted,
        "bad-signature");
    assertRefused(
        Role.DATA_PROVIDER,
        Keys.proof(
            key, new Challenge("c2", challenge.nonce(), 1000, ""), Role.DATA_PROVIDER, DIGEST),
        wanted,
        "bad-signature");
    // What failed has not used the nonce up.
    assertThat(verifier.verify(Role.DATA_PROVIDER, good, List.of(wanted))).isZero();
  }

  @Test
  void findsTheOneAmongSeveral() {
    KeyPair first = Keys.ed25519();
    KeyPair second = Keys.pair("EC", 384);
    RoleProof proof = Keys.proof(second, challenge(), Role.DATA_PROVIDER, DIGEST);
    assertThat(
            verifier.verify(
                Role.DATA_PROVIDER,
                proof,
                List.of(candidate(DIGEST, first), candidate(DIGEST, second))))
        .isEqualTo(1);
  }

  @Test
  void theBareFormIsTakenOnlyWhereToldSo() {
    KeyPair key = Keys.pair("RSA", 2048);
    RoleProof bare = new RoleProof("", Keys.sign(key, "consumer"));
    assertRefused(Role.CONSUMER, bare, candidate(DIGEST, key), "bad-nonce");
    RoleVerifier lenient = new RoleVerifier("c1", nonces, true);
    assertThat(lenient.verify(Role.CONSUMER, bare, List.of(candidate(DIGEST, key)))).isZero();
  }

  @Test
  void rubbishIsRefused() {
    Candidate wanted = candidate(DIGEST, Keys.pair("EC", 256));
    assertRefused(Role.CONSUMER, new RoleProof(nonces.next(), "%"), wanted, "bad-encoding");
    assertRefused(
        Role.CONSUMER, new RoleProof(nonces.next(), "A".repeat(10_000)), wanted, "bad-encoding");
    assertRefused(Role.CONSUMER, new RoleProof("", ""), wanted, "bad-signature");
    assertRefused(Role.CONSUMER, new RoleProof(nonces.next(), "AAAA"), wanted, "bad-signature");
  }

  @Test
  void keysThatAreTooWeakOrNoneAreRefused() {
    assertThatThrownBy(() -> PublicKeys.parse(new byte[100])).isInstanceOf(ProtocolException.class);
    assertThatThrownBy(() -> PublicKeys.parse(Keys.pair("RSA", 1024).getPublic().getEncoded()))
        .isInstanceOf(ProtocolException.class)
        .hasMessageContaining("2048");
  }

  @Test
  void keysInPemFormAreRead() {
    KeyPair key = Keys.ed25519();
    String pem =
        "-----BEGIN PUBLIC KEY-----\n%s\n-----END PUBLIC KEY-----\n"
            .formatted(Base64.getMimeEncoder().encodeToString(key.getPublic().getEncoded()));
    assertThat(PublicKeys.parse(pem.getBytes(java.nio.charset.StandardCharsets.US_ASCII)))
        .isEqualTo(key.getPublic());
  }
}
