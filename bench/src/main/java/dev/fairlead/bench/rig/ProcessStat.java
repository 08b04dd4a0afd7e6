// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.bench.rig;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.io.IOException;
import java.nio.file.DirectoryIteratorException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.OptionalDouble;
import java.util.OptionalLong;
import java.util.regex.Pattern;

/** What the kernel says of a process: {@code /proc/<pid>}. */
public final class ProcessStat {

  /** Linux has said so to programs for decades, whatever its own clock does. */
  private static final double TICKS_PER_SECOND = 100;

  /** Fields behind the name, which may hold anything: state is the first, utime the 12th. */
  private static final int USER_TIME = 11;

  /** As HotSpot names them; the kernel cuts names at 15 characters. */
  private static final Pattern COMPILER = Pattern.compile("^\\d+ \\(C[12] Compiler");

  private static final String PEAK = "VmHWM:";
  private static final String RESIDENT = "VmRSS:";

  private ProcessStat() {}

  /** CPU seconds that it has used, of the user's and the system's; empty when it is gone. */
  public static OptionalDouble cpuSeconds(long pid) {
    try {
      return cpuSeconds(Files.readString(Path.of("/proc", Long.toString(pid), "stat"), UTF_8));
    } catch (IOException e) {
      return OptionalDouble.empty();
    }
  }

  /**
   * CPU seconds that a JVM's compilers have used, which its threads' names tell; 0 for any other
   * process, and for one that is gone.
   */
  public static double compilerCpuSeconds(long pid) {
    double sum = 0;
    try (DirectoryStream<Path> threads =
        Files.newDirectoryStream(Path.of("/proc", Long.toString(pid), "task"))) {
      for (Path thread : threads) {
        sum += ofCompiler(thread);
      }
    } catch (IOException | DirectoryIteratorException e) {
      return sum;
    }
    return sum;
  }

  private static double ofCompiler(Path thread) {
    try {
      String stat = Files.readString(thread.resolve("stat"), UTF_8);
      return COMPILER.matcher(stat).find() ? cpuSeconds(stat).orElse(0) : 0;
    } catch (IOException e) {
      return 0; // it has ended
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
    return ofStatus(pid, PEAK);
  }

  /** The physical memory that it has now, in bytes; empty when it is gone. */
  public static OptionalLong residentBytes(long pid) {
    return ofStatus(pid, RESIDENT);
  }

  private static OptionalLong ofStatus(long pid, String name) {
    try {
      return bytes(Files.readString(Path.of("/proc", Long.toString(pid), "status"), UTF_8), name);
    } catch (IOException e) {
      return OptionalLong.empty();
    }
  }

  static OptionalLong peakBytes(String status) {
    return bytes(status, PEAK);
  }

  private static OptionalLong bytes(String status, String name) {
    return status
        .lines()
        .filter(line -> line.startsWith(name))
        .mapToLong(
            line -> Long.parseLong(line.substring(name.length()).replace("kB", "").strip()) * 1024)
        .findFirst();
  }
}
