// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.transport.mqtt;

import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * The beginning of one connection, in which Paho starts its threads: one of them starts the others,
 * and waits for each until it sees that it runs. Two things of Paho's are made good here.
 *
 * <p>It looks every 100 ms only, so that a connection would take 300 ms: it is woken to look at
 * once. And where a thread has ended before it is seen to run, for a broker that hangs up at once,
 * it would look for ever: so nobody hears what the broker says, or that it says nothing more,
 * before all threads run. The broker has nothing to say before, since it has not been greeted.
 */
final class Beginning {

  // All below are guarded by this.
  private @Nullable Thread starter;
  private boolean expected;
  private boolean over;

  /** It will begin. */
  synchronized void expect() {
    expected = true;
  }

  /** Runs Paho's task that starts the others. */
  void run(Runnable task) {
    synchronized (this) {
      starter = Thread.currentThread();
    }
    try {
      task.run();
    } finally {
      synchronized (this) {
        starter = null;
        over = true;
        notifyAll();
        var unused = Thread.interrupted(); // from here on nobody hurries this thread
      }
    }
  }

  /** Blocks the thread that reads until all others run, and hurries the one that starts them. */
  synchronized void hurry() {
    try {
      while (!over) {
        if (starter != null) {
          starter.interrupt(); // Paho sleeps, and looks again when it is disturbed
        }
        wait(1);
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  /** It has failed, or nobody waits for it any more. */
  synchronized void end() {
    over = true;
    notifyAll();
  }

  /** Whether it is over, or never began, within some time. */
  synchronized boolean isOverWithin(long millis) {
    long until = System.nanoTime() + TimeUnit.MILLISECONDS.toNanos(millis);
    boolean interrupted = false;
    while (expected && !over) {
      long left = TimeUnit.NANOSECONDS.toMillis(until - System.nanoTime());
      if (left <= 0) {
        break;
      }
      try {
        wait(left);
      } catch (InterruptedException e) {
        interrupted = true;
      }
    }
    if (interrupted) {
      Thread.currentThread().interrupt();
    }
    return !expected || over;
  }
}
