// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.transport.nats.access;

import dev.fairlead.transport.access.Grant;
import java.io.IOException;
import java.util.Collection;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * The account to which all holders belong: what signs their JWTs, and how a change reaches the
 * broker. Called under the issuer's lock.
 */
interface Account extends AutoCloseable {

  /** How a user's JWT is signed: by which key, and with which claims of NATS' own. */
  record Signing(Nkey key, String claims) {}

  /** What signs a grant; adds to the book, and to the broker, what is missing for it. */
  Signing signing(Grant grant, IssuedBook book, long now) throws IOException;

  /**
   * Whether a revocation can reach the broker.
   *
   * @return null when it can, else one sentence that says what is missing
   */
  @Nullable String cannotRevoke();

  /** Tells the broker what the book says of revocations and templates. */
  void push(IssuedBook book, long now) throws IOException;

  /** Has the broker store some subjects, and those of others no more that are no longer live. */
  void store(Collection<String> subjects, Set<String> live);

  /** What is stored. */
  StoreSettings store();

  @Override
  void close();
}
