// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.delivery;

import java.time.Duration;
import java.util.concurrent.Executor;

/**
 * One thread of work, and its time: all that delivery does by itself, it does here, so that a test
 * can put a simulated one in its place.
 */
public interface Runner extends Executor, AutoCloseable {

  /** Runs a task soon, after those given before it. Does nothing once closed. */
  @Override
  void execute(Runnable task);

  /** Runs a task not before a delay is over. Does nothing once closed. */
  void after(Duration delay, Runnable task);

  /** Nanoseconds since some fixed point; only differences mean something. */
  long nanoTime();

  /** Lets the running task end, drops the others, ends the thread. Idempotent. */
  @Override
  void close();

  /**
   * Starts a real one.
   *
   * @param name of its daemon thread
   */
  static Runner start(String name) {
    return new ThreadRunner(name);
  }
}
