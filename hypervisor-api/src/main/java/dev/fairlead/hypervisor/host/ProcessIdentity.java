// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.hypervisor.host;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;

/**
 * One process of this host, and no other: a PID is given away again, a PID with its start time and
 * the host's boot is not.
 *
 * @param pid its number
 * @param startTicks its start, in clock ticks since the host's boot ({@code /proc/PID/stat}, field
 *     22)
 * @param bootId which boot of the host, {@code /proc/sys/kernel/random/boot_id}
 */
public record ProcessIdentity(long pid, long startTicks, String bootId) {

  private static final Path PROC = Path.of("/proc");
  private static final int STATE = 0;
  private static final int SESSION = 3;
  private static final int START_TIME = 19;

  /** The identity of the process that has this PID now; empty when none has, or a dead one. */
  public static Optional<ProcessIdentity> of(long pid) {
    return stat(pid)
        .filter(ProcessIdentity::lives)
        .map(fields -> new ProcessIdentity(pid, Long.parseLong(fields[START_TIME]), hostBootId()));
  }

  /** Whether this very process still runs. A zombie does not. */
  public boolean isAlive() {
    return of(pid).filter(this::equals).isPresent();
  }

  /**
   * The process that was started by exactly this command; where there are several, any of them.
   *
   * @param command program and arguments, which hold something that no other command holds
   */
  public static Optional<ProcessIdentity> running(List<String> command) {
    try (Stream<ProcessHandle> all = ProcessHandle.allProcesses()) {
      return all.flatMap(process -> of(process.pid()).stream())
          .filter(identity -> identity.runs(command))
          .findAny();
    }
  }

  /** Whether this very process still runs, and was started by exactly this command. */
  public boolean runs(List<String> command) {
    try {
      byte[] words = Files.readAllBytes(PROC.resolve(pid + "/cmdline"));
      return Arrays.equals(words, (String.join("\0", command) + "\0").getBytes(UTF_8)) && isAlive();
    } catch (IOException e) {
      return false;
    }
  }

  /**
   * The boot of this host.
   *
   * @throws IllegalStateException where the host is no Linux
   */
  public static String hostBootId() {
    try {
      return Files.readString(PROC.resolve("sys/kernel/random/boot_id")).strip();
    } catch (IOException e) {
      throw new IllegalStateException("/proc does not tell the boot of this host", e);
    }
  }

  /** The session to which a process belongs; empty when there is no such process. */
  static Optional<Long> session(long pid) {
    return stat(pid).filter(ProcessIdentity::lives).map(fields -> Long.parseLong(fields[SESSION]));
  }

  private static boolean lives(String[] fields) {
    return fields.length > START_TIME && !fields[STATE].equals("Z") && !fields[STATE].equals("X");
  }

  /** The fields from the state on; a process may put blanks and brackets in its own name. */
  private static Optional<String[]> stat(long pid) {
    try {
      String line =
          new String(Files.readAllBytes(PROC.resolve(pid + "/stat")), StandardCharsets.ISO_8859_1);
      int end = line.lastIndexOf(')');
      return end < 0 ? Optional.empty() : Optional.of(line.substring(end + 1).strip().split(" "));
    } catch (IOException e) {
      return Optional.empty();
    }
  }
}
