// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.bench.micro;

import dev.fairlead.delivery.Runner;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.Deque;

/** Runs tasks when it is told to, on the caller's thread, and lets no time pass by itself. */
final class HandRunner implements Runner {

  private final Deque<Runnable> tasks = new ArrayDeque<>();
  private long now;

  @Override
  public void execute(Runnable task) {
    tasks.add(task);
  }

  @Override
  public void after(Duration delay, Runnable task) {
    // Time stands still: whoever measures seals batches by filling them.
  }

  @Override
  public long nanoTime() {
    return now;
  }

  /** Runs all that is there, and what that brings. */
  void runAll() {
    now++;
    for (Runnable task = tasks.poll(); task != null; task = tasks.poll()) {
      task.run();
    }
  }

  @Override
  public void close() {
    tasks.clear();
  }
}
