// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.bench.results;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

final class FiguresTest {

  @TempDir private Path root;

  @Test
  void figuresHaveThreeDigitsAndAUnit() {
    assertThat(Figures.count(1_213_456)).isEqualTo("1.21 M");
    assertThat(Figures.count(999_960)).isEqualTo("1.00 M");
    assertThat(Figures.count(512)).isEqualTo("512");
    assertThat(Figures.count(0)).isEqualTo("0");
    assertThat(Figures.micros(110.2)).isEqualTo("110 µs");
    assertThat(Figures.micros(3210)).isEqualTo("3.21 ms");
    assertThat(Figures.millis(1250)).isEqualTo("1.25 s");
    assertThat(Figures.millis(44.7)).isEqualTo("45 ms");
    assertThat(Figures.millis(4.47)).isEqualTo("4.47 ms");
    assertThat(Figures.bytes(212.0 * 1024 * 1024)).isEqualTo("212 MiB");
    assertThat(Figures.ratio(5.4)).isEqualTo("5.40×");
    assertThat(Figures.plain(0.0004)).isEqualTo("0");
    assertThat(Figures.plain(Double.NaN)).isEqualTo("?");
  }

  @Test
  void aRangeNamesItsUnitOnceWhereItIsTheSame() {
    assertThat(Figures.range(105, 124, Figures::micros)).isEqualTo("105–124 µs");
    assertThat(Figures.range(900, 1200, Figures::micros)).isEqualTo("900 µs–1.20 ms");
    assertThat(Figures.range(5, 1200, Figures::count)).isEqualTo("5–1.20 k");
    assertThat(Figures.range(7, 7, Figures::count)).isEqualTo("7");
  }

  @Test
  void aSpreadHasTheMiddleAndTheEnds() {
    assertThat(Spread.of(List.of(3.0, 1.0, 2.0))).hasValue(new Spread(3, 2, 1, 3));
    assertThat(Spread.of(List.of(4.0, 1.0))).hasValue(new Spread(2, 2.5, 1, 4));
    assertThat(Spread.of(List.of())).isEmpty();
    assertThat(Spread.percentile(List.of(1.0, 2.0, 3.0, 4.0), 0.5)).isEqualTo(2);
    assertThat(Spread.percentile(List.of(1.0, 2.0, 3.0, 4.0), 0.99)).isEqualTo(4);
  }

  @Test
  void theMachineIsReadFromItsFiles() throws Exception {
    Files.createDirectories(root.resolve("proc"));
    Files.createDirectories(root.resolve("etc"));
    Files.writeString(root.resolve("proc/cpuinfo"), "processor\t: 0\nmodel name\t: Some: CPU\n");
    Files.writeString(root.resolve("proc/meminfo"), "MemTotal:       24000 kB\nMemFree: 1 kB\n");
    Files.writeString(root.resolve("etc/os-release"), "NAME=x\nPRETTY_NAME=\"Debian 12\"\n");

    Machine machine = Machine.read(root);

    assertThat(machine.cpu()).isEqualTo("Some: CPU");
    assertThat(machine.memoryBytes()).isEqualTo(24_000 * 1024);
    assertThat(machine.system()).isEqualTo("Debian 12");
    assertThat(Machine.read(root.resolve("nowhere")).cpu()).isEqualTo("unknown");
    assertThat(Machine.here().cores()).isPositive();
  }
}
