// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.agent.core;

import static java.lang.System.Logger.Level.DEBUG;
import static java.lang.System.Logger.Level.WARNING;

import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.Consumer;
import java.util.function.LongConsumer;

/**
 * What has come for the agent and waits to be handled, in order, by the one thread {@code
 * fairlead-agent}. It is bounded, and nobody who adds to it waits: any thread may, those of
 * transports among them.
 */
final class TaskQueue implements AutoCloseable {

  /** What waits to be handled; a manifest or command that finds it full is asked for again. */
  static final int MOST = 64;

  private static final System.Logger log = System.getLogger(TaskQueue.class.getName());

  private final BlockingQueue<Runnable> tasks = new ArrayBlockingQueue<>(MOST);
  private final LongConsumer leftOut;
  private final Consumer<Throwable> fatal;
  private final AtomicLong overflow = new AtomicLong();
  private final Thread thread;
  private volatile boolean closed;

  /** Of these has been told; touched by the thread alone. */
  private long overflowTold;

  /**
   * Starts the thread.
   *
   * @param leftOut told by the thread how many were left out since it was told last
   * @param fatal told by the thread where a task fails in a way that nobody foresaw; it has ended
   *     then
   */
  TaskQueue(LongConsumer leftOut, Consumer<Throwable> fatal) {
    this.leftOut = leftOut;
    this.fatal = fatal;
    thread = new Thread(this::handle, "fairlead-agent");
    thread.setDaemon(true);
    thread.start();
  }

  /** Adds one; where the queue is full, it is left out. */
  void add(Runnable task) {
    if (!tasks.offer(task)) {
      log.log(
          WARNING,
          "The agent has {0} tasks before it; one more was left out ({1} so far).",
          MOST,
          overflow.incrementAndGet());
    }
  }

  private void handle() {
    try {
      while (!closed) {
        tasks.take().run();
        tellOverflow();
      }
    } catch (InterruptedException e) {
      log.log(DEBUG, "The agent's thread ends.");
    } catch (RuntimeException | Error e) {
      fatal.accept(e);
    }
  }

  /** Whoever sent what was left out learns of it: it is not done, and may be sent again. */
  private void tellOverflow() {
    long all = overflow.get();
    if (all > overflowTold) {
      leftOut.accept(all - overflowTold);
      overflowTold = all;
    }
  }

  /** Ends the thread; what waits is not done any more. Idempotent. */
  @Override
  public void close() {
    closed = true;
    thread.interrupt();
  }
}
