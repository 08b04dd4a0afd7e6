// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.transport.tck.memory;

import static java.lang.System.Logger.Level.ERROR;

import java.util.concurrent.ScheduledFuture;
import java.util.concurrent.ScheduledThreadPoolExecutor;
import java.util.concurrent.TimeUnit;

/** One named daemon thread that does what it is asked to, in order, until it is ended. */
final class Loop {

  private static final System.Logger LOG = System.getLogger(Loop.class.getName());

  private static final int SECONDS_TO_END = 5;

  private final ScheduledThreadPoolExecutor executor;

  Loop(String name) {
    executor =
        new ScheduledThreadPoolExecutor(
            1,
            work -> {
              Thread thread = new Thread(work, name);
              thread.setDaemon(true);
              return thread;
            },
            // What comes after the end is of no more use to anyone.
            (work, ended) -> {});
    executor.setExecuteExistingDelayedTasksAfterShutdownPolicy(false);
  }

  void execute(Runnable work) {
    executor.execute(guarded(work));
  }

  void after(long millis, Runnable work) {
    ScheduledFuture<?> unused = executor.schedule(guarded(work), millis, TimeUnit.MILLISECONDS);
  }

  void every(long millis, Runnable work) {
    ScheduledFuture<?> unused =
        executor.scheduleAtFixedRate(guarded(work), millis, millis, TimeUnit.MILLISECONDS);
  }

  /** A fault in one piece of work is shown, and does not stop the next. */
  private static Runnable guarded(Runnable work) {
    return () -> {
      try {
        work.run();
      } catch (RuntimeException | Error e) {
        LOG.log(ERROR, "Work of the memory transport failed.", e);
      }
    };
  }

  /** Begins nothing more. */
  void stop() {
    executor.shutdown();
  }

  /** Begins nothing more, and waits until the thread has ended. */
  void end() {
    executor.shutdown();
    try {
      if (!executor.awaitTermination(SECONDS_TO_END, TimeUnit.SECONDS)) {
        executor.shutdownNow();
      }
    } catch (InterruptedException e) {
      executor.shutdownNow();
      Thread.currentThread().interrupt();
    }
  }
}
