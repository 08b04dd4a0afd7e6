// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.delivery;

import dev.fairlead.transport.api.Message;
import dev.fairlead.transport.api.Transport.Subscription;
import dev.fairlead.transport.api.TransportException;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.function.Consumer;
import java.util.function.Function;
import java.util.function.Predicate;

/**
 * The way out and in that delivery works over: a transport, or several in turn. Safe for use by
 * several threads; no method blocks.
 */
public interface Link {

  /**
   * Hands a message over.
   *
   * @return completes when the transport has taken it, or its peer has acknowledged it; fails with
   *     a {@link dev.fairlead.transport.api.TransportException}
   */
  CompletionStage<Void> send(Message message);

  /**
   * As {@link dev.fairlead.transport.api.Transport#sendStored}, on whatever transport is used;
   * where this is not overridden, nothing is stored.
   */
  default CompletionStage<Void> sendStored(Message message) {
    return CompletableFuture.failedStage(
        new TransportException(
            TransportException.Category.REFUSED,
            "not-stored-here",
            "Nothing stores messages on this link: forget them when they are delivered."));
  }

  /**
   * Asks for the messages whose address matches a pattern, on whatever transport is used.
   *
   * @param handler called for one message at a time, even while one transport follows another; must
   *     not block
   */
  Subscription subscribe(String pattern, Consumer<Message> handler);

  /**
   * As {@link dev.fairlead.transport.api.Transport#subscribeStored}, on whatever transport is used;
   * where this is not overridden, nobody waits for what the handler returns.
   */
  default Subscription subscribeStored(
      String pattern, Function<Message, CompletionStage<Void>> handler) {
    return subscribe(
        pattern,
        message -> {
          var unused = handler.apply(message);
        });
  }

  /** Whether messages flow now. */
  boolean connected();

  /**
   * Asks to be told each time messages begin to flow, be it after a loss or over another transport:
   * what was sent before may be lost.
   *
   * @param action called by a thread of the link; must not block
   */
  Subscription onConnected(Runnable action);

  /**
   * As {@link #onConnected}, and says to which addresses it matters: where there are several
   * transports, those who are reached by another lose nothing.
   *
   * @param action given whether what was sent to an address may be lost; called by a thread of the
   *     link; must not block
   */
  default Subscription onMoved(Consumer<Predicate<String>> action) {
    return onConnected(() -> action.accept(address -> true));
  }
}
