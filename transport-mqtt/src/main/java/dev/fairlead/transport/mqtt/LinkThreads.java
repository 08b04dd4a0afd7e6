// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.transport.mqtt;

import java.util.List;
import java.util.concurrent.AbstractExecutorService;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Future;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.ScheduledFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;

/**
 * A transport's threads in the form that Paho asks for. Paho keeps three of them for as long as a
 * connection lasts, so a pool of fixed size would starve the next; and it renames them, which is
 * undone here. Ending it is left to the transport.
 */
final class LinkThreads extends AbstractExecutorService implements ScheduledExecutorService {

  private final ExecutorService threads;
  private final ScheduledExecutorService timer;
  private final Beginning beginning;
  private final AtomicBoolean begun = new AtomicBoolean();

  LinkThreads(ExecutorService threads, ScheduledExecutorService timer, Beginning beginning) {
    this.threads = threads;
    this.timer = timer;
    this.beginning = beginning;
  }

  /** What Paho has run first, and does not submit, is what starts its other threads. */
  @Override
  public void execute(Runnable task) {
    if (task instanceof Future || !begun.compareAndSet(false, true)) {
      run(task);
      return;
    }
    beginning.expect();
    try {
      run(() -> beginning.run(task));
    } catch (RejectedExecutionException e) {
      beginning.end();
      throw e;
    }
  }

  private void run(Runnable task) {
    threads.execute(
        () -> {
          Thread thread = Thread.currentThread();
          String name = thread.getName();
          try {
            task.run();
          } finally {
            thread.setName(name);
          }
        });
  }

  @Override
  public ScheduledFuture<?> schedule(Runnable command, long delay, TimeUnit unit) {
    return timer.schedule(() -> execute(command), delay, unit);
  }

  @Override
  public <V> ScheduledFuture<V> schedule(Callable<V> callable, long delay, TimeUnit unit) {
    throw new UnsupportedOperationException("Nothing here asks for a result later.");
  }

  @Override
  public ScheduledFuture<?> scheduleAtFixedRate(
      Runnable command, long initialDelay, long period, TimeUnit unit) {
    return timer.scheduleAtFixedRate(() -> execute(command), initialDelay, period, unit);
  }

  @Override
  public ScheduledFuture<?> scheduleWithFixedDelay(
      Runnable command, long initialDelay, long delay, TimeUnit unit) {
    return timer.scheduleWithFixedDelay(() -> execute(command), initialDelay, delay, unit);
  }

  @Override
  public void shutdown() {}

  @Override
  public List<Runnable> shutdownNow() {
    return List.of();
  }

  @Override
  public boolean isShutdown() {
    return threads.isShutdown();
  }

  @Override
  public boolean isTerminated() {
    return threads.isTerminated();
  }

  @Override
  public boolean awaitTermination(long timeout, TimeUnit unit) {
    return threads.isTerminated();
  }
}
