// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.transport.api;

import java.util.Set;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;
import org.osgi.annotation.versioning.ConsumerType;

/**
 * Makes transports of one kind. An OSGi service and a {@link java.util.ServiceLoader} provider; has
 * a public constructor without parameters. Safe for use by several threads.
 */
@ConsumerType
public interface TransportProvider {

  /** Setting: where to connect, a URI whose scheme the transport defines. Required. */
  String ENDPOINT = "endpoint";

  /**
   * Setting: the content of the {@code Credential} that was issued to this peer. Optional where the
   * endpoint asks for none.
   */
  String CREDENTIAL = "credential";

  /**
   * Setting: SHA-256, in lower-case hex, of the DER form of the CA certificate that the endpoint's
   * certificate must lead to. Optional; without it the platform's own trust store decides.
   */
  String CA_SHA256 = "ca.sha256";

  /** Setting: the prefix of addresses under which this peer may receive replies. Optional. */
  String REPLIES = "replies";

  /**
   * Setting: the address to which the peer sends {@link #WILL_PAYLOAD}, in this end's name and
   * within its grant, as soon as it finds this end gone without a {@link Transport#close()}:
   * whatever way it has to find that out. Optional; heeded with {@code LAST_WILL} alone.
   */
  String WILL_ADDRESS = "will.address";

  /** Setting: what the peer then sends, a text of at most 4096 bytes in UTF-8. Optional. */
  String WILL_PAYLOAD = "will.payload";

  /** What a transport may be able to do beyond sending and receiving. */
  enum Capability {
    /** The future of a send completes only when the peer has acknowledged the message. */
    ACKNOWLEDGED_SEND,
    /** A send that is not permitted fails its future; without it, only the listener is told. */
    REFUSED_SEND,
    /** A subscription that is not permitted is told to the listener. */
    REFUSED_SUBSCRIBE,
    /**
     * Peers can be set to store messages: see {@link Transport#sendStored}. What they have said to
     * have stored survives their restart.
     */
    STORED,
    /**
     * The peer tells the others when this end is gone: see {@link #WILL_ADDRESS}. Whether a broker
     * knows last wills by that name, or a hub sees a connection end, is the transport's own affair.
     */
    LAST_WILL
  }

  /** The name under which deployments choose it, {@code [a-z][a-z0-9-]{0,31}}; never changes. */
  String name();

  /** What transports of this provider can do; the same set at every call. */
  Set<Capability> capabilities();

  /**
   * Opens a transport. Never waits for the network: it connects in the background, and again after
   * every loss, for ever, until it is closed (rules T2.x).
   *
   * @param settings looks up a setting by name, null where it is absent. It is asked afresh at each
   *     connect, so that a renewed credential takes effect with the next connection; it must not
   *     block
   * @param listener told of state changes and refusals from now on
   * @throws TransportException {@code REFUSED} when a setting is missing or malformed
   */
  Transport open(Function<String, @Nullable String> settings, TransportListener listener);
}
