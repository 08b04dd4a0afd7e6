// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.itest;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.management.ManagementFactory;
import java.lang.management.MemoryPoolMXBean;
import java.lang.management.MemoryUsage;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.stream.Stream;

/**
 * What this JVM uses of what there is little of.
 *
 * @param threads that live
 * @param files that are open
 * @param classes that are loaded
 * @param metaspace bytes in use of the pool of that name
 */
record ProcessUse(int threads, long files, int classes, long metaspace) {

  /** Threads and files of whatever comes and goes by itself: a pool's, a connection's. */
  private static final int SOME = 5;

  /** Shapes of lambdas and the like; a transport's bundle alone has more. */
  private static final int FEW_CLASSES = 150;

  /**
   * Less than a transport's classes take. Holds where code is compiled once ({@code
   * -XX:TieredStopAtLevel=1}): else the JVM also counts there how its methods are used, ever more
   * of them for an hour.
   */
  private static final long FEW_BYTES = 2L << 20;

  static ProcessUse now() {
    try (Stream<Path> files = Files.list(Path.of("/proc/self/fd"))) {
      return new ProcessUse(
          ManagementFactory.getThreadMXBean().getThreadCount(),
          files.count(),
          ManagementFactory.getClassLoadingMXBean().getLoadedClassCount(),
          ManagementFactory.getMemoryPoolMXBeans().stream()
              .filter(pool -> pool.getName().equals("Metaspace"))
              .map(MemoryPoolMXBean::getUsage)
              .mapToLong(MemoryUsage::getUsed)
              .sum());
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** Whether it is no more than an earlier one. */
  boolean isLike(ProcessUse earlier) {
    return threads <= earlier.threads + SOME
        && files <= earlier.files + SOME
        && classes <= earlier.classes + FEW_CLASSES
        && metaspace <= earlier.metaspace + FEW_BYTES;
  }
}
