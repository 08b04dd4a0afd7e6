// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.transport.api;

import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.function.Consumer;
import java.util.function.Function;
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
   * Hands a message to a peer that stores it until whoever called {@link #subscribeStored} has
   * dealt with it: that one may be away meanwhile. What is sent so to one address over one
   * connection is stored in the order of the calls; after a failure nothing later is, until all
   * that was sent before has its answer.
   *
   * @return completes when the peer has stored it; fails as {@link #send} does, also with {@code
   *     RETRY} when the peer has no room, or did not say that it stored it. Without {@code STORED}
   *     it always fails with {@code REFUSED}, code {@code not-stored-here}
   */
  default CompletionStage<Void> sendStored(Message message) {
    return CompletableFuture.failedStage(
        new TransportException(
            TransportException.Category.REFUSED,
            "not-stored-here",
            "Nothing stores messages on this transport: let the sender keep them until they are delivered."));
  }

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

  /**
   * Asks for the messages that the peer has stored and will store, each until it is dealt with:
   * what is not comes again. Without {@code STORED} it is {@link #subscribe}.
   *
   * @param pattern as {@link #subscribe} takes it; the peer decides which addresses it stores
   * @param handler as there; what it returns completes, by any thread and in any order, when the
   *     message is dealt with, and fails when it must come again, in a while
   */
  default Subscription subscribeStored(
      String pattern, Function<Message, CompletionStage<Void>> handler) {
    return subscribe(
        pattern,
        message -> {
          var unused = handler.apply(message); // nobody stored it: there is nobody to tell
        });
  }

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
