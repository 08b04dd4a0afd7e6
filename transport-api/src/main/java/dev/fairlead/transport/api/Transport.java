// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.transport.api;

import java.util.concurrent.CompletionStage;
import java.util.function.Consumer;
import org.osgi.annotation.versioning.ProviderType;

/**
 * One connection to a peer (a broker or a hub), kept up for ever. It holds no queue that outlives
 * the connection, repeats no message, and orders nothing across a reconnect: delivery does that,
 * once, for all transports. Safe for use by several threads.
 */
@ProviderType
public interface Transport extends AutoCloseable {

  /** Where a transport stands. */
  enum State {
    /** There is no connection; one is being tried, for ever. */
    CONNECTING,
    /** Messages flow. */
    CONNECTED,
    /** {@link Transport#close()} was called: the end. */
    CLOSED
  }

  /** A subscription that stands until it is closed, across every reconnect. */
  @ProviderType
  interface Subscription extends AutoCloseable {
    /** Ends it. No call of the handler begins after this has returned. Idempotent. */
    @Override
    void close();
  }

  /**
   * Hands a message to the peer. Never blocks and never throws for a reason that lies outside the
   * caller: what goes wrong comes through the stage.
   *
   * @param message its payload must not be changed until the stage is complete
   * @return completes when the connection has taken the message; with {@code ACKNOWLEDGED_SEND},
   *     when the peer has acknowledged it. Fails with a {@link TransportException}: {@code RETRY}
   *     when there is no connection, or its window is full; {@code REFUSED} when the message may
   *     not be sent there; {@code BROKEN} after {@link #close()}. Completed by a thread of the
   *     transport, which must not be blocked
   */
  CompletionStage<Void> send(Message message);

  /**
   * Asks for the messages whose address matches a pattern. May be called in any state; it takes
   * effect as soon as there is a connection, and again after each reconnect.
   *
   * @param pattern segments joined by {@code /}; {@code *} stands for one segment, {@code **} at
   *     the end for one or more
   * @param handler called by a thread of the transport, for one message at a time, in the order of
   *     arrival; must not block; what it throws is caught, counted and logged
   * @throws TransportException {@code REFUSED} when the pattern is malformed, {@code BROKEN} after
   *     {@link #close()}
   */
  Subscription subscribe(String pattern, Consumer<Message> handler);

  /** Where it stands now. */
  State state();

  /**
   * Ends it: hands over what has been taken, within the quiesce time (at most 5 s), then lets go of
   * every thread, socket and handler. Blocks until that is done. Idempotent. Must not be called by
   * a thread of the transport.
   */
  @Override
  void close();
}
