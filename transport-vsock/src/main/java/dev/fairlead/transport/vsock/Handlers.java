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
 * here outlives its connection: it was received.
 */
final class Handlers {

  /** One message for some subscriptions, and what it has cost of the credit that is given back. */
  private record Call(
      List<KeptSubscription> subscriptions, Message message, int cost, LongConsumer giveBack) {}

  // All guarded by this.
  private ArrayDeque<Call> waiting = new ArrayDeque<>();
  private long bytes;
  private boolean running;

  /** How much waits, or is with a handler now. */
  synchronized long bytes() {
    return bytes;
  }

  /**
   * Has handlers called, after those of before.
   *
   * @param threads on one of which they are called, where none calls them already
   */
  void add(
      Executor threads,
      List<KeptSubscription> subscriptions,
      Message message,
      int cost,
      LongConsumer giveBack) {
    synchronized (this) {
      waiting.add(new Call(subscriptions, message, cost, giveBack));
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
    synchronized (this) {
      bytes -= call.cost;
    }
    call.giveBack.accept(call.cost);
  }
}
