// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.delivery;

import java.time.Duration;
import java.util.Comparator;
import java.util.PriorityQueue;

/** A runner whose time passes only when the test says so; what is due at one time runs in order. */
final class SimTime implements Runner {

  private record Task(long at, long order, Runnable what) {}

  private final PriorityQueue<Task> tasks =
      new PriorityQueue<>(Comparator.comparingLong(Task::at).thenComparingLong(Task::order));
  private long now = 1_000_000_000L;
  private long order;

  @Override
  public void execute(Runnable task) {
    at(now, task);
  }

  @Override
  public void after(Duration delay, Runnable task) {
    at(now + delay.toNanos(), task);
  }

  void at(long time, Runnable task) {
    tasks.add(new Task(Math.max(time, now), order++, task));
  }

  @Override
  public long nanoTime() {
    return now;
  }

  /** Runs the next task; false where there is none. */
  boolean step() {
    Task task = tasks.poll();
    if (task == null) {
      return false;
    }
    now = task.at;
    task.what.run();
    return true;
  }

  /** Runs what is due within a time, and lets it pass. */
  void pass(Duration duration) {
    long until = now + duration.toNanos();
    Task next = tasks.peek();
    while (next != null && next.at <= until) {
      step();
      next = tasks.peek();
    }
    now = until;
  }

  /** Runs what is due now. */
  void settle() {
    pass(Duration.ZERO);
  }

  @Override
  public void close() {
    tasks.clear();
  }

  /** A runner of one process, whose tasks are gone when that is killed. */
  final class Life implements Runner {

    private boolean over;

    @Override
    public void execute(Runnable task) {
      at(now, task);
    }

    @Override
    public void after(Duration delay, Runnable task) {
      at(now + delay.toNanos(), task);
    }

    private void at(long time, Runnable task) {
      SimTime.this.at(
          time,
          () -> {
            if (!over) {
              task.run();
            }
          });
    }

    @Override
    public long nanoTime() {
      return now;
    }

    @Override
    public void close() {
      over = true;
    }
  }
}
