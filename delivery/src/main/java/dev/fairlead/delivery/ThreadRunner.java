// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.delivery;

import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.time.Duration;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.ScheduledThreadPoolExecutor;
import java.util.concurrent.TimeUnit;

/** A runner on one daemon thread. */
final class ThreadRunner implements Runner {

  private static final Logger LOG = System.getLogger(ThreadRunner.class.getName());

  private final ScheduledThreadPoolExecutor executor;

  ThreadRunner(String name) {
    executor =
        new ScheduledThreadPoolExecutor(
            1,
            task -> {
              Thread thread = new Thread(task, name);
              thread.setDaemon(true);
              return thread;
            });
    executor.setExecuteExistingDelayedTasksAfterShutdownPolicy(false);
    executor.setRemoveOnCancelPolicy(true);
  }

  @Override
  public void execute(Runnable task) {
    submit(task, 0);
  }

  @Override
  public void after(Duration delay, Runnable task) {
    submit(task, delay.toNanos());
  }

  @Override
  public long nanoTime() {
    return System.nanoTime();
  }

  @Override
  public void close() {
    executor.shutdownNow();
  }

  @SuppressWarnings("FutureReturnValueIgnored") // run() lets nothing out that it could hold
  private void submit(Runnable task, long nanos) {
    try {
      executor.schedule(() -> run(task), nanos, TimeUnit.NANOSECONDS);
    } catch (RejectedExecutionException e) {
      LOG.log(Level.TRACE, "A task came after the end.", e);
    }
  }

  /** A task that throws must not end in the silence of a future that nobody reads. */
  private static void run(Runnable task) {
    try {
      task.run();
    } catch (RuntimeException e) {
      LOG.log(Level.ERROR, "A task of delivery failed; the others go on.", e);
    }
  }
}
