// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.transport.vsock;

import static java.util.concurrent.TimeUnit.SECONDS;

import dev.fairlead.transport.api.Message;
import dev.fairlead.transport.api.Transport;
import java.lang.System.Logger.Level;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Consumer;

/** A subscription that outlives connections; its handler sees one message at a time. */
final class VsockSubscription implements Transport.Subscription {

  private static final System.Logger LOG = System.getLogger("dev.fairlead.transport.vsock");

  private final VsockTransport transport;
  private final int number;
  private final String pattern;
  private final Consumer<Message> handler;

  /** Held while the handler runs. */
  private final ReentrantLock turn = new ReentrantLock();

  private volatile boolean closed;
  private long failures;

  VsockSubscription(
      VsockTransport transport, int number, String pattern, Consumer<Message> handler) {
    this.transport = transport;
    this.number = number;
    this.pattern = pattern;
    this.handler = handler;
  }

  /** By which the hub knows it; never used again by the same transport. */
  int number() {
    return number;
  }

  String pattern() {
    return pattern;
  }

  /** Calls the handler, unless this is closed. */
  @SuppressWarnings("CatchingUnchecked") // a handler's failure must not end the connection
  void deliver(Message message) {
    turn.lock();
    try {
      if (!closed) {
        handler.accept(message);
      }
    } catch (RuntimeException | Error e) {
      failures++;
      LOG.log(
          Level.ERROR, "The handler of " + pattern + " failed; " + failures + " times so far.", e);
    } finally {
      turn.unlock();
    }
  }

  @Override
  public void close() {
    if (!closed) {
      closed = true;
      transport.forget(this);
    }
    end();
  }

  /**
   * Lets no further call of the handler begin, and waits for one that runs; not for ever, lest a
   * handler that waits for its closer holds both.
   */
  void end() {
    closed = true;
    try {
      if (turn.tryLock(1, SECONDS)) {
        turn.unlock();
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }
}
