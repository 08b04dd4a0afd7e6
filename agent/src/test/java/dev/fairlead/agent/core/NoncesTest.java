// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.agent.core;

import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.fairlead.agent.AgentException;
import java.security.SecureRandom;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.Test;

class NoncesTest {

  private final AtomicLong nanos = new AtomicLong(Long.MAX_VALUE - 5);
  private final Nonces nonces = new Nonces("c1", nanos::get, new SecureRandom());

  private static void assertRefused(Runnable call) {
    assertThatThrownBy(call::run)
        .isInstanceOf(AgentException.class)
        .extracting("code")
        .isEqualTo("bad-nonce");
  }

  @Test
  void isGoodOnce() {
    String nonce = nonces.next();
    nonces.check(nonce);
    nonces.use(nonce);
    assertRefused(() -> nonces.use(nonce));
    assertRefused(() -> nonces.check(nonce));
  }

  @Test
  void endsAfterTwoMinutesEvenWhereTheClockWrapsAround() {
    String nonce = nonces.next();
    nanos.addAndGet(TimeUnit.MILLISECONDS.toNanos(Nonces.VALID_MILLIS) - 1);
    nonces.check(nonce);
    nanos.addAndGet(1);
    assertRefused(() -> nonces.check(nonce));
  }

  @Test
  void rubbishAndForeignNoncesAreRefused() {
    Nonces other = new Nonces("c2", nanos::get, new SecureRandom());
    String nonce = nonces.next();
    char last = nonce.charAt(nonce.length() - 1);
    assertRefused(() -> nonces.check(other.next()));
    assertRefused(() -> nonces.check(""));
    assertRefused(() -> nonces.check("%%%"));
    assertRefused(() -> nonces.check(nonce + "=="));
    assertRefused(() -> nonces.check("A".repeat(100_000)));
    assertRefused(() -> nonces.check(nonce.substring(0, nonce.length() - 1) + (char) (last ^ 1)));
  }
}
