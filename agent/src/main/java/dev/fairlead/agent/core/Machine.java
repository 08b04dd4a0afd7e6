// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.agent.core;

import dev.fairlead.protocol.Heartbeat;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

/** What Linux says of memory and load. */
final class Machine {

  private static final Path MEMORY = Path.of("/proc/meminfo");
  private static final Path LOAD = Path.of("/proc/loadavg");

  private Machine() {}

  /** All memory of the machine in bytes; 0 where it is not known. */
  static long memory() {
    return memory("MemTotal:");
  }

  /** The use of the machine now; zeros where it is not known. */
  static Heartbeat.Load load() {
    long total = memory("MemTotal:");
    return new Heartbeat.Load(
        Math.max(0, total - memory("MemAvailable:")), total, Math.max(0, average()));
  }

  private static long memory(String name) {
    try {
      for (String line : Files.readAllLines(MEMORY)) {
        if (line.startsWith(name)) {
          String[] words = line.trim().split("\\s+", -1);
          return words.length < 2 ? 0 : Long.parseLong(words[1]) * 1024;
        }
      }
    } catch (IOException | NumberFormatException e) {
      // Another system: it is then not known.
    }
    return 0;
  }

  private static double average() {
    try {
      String text = Files.readString(LOAD);
      return Double.parseDouble(text.substring(0, text.indexOf(' ')));
    } catch (IOException | RuntimeException e) {
      return 0;
    }
  }
}
