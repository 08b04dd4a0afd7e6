// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.computations;

import static java.lang.System.Logger.Level.ERROR;

import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;

/**
 * One daemon thread with a bounded queue: where work goes that must not be done by a transport's
 * thread, and must stay in order.
 */
final class Worker implements AutoCloseable {

  private static final System.Logger LOG = System.getLogger(Worker.class.getName());
  private static final long CLOSE_SECONDS = 5;

  private final ThreadPoolExecutor thread;

  Worker(String name, int capacity) {
    thread =
        new ThreadPoolExecutor(
            1,
            1,
            0,
            TimeUnit.SECONDS,
            new LinkedBlockingQueue<>(capacity),
            task -> {
              Thread made = new Thread(task, name);
              made.setDaemon(true);
              return made;
            });
  }

  /** Queues a task; false when the queue is full, or the worker closed. */
  boolean offer(Runnable task) {
    try {
      thread.execute(() -> run(task));
      return true;
    } catch (RejectedExecutionException e) {
      return false;
    }
  }

  /** How many tasks wait. */
  int waiting() {
    return thread.getQueue().size();
  }

  /** Takes no more tasks, and waits a few seconds for those it has. */
  @Override
  public void close() {
    thread.shutdown();
    try {
      if (!thread.awaitTermination(CLOSE_SECONDS, TimeUnit.SECONDS)) {
        thread.shutdownNow();
      }
    } catch (InterruptedException e) {
      thread.shutdownNow();
      Thread.currentThread().interrupt();
    }
  }

  private static void run(Runnable task) {
    try {
      task.run();
    } catch (RuntimeException e) {
      LOG.log(ERROR, "A task failed; the next one goes on.", e);
    }
  }
}
