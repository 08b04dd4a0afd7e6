// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.transport.vsock;

import dev.fairlead.transport.api.Message;
import java.nio.ByteBuffer;
import java.util.ArrayDeque;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.LongConsumer;

/**
 * Calls the handlers of one transport, on a thread of its own, so that a slow handler does not keep
 * the connection from showing that it is alive. How much may wait here is bounded by the credit
 * that the hub is given, which comes back as handlers return.
 */
final class Handlers implements AutoCloseable {

  /** One message for some subscriptions, and what it has cost of the credit that is given back. */
  private record Call(
      List<VsockSubscription> subscriptions, Message message, int cost, LongConsumer giveBack) {}

  private final Thread thread;
  private final ReentrantLock lock = new ReentrantLock();
  private final Condition filled = lock.newCondition();
  private ArrayDeque<Call> waiting = new ArrayDeque<>();
  private long bytes;
  private boolean closed;

  Handlers(String name) {
    thread = new Thread(this::run, name);
    thread.setDaemon(true);
  }

  void start() {
    thread.start();
  }

  boolean isCurrentThread() {
    return Thread.currentThread() == thread;
  }

  /** How much waits, or is with a handler now. */
  long bytes() {
    lock.lock();
    try {
      return bytes;
    } finally {
      lock.unlock();
    }
  }

  void add(
      List<VsockSubscription> subscriptions, Message message, int cost, LongConsumer giveBack) {
    lock.lock();
    try {
      if (!closed) {
        waiting.add(new Call(subscriptions, message, cost, giveBack));
        bytes += cost;
        filled.signal();
      }
    } finally {
      lock.unlock();
    }
  }

  private void run() {
    ArrayDeque<Call> batch = new ArrayDeque<>();
    while (true) {
      lock.lock();
      try {
        while (waiting.isEmpty() && !closed) {
          filled.awaitUninterruptibly();
        }
        if (closed) {
          return;
        }
        ArrayDeque<Call> full = waiting;
        waiting = batch;
        batch = full;
      } finally {
        lock.unlock();
      }
      for (Call call = batch.poll(); call != null; call = batch.poll()) {
        call(call);
      }
    }
  }

  private void call(Call call) {
    if (call.subscriptions.size() == 1) {
      call.subscriptions.get(0).deliver(call.message);
    } else {
      // What one handler does to the bytes, another must not see.
      for (VsockSubscription subscription : call.subscriptions) {
        ByteBuffer payload = call.message.payload().asReadOnlyBuffer();
        subscription.deliver(
            new Message(
                call.message.address(), call.message.headers(), payload, call.message.replyTo()));
      }
    }
    lock.lock();
    try {
      bytes -= call.cost;
    } finally {
      lock.unlock();
    }
    call.giveBack.accept(call.cost);
  }

  /** Begins no further call, and waits for one that runs; not for ever. */
  @Override
  public void close() {
    lock.lock();
    try {
      closed = true;
      waiting.clear();
      filled.signalAll();
    } finally {
      lock.unlock();
    }
    if (!isCurrentThread()) {
      try {
        thread.join(TimeUnit.SECONDS.toMillis(1));
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
      }
    }
  }
}
