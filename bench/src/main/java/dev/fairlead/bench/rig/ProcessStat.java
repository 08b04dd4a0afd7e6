// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.bench.rig;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.OptionalDouble;
import java.util.OptionalLong;

/** What the kernel says of a process: {@code /proc/<pid>}. */
public final class ProcessStat {

  /** Linux has said so to programs for decades, whatever its own clock does. */
  private static final double TICKS_PER_SECOND = 100;

  /** Fields behind the name, which may hold anything: state is the first, utime the 12th. */
  private static final int USER_TIME = 11;

  private static final String PEAK = "VmHWM:";

  private ProcessStat() {}

  /** CPU seconds that it has used, of the user's and the system's; empty when it is gone. */
  public static OptionalDouble cpuSeconds(long pid) {
    try {
      return cpuSeconds(Files.readString(Path.of("/proc", Long.toString(pid), "stat"), UTF_8));
    } catch (IOException e) {
      return OptionalDouble.empty();
    }
  }

  static OptionalDouble cpuSeconds(String stat) {
    String[] fields = stat.substring(stat.lastIndexOf(')') + 1).strip().split(" ", -1);
    if (fields.length <= USER_TIME + 1) {
      return OptionalDouble.empty();
    }
    long ticks = Long.parseLong(fields[USER_TIME]) + Long.parseLong(fields[USER_TIME + 1]);
    return OptionalDouble.of(ticks / TICKS_PER_SECOND);
  }

  /** CPU seconds that all processes of this machine have used, the kernel's own among them. */
  public static OptionalDouble machineCpuSeconds() {
    try {
      return machineCpuSeconds(Files.readString(Path.of("/proc/stat"), UTF_8));
    } catch (IOException e) {
      return OptionalDouble.empty();
    }
  }

  static OptionalDouble machineCpuSeconds(String stat) {
    String[] fields = stat.lines().findFirst().orElse("").strip().split(" +", -1);
    if (fields.length < 9 || !fields[0].equals("cpu")) {
      return OptionalDouble.empty();
    }
    long ticks = 0;
    for (int i = 1; i <= 8; i++) { // user, nice, system, idle, iowait, irq, softirq, steal
      ticks += i == 4 || i == 5 ? 0 : Long.parseLong(fields[i]);
    }
    return OptionalDouble.of(ticks / TICKS_PER_SECOND);
  }

  /** The most physical memory that it ever had, in bytes; empty when it is gone. */
  public static OptionalLong peakBytes(long pid) {
    try {
      return peakBytes(Files.readString(Path.of("/proc", Long.toString(pid), "status"), UTF_8));
    } catch (IOException e) {
      return OptionalLong.empty();
    }
  }

  static OptionalLong peakBytes(String status) {
    return status
        .lines()
        .filter(line -> line.startsWith(PEAK))
        .mapToLong(
            line -> Long.parseLong(line.substring(PEAK.length()).replace("kB", "").strip()) * 1024)
        .findFirst();
  }
}
