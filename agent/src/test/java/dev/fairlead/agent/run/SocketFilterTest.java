// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.agent.run;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** The filter on this machine: it needs no rights. */
class SocketFilterTest {

  @TempDir private Path folder;
  private Path confine;

  private record Outcome(int exit, String said) {}

  @BeforeEach
  void writeProgram() throws Exception {
    confine = program("confine", SocketFilter.program());
  }

  private Path program(String name, byte[] bytes) throws Exception {
    Path file = Files.write(folder.resolve(name), bytes);
    return Files.setPosixFilePermissions(file, PosixFilePermissions.fromString("r-x------"));
  }

  private static Outcome run(Object... words) throws Exception {
    List<String> command = new ArrayList<>();
    for (Object word : words) {
      command.add(word.toString());
    }
    ProcessBuilder builder = new ProcessBuilder(command).redirectErrorStream(true);
    builder.environment().put("GIVEN", "by the environment");
    Process process = builder.start();
    String said = new String(process.getInputStream().readAllBytes(), UTF_8);
    return new Outcome(process.waitFor(), said.strip());
  }

  @Test
  void commandGetsItsArgumentsAndEnvironmentAndIsFiltered() throws Exception {
    Outcome outcome =
        run(
            confine,
            "/bin/sh",
            "-c",
            "echo \"$1, $GIVEN\"; grep -E '^(NoNewPrivs|Seccomp):' /proc/self/status; exit 7",
            "sh",
            "by argument");
    assertThat(outcome.said().lines())
        .containsExactly("by argument, by the environment", "NoNewPrivs:\t1", "Seccomp:\t2");
    assertThat(outcome.exit()).isEqualTo(7);
  }

  @Test
  void commandThatIsNotThereIsAFailure() throws Exception {
    assertThat(run(confine, folder.resolve("none")).exit()).isEqualTo(126);
  }

  /**
   * Family 16 is netlink, which every machine has; 40 is vsock, which is made and not connected.
   */
  @ParameterizedTest
  @CsvSource({"1,0,0", "2,0,0", "16,0,97", "40,,97", "38,,97"})
  void otherFamiliesThanThoseOfTheCellsNetworkAreRefused(
      int family, @Nullable Integer free, int filtered) throws Exception {
    // exit(-socket(family, SOCK_DGRAM, 0)), or 0
    Path probe =
        probe("bf %s be02000000 31d2 b829000000 0f05".formatted(hex(family)), "probe" + family);
    if (free != null) {
      assertThat(run(probe).exit()).isEqualTo(free);
    }
    assertThat(run(confine, probe).exit()).isEqualTo(filtered);
  }

  @Test
  void waysAroundItAreClosed() throws Exception {
    // io_uring_setup(0, 0): EFAULT or EINVAL where it is let through
    assertThat(run(confine, probe("31ff 31f6 b8a9010000 0f05", "ring")).exit()).isEqualTo(38);
    // getpid() by its x32 number
    assertThat(run(confine, probe("b827000040 0f05", "x32")).exit()).isEqualTo(38);
    // getpid() by the 32-bit gate
    assertThat(run(confine, probe("b814000000 cd80", "compat")).exit()).isEqualTo(38);
  }

  private static String hex(int value) {
    byte[] bytes = ByteBuffer.allocate(4).order(ByteOrder.LITTLE_ENDIAN).putInt(value).array();
    return HexFormat.of().formatHex(bytes);
  }

  /** A program that makes one system call, and ends with its error, 0 for none. */
  private Path probe(String call, String name) throws Exception {
    String exit = "85c0 7902 eb02 31c0 f7d8 89c7 b83c000000 0f05";
    byte[] code = HexFormat.of().parseHex((call + exit).replace(" ", ""));
    return program(name, SocketFilter.elf(code, new byte[0]));
  }
}
