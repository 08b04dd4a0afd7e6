// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.bench.run;

import com.sun.management.ThreadMXBean;
import dev.fairlead.bench.rig.Gauges;
import dev.fairlead.bench.rig.Gauges.Gauge;
import java.lang.management.ManagementFactory;
import java.lang.management.MemoryPoolMXBean;
import java.lang.management.MemoryType;
import java.lang.management.MemoryUsage;
import java.util.HashMap;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;

/**
 * Brings gauges up to date from time to time, on a thread of its own: what the caller says, and
 * what all threads have allocated. Collects the heap where that is wanted, and says what is left.
 */
final class Ticker implements AutoCloseable {

  private static final long ALLOCATED_EVERY = TimeUnit.MILLISECONDS.toNanos(100);

  private final Gauges gauges;
  private final Runnable tick;
  private final ThreadMXBean threads;
  private final Map<Long, Long> byThread = new HashMap<>();
  private long collected;
  private volatile boolean over;

  private Ticker(Gauges gauges, Runnable tick) {
    this.gauges = gauges;
    this.tick = tick;
    this.threads = (ThreadMXBean) ManagementFactory.getThreadMXBean();
    this.collected = gauges.get(Gauge.COLLECT);
  }

  static Ticker start(Gauges gauges, long everyMillis, Runnable tick) {
    Ticker ticker = new Ticker(gauges, tick);
    Thread thread = new Thread(() -> ticker.run(everyMillis), "fairlead-bench-gauges");
    thread.setDaemon(true);
    thread.start();
    return ticker;
  }

  private void run(long everyMillis) {
    long looked = System.nanoTime() - ALLOCATED_EVERY;
    while (!over) {
      tick.run();
      if (System.nanoTime() - looked >= ALLOCATED_EVERY) {
        looked = System.nanoTime();
        allocated();
      }
      if (gauges.get(Gauge.COLLECT) != collected) {
        collected = gauges.get(Gauge.COLLECT);
        collect();
      }
      LockSupport.parkNanos(TimeUnit.MILLISECONDS.toNanos(everyMillis));
    }
  }

  /** Threads that have ended since are counted with what was last seen of them. */
  private void allocated() {
    long[] ids = threads.getAllThreadIds();
    long[] bytes = threads.getThreadAllocatedBytes(ids);
    for (int i = 0; i < ids.length; i++) {
      if (bytes[i] > 0) {
        byThread.put(ids[i], bytes[i]);
      }
    }
    gauges.set(Gauge.ALLOCATED, byThread.values().stream().mapToLong(Long::longValue).sum());
  }

  /** What is used is that of just after the collection, not what was allocated since. */
  private void collect() {
    System.gc();
    gauges.set(
        Gauge.HEAP,
        ManagementFactory.getMemoryPoolMXBeans().stream()
            .filter(pool -> pool.getType() == MemoryType.HEAP)
            .map(MemoryPoolMXBean::getCollectionUsage)
            .filter(Objects::nonNull)
            .mapToLong(MemoryUsage::getUsed)
            .sum());
  }

  @Override
  public void close() {
    over = true;
  }
}
