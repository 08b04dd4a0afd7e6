// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.agent.core;

import dev.fairlead.delivery.DeliveryException;
import dev.fairlead.delivery.OutStream;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.function.LongFunction;

/**
 * Events on their way to their stream, in order. Whoever says one never waits: while the stream has
 * no room, a bounded number stands here, and a thread brings them on; what comes beyond that is
 * counted, and told as an event of its own in that place. Safe for use by several threads.
 */
final class EventQueue implements AutoCloseable {

  private static final System.Logger log = System.getLogger(EventQueue.class.getName());

  private static final int MOST = 1024;

  private final OutStream stream;
  private final LongFunction<byte[]> lostEvent;
  private final Thread thread;

  // Guarded by this.
  private final Deque<byte[]> waiting = new ArrayDeque<>();
  private long lost;
  private boolean closed;

  /**
   * Makes one.
   *
   * @param lostEvent says that so many events were lost
   */
  EventQueue(OutStream stream, LongFunction<byte[]> lostEvent) {
    this.stream = stream;
    this.lostEvent = lostEvent;
    thread = new Thread(this::carry, "fairlead-agent-events");
    thread.setDaemon(true);
    thread.start();
  }

  /** Takes an event; never waits. */
  synchronized void say(byte[] event) {
    if (closed || (waiting.isEmpty() && lost == 0 && stream.tryAppend(event) >= 0)) {
      return;
    }
    if (waiting.size() < MOST) {
      waiting.add(event);
      notifyAll();
    } else {
      lost++;
    }
  }

  /**
   * Waits until the stream has all that was said.
   *
   * @return false when the time was over before
   */
  synchronized boolean flush(Duration atMost) throws InterruptedException {
    long end = System.nanoTime() + atMost.toNanos();
    while (!waiting.isEmpty()) {
      long left = (end - System.nanoTime()) / 1_000_000;
      if (left <= 0 || closed) {
        return false;
      }
      wait(left);
    }
    return true;
  }

  private void carry() {
    try {
      while (true) {
        stream.append(first());
        next();
      }
    } catch (InterruptedException | DeliveryException e) {
      log.log(System.Logger.Level.DEBUG, "No more events are carried: {0}", e.getMessage());
    }
  }

  private synchronized byte[] first() throws InterruptedException {
    while (waiting.isEmpty()) {
      wait();
    }
    return waiting.element();
  }

  /** The first is in the stream; behind the last that was taken stands how many were not. */
  private synchronized void next() {
    waiting.remove();
    if (waiting.isEmpty() && lost > 0) {
      waiting.add(lostEvent.apply(lost));
      lost = 0;
    }
    notifyAll();
  }

  /** Ends the thread; what still waits is lost. Idempotent. */
  @Override
  public void close() {
    synchronized (this) {
      closed = true;
      notifyAll();
    }
    thread.interrupt();
  }
}
