// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.transport.base;

import static java.util.concurrent.TimeUnit.SECONDS;

import dev.fairlead.transport.api.Message;
import dev.fairlead.transport.api.Transport;
import dev.fairlead.transport.api.TransportException;
import java.lang.System.Logger.Level;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Function;

/** A subscription that outlives connections; its handler sees one message at a time. */
public final class KeptSubscription implements Transport.Subscription {

  private static final System.Logger LOG = System.getLogger("dev.fairlead.transport.base");

  private static final CompletionStage<Void> CLOSED =
      CompletableFuture.failedStage(
          new TransportException(
              TransportException.Category.BROKEN, "closed", "The subscription was closed."));

  private final KeptTransport transport;
  private final String pattern;
  private final Function<Message, CompletionStage<Void>> handler;
  private final boolean stored;
  private final ReentrantLock turn = new ReentrantLock();
  private volatile boolean closed;
  private long failures;

  /**
   * Makes one.
   *
   * @param stored whether it is for what the peer has stored
   */
  KeptSubscription(
      KeptTransport transport,
      String pattern,
      Function<Message, CompletionStage<Void>> handler,
      boolean stored) {
    this.transport = transport;
    this.pattern = pattern;
    this.handler = handler;
    this.stored = stored;
  }

  /** Its pattern, well-formed. */
  public String pattern() {
    return pattern;
  }

  /** Whether it is for what the peer has stored, which is told what became of each message. */
  public boolean stored() {
    return stored;
  }

  /** Calls the handler, unless this is closed. */
  public void deliver(Message message) {
    var unused = deliverStored(message);
  }

  /**
   * Calls the handler, unless this is closed.
   *
   * @return completes when the message is dealt with, fails when it must come again
   */
  @SuppressWarnings("CatchingUnchecked") // a handler's failure must not end the connection
  public CompletionStage<Void> deliverStored(Message message) {
    turn.lock();
    try {
      return closed ? CLOSED : handler.apply(message);
    } catch (RuntimeException | Error e) {
      failures++;
      LOG.log(
          Level.ERROR, "The handler of " + pattern + " failed; " + failures + " times so far.", e);
      return CompletableFuture.failedStage(e);
    } finally {
      turn.unlock();
    }
  }

  @Override
  public void close() {
    closed = true;
    transport.forget(this);
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
