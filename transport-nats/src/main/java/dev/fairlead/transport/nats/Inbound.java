// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.transport.nats;

import io.nats.client.Dispatcher;
import io.nats.client.Message;
import io.nats.client.MessageHandler;
import io.nats.client.Subscription;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * One dispatcher of jnats, and the handlers of its subscriptions.
 *
 * <p>jnats asks the broker for messages before it writes down who takes them, and what comes in
 * between goes to the dispatcher's default handler, or nowhere without one. Here that handler waits
 * until the call that subscribes has returned, and gives the message to the one that is meant: none
 * is lost, and all keep their order, since a dispatcher has one thread.
 */
final class Inbound {

  private final Dispatcher dispatcher;
  private final Map<Subscription, MessageHandler> handlers = new ConcurrentHashMap<>();

  /**
   * Makes one.
   *
   * @param dispatchers makes the dispatcher with a default handler
   */
  Inbound(Function<MessageHandler, Dispatcher> dispatchers, int maxMessages, long maxBytes) {
    dispatcher = dispatchers.apply(this::early);
    dispatcher.setPendingLimits(maxMessages, maxBytes);
  }

  /**
   * Has a handler called for what comes to a subject, by the dispatcher's thread.
   *
   * @throws IllegalStateException when the connection has ended
   */
  synchronized Subscription subscribe(String subject, MessageHandler handler) {
    Subscription made = dispatcher.subscribe(subject, handler);
    handlers.put(made, handler);
    return made;
  }

  /**
   * Ends a subscription.
   *
   * @throws IllegalStateException when the connection has ended
   */
  void unsubscribe(Subscription subscription) {
    handlers.remove(subscription);
    dispatcher.unsubscribe(subscription);
  }

  private void early(Message message) throws InterruptedException {
    MessageHandler handler = handler(message.getSubscription());
    if (handler != null) {
      handler.onMessage(message);
    }
  }

  /** Null for one that has ended meanwhile. */
  private synchronized @Nullable MessageHandler handler(Subscription of) {
    return handlers.get(of);
  }
}
