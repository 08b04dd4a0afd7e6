// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.agent.core;

import static java.nio.charset.StandardCharsets.US_ASCII;
import static java.nio.charset.StandardCharsets.UTF_8;

import dev.fairlead.agent.Challenge;
import dev.fairlead.agent.Role;
import dev.fairlead.agent.RoleProof;
import dev.fairlead.agent.run.Digests;
import java.security.GeneralSecurityException;
import java.security.KeyPair;
import java.security.KeyPairGenerator;
import java.security.Signature;
import java.util.Base64;
import java.util.HexFormat;
import java.util.List;
import java.util.StringJoiner;

/** Keys, signatures and manifests for tests. */
public final class Keys {

  private Keys() {}

  public static KeyPair ed25519() {
    return pair("Ed25519", 0);
  }

  public static KeyPair pair(String algorithm, int size) {
    try {
      KeyPairGenerator generator = KeyPairGenerator.getInstance(algorithm);
      if (size > 0) {
        generator.initialize(size);
      }
      return generator.generateKeyPair();
    } catch (GeneralSecurityException e) {
      throw new IllegalStateException(e);
    }
  }

  public static String base64(KeyPair key) {
    return Base64.getEncoder().encodeToString(key.getPublic().getEncoded());
  }

  public static String sign(KeyPair key, String text) {
    String algorithm =
        switch (key.getPrivate().getAlgorithm()) {
          case "EC" -> "SHA256withECDSA";
          case "RSA" -> "SHA256withRSA";
          default -> "Ed25519";
        };
    try {
      Signature signature = Signature.getInstance(algorithm);
      signature.initSign(key.getPrivate());
      signature.update(text.getBytes(US_ASCII));
      return Base64.getEncoder().encodeToString(signature.sign());
    } catch (GeneralSecurityException e) {
      throw new IllegalStateException(e);
    }
  }

  public static RoleProof proof(KeyPair key, Challenge challenge, Role role, String artefact) {
    return new RoleProof(
        challenge.nonce(),
        sign(key, RoleProof.text(challenge.computation(), role, artefact, challenge.nonce())));
  }

  public static String sha3(byte[] bytes) {
    return HexFormat.of().formatHex(Digests.sha3().digest(bytes));
  }

  /** {@code "hash":[…],"user_key":"…"}. */
  public static String entry(byte[] artefact, KeyPair key) {
    StringJoiner hash = new StringJoiner(",", "[", "]");
    for (byte b : Digests.sha3().digest(artefact)) {
      hash.add(Integer.toString(b & 0xff));
    }
    return "\"hash\":%s,\"user_key\":\"%s\"".formatted(hash, base64(key));
  }

  /** A manifest; each dataset is what stands between its braces. */
  public static byte[] manifest(
      String extra, String algorithm, List<String> datasets, List<KeyPair> consumers) {
    StringJoiner data = new StringJoiner(",", "[", "]");
    datasets.forEach(dataset -> data.add("{" + dataset + "}"));
    StringJoiner keys = new StringJoiner(",", "[", "]");
    consumers.forEach(key -> keys.add("{\"user_key\":\"" + base64(key) + "\"}"));
    return "{\"id\":\"c1\",\"name\":\"test\",%s\"algorithm\":{%s},\"datasets\":%s,\"result_consumers\":%s}"
        .formatted(extra, algorithm, data, keys)
        .getBytes(UTF_8);
  }
}
