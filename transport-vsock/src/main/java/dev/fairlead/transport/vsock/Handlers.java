// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.transport.vsock;

import dev.fairlead.transport.api.Message;
import dev.fairlead.transport.base.KeptSubscription;
import java.nio.ByteBuffer;
import java.util.ArrayDeque;
import java.util.List;
import java.util.concurrent.Executor;
import java.util.function.LongConsumer;
import org.jspecify.annotations.Nullable;

/**
 * Calls the handlers of one transport, on one thread at a time and not on a connection's own, so
 * that a slow handler does not keep the connection from showing that it is alive. How much may wait
 * here is bounded by the credit that the hub is given, which comes back as handlers return. What is
 * here outlives its connection: it was received, and the credit that it takes up is missing to the
 * next connection until its handlers have returned.
 */
final class Handlers {

  /** One message for some subscriptions, and what it has cost of the credit. */
  private record Call(List<KeptSubscription> subscriptions, Message message, int cost) {}

  // All guarded by this.
  private ArrayDeque<Call> waiting = new ArrayDeque<>();
  private long bytes;
  private boolean running;
  private LongConsumer giveBack = cost -> {};

  /**
   * Begins to serve a connection: from now on it is told what handlers are done with, also of what
   * came over those of before.
   *
   * @param giveBack takes what a message has cost
   * @return how much waits, or is with a handler now, all of which will be given back
   */
  synchronized long serve(LongConsumer giveBack) {
    this.giveBack = giveBack;
    return bytes;
  }

  /**
   * Has handlers called, after those of before. What comes from a connection that is served no more
   * is dropped: the next has reckoned without it.
   *
   * @param from what {@link #serve} was given
   * @param threads on one of which they are called, where none calls them already
   */
  void add(
      LongConsumer from,
      Executor threads,
      List<KeptSubscription> subscriptions,
      Message message,
      int cost) {
    synchronized (this) {
      if (from != giveBack) {
        return;
      }
      waiting.add(new Call(subscriptions, message, cost));
      bytes += cost;
      if (running) {
        return;
      }
      running = true;
    }
    threads.execute(this::run);
  }

  private void run() {
    ArrayDeque<Call> batch = next(new ArrayDeque<>());
    while (batch != null) {
      for (Call call = batch.poll(); call != null; call = batch.poll()) {
        call(call);
      }
      batch = next(batch);
    }
  }

  /** Takes all that waits in exchange for an empty queue; null where nothing does. */
  private synchronized @Nullable ArrayDeque<Call> next(ArrayDeque<Call> empty) {
    running = !waiting.isEmpty();
    if (!running) {
      return null;
    }
    ArrayDeque<Call> full = waiting;
    waiting = empty;
    return full;
  }

  private void call(Call call) {
    if (call.subscriptions.size() == 1) {
      call.subscriptions.get(0).deliver(call.message);
    } else {
      // What one handler does to the bytes, another must not see.
      for (KeptSubscription subscription : call.subscriptions) {
        ByteBuffer payload = call.message.payload().asReadOnlyBuffer();
        subscription.deliver(
            new Message(
                call.message.address(), call.message.headers(), payload, call.message.replyTo()));
      }
    }
    LongConsumer to;
    synchronized (this) {
      bytes -= call.cost;
      to = giveBack;
    }
    to.accept(call.cost);
  }
}
