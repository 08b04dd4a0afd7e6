// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.agent.core;

import static java.nio.charset.StandardCharsets.US_ASCII;

import dev.fairlead.agent.AgentException;
import java.nio.ByteBuffer;
import java.security.GeneralSecurityException;
import java.security.MessageDigest;
import java.util.Arrays;
import java.util.Base64;
import java.util.HashMap;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.function.LongSupplier;
import java.util.random.RandomGenerator;
import javax.crypto.Mac;
import javax.crypto.spec.SecretKeySpec;

/**
 * Nonces that are good for one use within two minutes. Giving one costs no memory, so that nobody
 * can fill it by asking: a nonce carries its own end and a seal over it that only this agent can
 * make. Only used ones are remembered, until they would have ended anyway. Safe for use by several
 * threads.
 *
 * <p>Form: base64url, without padding, of 8 bytes end (ns of the agent's own clock), 16 random
 * bytes, 16 bytes of HMAC-SHA-256 over these and the computation's id.
 */
final class Nonces {

  static final long VALID_MILLIS = 120_000;

  private static final int MOST_USED = 10_000;
  private static final int BODY = 24;
  private static final int SEAL = 16;

  private final SecretKeySpec key;
  private final byte[] computation;
  private final LongSupplier nanoTime;
  private final RandomGenerator random;
  private final Map<String, Long> used = new HashMap<>();

  /**
   * Makes one.
   *
   * @param nanoTime a clock that never goes back
   * @param random cannot be guessed
   */
  Nonces(String computation, LongSupplier nanoTime, RandomGenerator random) {
    this.computation = computation.getBytes(US_ASCII);
    this.nanoTime = nanoTime;
    this.random = random;
    byte[] secret = new byte[32];
    random.nextBytes(secret);
    key = new SecretKeySpec(secret, "HmacSHA256");
  }

  String next() {
    byte[] noise = new byte[16];
    random.nextBytes(noise);
    byte[] body =
        ByteBuffer.allocate(BODY)
            .putLong(nanoTime.getAsLong() + TimeUnit.MILLISECONDS.toNanos(VALID_MILLIS))
            .put(noise)
            .array();
    byte[] nonce = Arrays.copyOf(body, BODY + SEAL);
    System.arraycopy(seal(body), 0, nonce, BODY, SEAL);
    return Base64.getUrlEncoder().withoutPadding().encodeToString(nonce);
  }

  /**
   * Checks that a nonce is one of ours, has not ended, and was not used.
   *
   * @throws AgentException {@code NOT_PERMITTED}, code {@code bad-nonce}
   */
  synchronized void check(String nonce) {
    long left = end(nonce) - nanoTime.getAsLong();
    if (left <= 0 || used.containsKey(nonce)) {
      throw bad();
    }
  }

  /**
   * Marks a nonce as used, after another check.
   *
   * @throws AgentException {@code NOT_PERMITTED}, code {@code bad-nonce}; {@code BUSY} when there
   *     were too many of late
   */
  synchronized void use(String nonce) {
    check(nonce);
    long now = nanoTime.getAsLong();
    used.values().removeIf(end -> end - now <= 0);
    if (used.size() >= MOST_USED) {
      throw new AgentException(
          AgentException.Reason.BUSY,
          "too-many-nonces",
          "Too many signatures were shown within two minutes; wait, then ask for a new challenge.");
    }
    used.put(nonce, end(nonce));
  }

  private long end(String nonce) {
    byte[] bytes;
    try {
      bytes = Base64.getUrlDecoder().decode(nonce);
    } catch (IllegalArgumentException e) {
      throw bad();
    }
    // The same nonce must not pass twice in two spellings.
    if (bytes.length != BODY + SEAL
        || !Base64.getUrlEncoder().withoutPadding().encodeToString(bytes).equals(nonce)
        || !MessageDigest.isEqual(
            seal(Arrays.copyOf(bytes, BODY)), Arrays.copyOfRange(bytes, BODY, BODY + SEAL))) {
      throw bad();
    }
    return ByteBuffer.wrap(bytes).getLong();
  }

  private byte[] seal(byte[] body) {
    try {
      Mac mac = Mac.getInstance("HmacSHA256");
      mac.init(key);
      mac.update(body);
      return Arrays.copyOf(mac.doFinal(computation), SEAL);
    } catch (GeneralSecurityException e) {
      throw new IllegalStateException("Every Java platform has HmacSHA256.", e);
    }
  }

  private static AgentException bad() {
    return new AgentException(
        AgentException.Reason.NOT_PERMITTED,
        "bad-nonce",
        "The nonce is not this agent's, has ended, or was used before; ask for a new challenge.");
  }
}
