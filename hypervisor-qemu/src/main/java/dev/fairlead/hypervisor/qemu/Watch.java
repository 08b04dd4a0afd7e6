// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.hypervisor.qemu;

import java.time.Duration;
import java.util.concurrent.Executor;
import java.util.concurrent.Future;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;

/**
 * The one thread by which all that happens to VMs is dealt with: a fault in what is done for one of
 * them does not end what is done for the others. Any thread may hand it something to do.
 */
final class Watch implements Executor {

  private static final System.Logger LOG = System.getLogger(Watch.class.getName());

  private final ScheduledExecutorService thread;

  Watch(ScheduledExecutorService thread) {
    this.thread = thread;
  }

  /** Does it in its turn; not at all where the hypervisor is closed, which has let go of all. */
  @Override
  public void execute(Runnable task) {
    try {
      thread.execute(() -> guarded(task));
    } catch (RejectedExecutionException e) {
      LOG.log(System.Logger.Level.DEBUG, "Too late for what a VM did");
    }
  }

  /** Does it after a while; only called by what is done here. */
  Future<?> later(Duration delay, Runnable task) {
    return thread.schedule(() -> guarded(task), delay.toMillis(), TimeUnit.MILLISECONDS);
  }

  /** Does it again and again, the first time after a while; only called by what is done here. */
  Future<?> every(Duration first, Duration pause, Runnable task) {
    return thread.scheduleWithFixedDelay(
        () -> guarded(task), first.toMillis(), pause.toMillis(), TimeUnit.MILLISECONDS);
  }

  /** Does it now, in this thread. */
  static void guarded(Runnable task) {
    try {
      task.run();
    } catch (RuntimeException e) {
      LOG.log(System.Logger.Level.ERROR, "A fault in the handling of a VM", e);
    }
  }
}
