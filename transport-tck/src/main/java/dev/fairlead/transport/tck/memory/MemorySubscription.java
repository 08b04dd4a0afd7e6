// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.transport.tck.memory;

import static java.lang.System.Logger.Level.WARNING;

import dev.fairlead.transport.api.Message;
import dev.fairlead.transport.api.Transport;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Consumer;

/** A handler and what it is for; stands until it is closed. */
final class MemorySubscription implements Transport.Subscription {

  private static final System.Logger LOG = System.getLogger(MemorySubscription.class.getName());

  private final MemoryTransport transport;
  private final String pattern;
  private final Consumer<Message> handler;

  /** Held while the handler runs, so that none can begin once {@link #close()} has returned. */
  private final ReentrantLock calling = new ReentrantLock();

  private boolean closed;

  MemorySubscription(MemoryTransport transport, String pattern, Consumer<Message> handler) {
    this.transport = transport;
    this.pattern = pattern;
    this.handler = handler;
  }

  String pattern() {
    return pattern;
  }

  void call(Message message) {
    calling.lock();
    try {
      if (!closed) {
        handler.accept(message);
      }
    } catch (RuntimeException | Error e) {
      LOG.log(WARNING, "The handler of '" + pattern + "' threw; the subscription stands.", e);
    } finally {
      calling.unlock();
    }
  }

  @Override
  public void close() {
    calling.lock();
    try {
      if (closed) {
        return;
      }
      closed = true;
    } finally {
      calling.unlock();
    }
    transport.ended(this);
  }
}
