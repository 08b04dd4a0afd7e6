// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.bench.results;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.List;
import org.assertj.core.data.Offset;
import org.junit.jupiter.api.Test;

/** Growth is told from noise, and from what grows only at first. */
final class MemoryTest {

  private static final long MINUTE = 60_000;

  private static Memory memory(int minutes, long perMinute) {
    List<Memory.Sample> samples = new ArrayList<>();
    for (int i = 0; i <= minutes; i++) {
      long noise = i % 2 == 0 ? 1_000 : -1_000;
      samples.add(
          new Memory.Sample(i * MINUTE, 5_000_000 + i * perMinute + noise, 90_000_000, 0, 0));
    }
    return new Memory(samples);
  }

  @Test
  void slopeIsThatOfAnHour() {
    assertThat(memory(60, 500).heapGrowth()).isCloseTo(30_000.0, Offset.offset(500.0));
    assertThat(memory(60, 0).heapGrowth()).isCloseTo(0.0, Offset.offset(500.0));
    assertThat(memory(60, -500).heapGrowth()).isCloseTo(-30_000.0, Offset.offset(500.0));
    assertThat(memory(60, 500).agentGrowth()).isCloseTo(0.0, Offset.offset(1.0));
  }

  @Test
  void whatGrowsOnlyAtFirstIsNotGrowth() {
    List<Memory.Sample> samples = new ArrayList<>(memory(60, 0).samples());
    samples.set(0, new Memory.Sample(0, 1_000_000, 50_000_000, 0, 0));
    assertThat(new Memory(samples).agentGrowth()).isCloseTo(0.0, Offset.offset(1.0));
  }

  @Test
  void littleThatWasSeenSaysNothing() {
    assertThat(Memory.NONE.heapGrowth()).isNull();
    assertThat(new Memory(memory(60, 500).samples().subList(0, 2)).heapGrowth()).isNull();
  }
}
