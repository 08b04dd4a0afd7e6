// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.transport.nats.access;

import dev.fairlead.transport.access.Grant;
import dev.fairlead.transport.nats.NatsCredential;
import java.security.SecureRandom;
import java.time.Duration;
import java.time.Instant;
import java.util.List;

/** Members of an account that serve its access side. */
final class Members {

  private static final String NAME = "fairlead-access";
  private static final Duration LIFE = Duration.ofMinutes(5);

  private Members() {}

  /**
   * Content of a credential that opens no address.
   *
   * @param signer a key that signs for the account
   * @param account public key of the account
   */
  static String credential(Nkey signer, String account, Instant now, SecureRandom random) {
    return member(
        signer,
        Permissions.claims(
            new Grant(NAME, List.of(), List.of()), StoreSettings.NONE, signer.publicKey(), account),
        now,
        random);
  }

  /**
   * Content of a credential for one that makes and removes what is stored.
   *
   * @param signer a key that signs for the account
   * @param account public key of the account
   */
  static String keeper(Nkey signer, String account, Instant now, SecureRandom random) {
    return member(signer, Permissions.keeperClaims(signer.publicKey(), account), now, random);
  }

  private static String member(Nkey signer, String claims, Instant now, SecureRandom random) {
    Nkey user = Nkey.create(Nkey.Kind.USER, random);
    String jwt =
        Jwt.sign(
            signer,
            user.publicKey(),
            NAME,
            now.getEpochSecond(),
            now.plus(LIFE).getEpochSecond(),
            claims);
    return NatsCredential.content(jwt, user.seed());
  }
}
