// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.transport.tck;

import dev.fairlead.transport.access.CredentialIssuer;
import dev.fairlead.transport.api.TransportProvider;
import java.net.URI;
import java.time.Duration;
import org.jspecify.annotations.Nullable;

/**
 * What the kit needs of a transport: one running peer, who lets others in, and the means to break
 * it. Made once per test class, closed at its end. What the transport can do is not said here: the
 * kit asks {@link TransportProvider#capabilities()}.
 */
public interface Harness extends AutoCloseable {

  /** The addresses that a peer stores which is set to do so; {@code *} stands for the sender. */
  String STORED = "tck-stored/*/up/logs";

  /** The subject of the one reader to whom such a peer gives what it has stored. */
  String STORED_READER = "_reader";

  /** The transport under test. */
  TransportProvider provider();

  /** Its access side, for the one peer that this harness has started. */
  CredentialIssuer issuer();

  /** The means to break that peer, and the links to it. */
  Faults faults();

  /** Where a subject connects; differs from the issuer's where a relay stands between. */
  default URI endpoint(String subject) {
    return issuer().endpoint().uri();
  }

  /** A setting of the transport's own, beside those that {@link TransportProvider} names. */
  default @Nullable String setting(String name) {
    return null;
  }

  /** Whether the peer is set to store {@link #STORED} for {@link #STORED_READER}. */
  default boolean stores() {
    return false;
  }

  /** The longest that anything may take: a reconnect, the notice of a stalled peer. */
  default Duration patience() {
    return Duration.ofSeconds(20);
  }

  /** Ends the peer, and lets go of all that the harness holds. */
  @Override
  void close();

  /**
   * The harness of a peer that is reached over TCP.
   *
   * @param issuer closed with the harness, after the relays: it ends the peer where it started it
   */
  static Harness overTcp(TransportProvider provider, CredentialIssuer issuer, TcpFaults faults) {
    return new TcpHarness(provider, issuer, faults, false);
  }

  /**
   * The harness of a peer that is reached over TCP and set to store {@link #STORED} for {@link
   * #STORED_READER}.
   *
   * @param issuer closed with the harness, after the relays: it ends the peer where it started it
   */
  static Harness storingOverTcp(
      TransportProvider provider, CredentialIssuer issuer, TcpFaults faults) {
    return new TcpHarness(provider, issuer, faults, true);
  }
}
