// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.bench.rig;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What the kernel says is read as it says it; what two processes share is the same for both. */
final class ProcessStatTest {

  @TempDir Path folder;

  @Test
  void nameMayHoldAnything() {
    String stat = "17 (a) b (c) S 1 2 3 4 5 6 7 8 9 10 250 50 0 0";
    assertThat(ProcessStat.cpuSeconds(stat)).hasValue(3.0);
    assertThat(ProcessStat.cpuSeconds("17 (x) S 1")).isEmpty();
  }

  @Test
  void idleTimeIsNotBusy() {
    assertThat(ProcessStat.machineCpuSeconds("cpu  100 0 50 9999 888 1 2 47 0 0\ncpu0 1"))
        .hasValue(2.0);
    assertThat(ProcessStat.machineCpuSeconds("intr 1")).isEmpty();
  }

  @Test
  void peakIsInBytes() {
    assertThat(ProcessStat.peakBytes("Name:\tx\nVmHWM:\t    2048 kB\n")).hasValue(2_097_152);
    assertThat(ProcessStat.peakBytes("Name:\tx\n")).isEmpty();
  }

  @Test
  void thisProcessIsThereAndAnotherIsNot() {
    assertThat(ProcessStat.cpuSeconds(ProcessHandle.current().pid())).isPresent();
    assertThat(ProcessStat.peakBytes(ProcessHandle.current().pid())).isPresent();
    assertThat(ProcessStat.cpuSeconds(Integer.MAX_VALUE)).isEmpty();
  }

  @Test
  void compilersOfThisJvmHaveWorkedAndOthersHaveNone() {
    assertThat(ProcessStat.compilerCpuSeconds(ProcessHandle.current().pid())).isPositive();
    assertThat(ProcessStat.compilerCpuSeconds(Integer.MAX_VALUE)).isZero();
  }

  @Test
  void gaugesAreSeenByWhoOpensTheSameFile() throws IOException {
    Gauges one = Gauges.open(folder.resolve("g"));
    one.set(Gauges.Gauge.MADE, 5);
    Gauges other = Gauges.open(folder.resolve("g"));
    one.add(Gauges.Gauge.MADE, 2);
    other.set(Gauges.Gauge.FINISHED, 1);
    assertThat(other.get(Gauges.Gauge.MADE)).isEqualTo(7);
    assertThat(one.get(Gauges.Gauge.FINISHED)).isEqualTo(1);
    assertThat(one.get(Gauges.Gauge.STORED)).isZero();
  }
}
