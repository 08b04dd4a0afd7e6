// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.bundles;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.security.GeneralSecurityException;
import java.security.KeyPair;
import java.security.KeyPairGenerator;
import java.security.PrivateKey;
import java.security.Signature;
import java.util.Base64;
import java.util.Random;
import java.util.Set;
import org.junit.jupiter.api.Test;

class VerifierTest {

  private static final byte[] JAR = "a jar".getBytes(UTF_8);
  private static final String DIGEST = Digests.of(JAR);

  private static KeyPair keys() throws GeneralSecurityException {
    return KeyPairGenerator.getInstance("Ed25519").generateKeyPair();
  }

  private static String sign(PrivateKey key, byte[] bytes) throws GeneralSecurityException {
    Signature signature = Signature.getInstance("Ed25519");
    signature.initSign(key);
    signature.update(bytes);
    return Base64.getEncoder().encodeToString(signature.sign());
  }

  private static void assertRefused(Verifier verifier, Proof proof, String code) {
    assertThatThrownBy(() -> verifier.verify(JAR, proof))
        .isInstanceOfSatisfying(
            ChangeException.class, refusal -> assertThat(refusal.code()).isEqualTo(code));
  }

  @Test
  void theDigestIsAlwaysAskedFor() {
    Verifier any = new Verifier(null, null);
    assertThatCode(() -> any.verify(JAR, Proof.of(DIGEST, null))).doesNotThrowAnyException();
    assertThatCode(() -> any.verify(JAR, Proof.of(DIGEST + "  a.jar\n", null)))
        .doesNotThrowAnyException();
    assertRefused(any, Proof.of(Digests.of(new byte[0]), null), "wrong-digest");
    for (String none : new String[] {null, "", " ", "abc", DIGEST.substring(1), DIGEST + "0"}) {
      assertThatThrownBy(() -> Proof.of(none, null)).hasMessageContaining("SHA-256");
    }
  }

  @Test
  void whereTheListIsClosedOnlyWhatItNamesComesIn() {
    Proof proof = Proof.of(DIGEST, null);
    assertThatCode(() -> new Verifier(null, Set.of(DIGEST)).verify(JAR, proof))
        .doesNotThrowAnyException();
    assertRefused(new Verifier(null, Set.of()), proof, "not-measured");
    assertRefused(new Verifier(null, Set.of(Digests.of(new byte[0]))), proof, "not-measured");
  }

  @Test
  void whereAKeyIsTrustedItsSignatureIsAskedFor() throws GeneralSecurityException {
    KeyPair keys = keys();
    String pem =
        "-----BEGIN PUBLIC KEY-----\n%s\n-----END PUBLIC KEY-----\n"
            .formatted(Base64.getEncoder().encodeToString(keys.getPublic().getEncoded()));
    Verifier verifier = new Verifier(Verifier.key(pem), null);
    String good = sign(keys.getPrivate(), JAR);
    assertThatCode(() -> verifier.verify(JAR, Proof.of(DIGEST, good))).doesNotThrowAnyException();
    assertThatCode(
            () ->
                verifier.verify(
                    JAR, Proof.of(DIGEST, Proof.signature(Base64.getDecoder().decode(good)))))
        .doesNotThrowAnyException();
    assertRefused(verifier, Proof.of(DIGEST, null), "no-signature");
    assertRefused(verifier, Proof.of(DIGEST, ""), "no-signature");
    assertRefused(verifier, Proof.of(DIGEST, "?"), "bad-signature");
    assertRefused(verifier, Proof.of(DIGEST, good.substring(4)), "bad-signature");
    assertRefused(
        verifier, Proof.of(DIGEST, sign(keys.getPrivate(), new byte[0])), "bad-signature");
    assertRefused(verifier, Proof.of(DIGEST, sign(keys().getPrivate(), JAR)), "bad-signature");
  }

  @Test
  void aKeyThatIsNoneIsRefused() {
    for (String bad : new String[] {"x", "AAAA", "-----BEGIN PUBLIC KEY-----", "="}) {
      assertThatThrownBy(() -> Verifier.key(bad)).hasMessageContaining("Ed25519");
    }
  }

  /** Whatever bytes come, the answer is a refusal and nothing else. */
  @Test
  void jarsOfAnybodyAreReadOrRefused() {
    long seed = new Random().nextLong();
    Random random = new Random(seed);
    byte[] good = FakeJar.of("1.0.1").bytes();
    for (int i = 0; i < 3000; i++) {
      byte[] jar = good.clone();
      // Most of what is read lies at the head.
      for (int flips = 1 + random.nextInt(8); flips > 0; flips--) {
        jar[random.nextInt(random.nextBoolean() ? 600 : jar.length)] = (byte) random.nextInt(256);
      }
      try {
        assertThat(BundleJar.read(jar).symbolicName()).as("seed %d", seed).isNotEmpty();
      } catch (ChangeException e) {
        assertThat(e.code()).as("seed %d", seed).isEqualTo("no-bundle");
      }
    }
  }

  @Test
  void aManifestThatIsTooLargeIsRefused() {
    byte[] bomb = FakeJar.of("1.0.1").with("X-Filler", "0".repeat(4 << 20)).bytes();
    assertThat(bomb.length).isLessThan(1 << 20);
    assertThatThrownBy(() -> BundleJar.read(bomb)).hasMessageContaining("no jar");
  }
}
