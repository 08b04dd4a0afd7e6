// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.bench.run;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.List;
import org.junit.jupiter.api.Test;

/** What a person may ask for. No transport is on the class path of this test. */
final class BenchSettingsTest {

  private static BenchSettings settings(List<String> transports, List<String> scenarios, int n) {
    return new BenchSettings(true, transports, scenarios, n, 0, 0, 1, "bench", List.of());
  }

  @Test
  void namesAreRead() {
    assertThat(BenchSettings.names("all")).isEmpty();
    assertThat(BenchSettings.names("nats, mqtt,,nats")).containsExactly("nats", "mqtt");
  }

  @Test
  void whatIsNotThereIsRefusedWithWhatIs() {
    assertThatThrownBy(() -> settings(List.of("smoke"), List.of(), 1))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("There is no transport 'smoke'");
    assertThatThrownBy(() -> settings(List.of(), List.of("max-rate", "earthquake"), 1))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("There is no scenario 'earthquake'")
        .hasMessageContaining("max-rate, fixed-rate, crash");
    assertThatThrownBy(() -> settings(List.of(), List.of(), 101))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("1 to 100");
  }

  @Test
  void loadsAreReadAsTheyAreWritten() {
    for (Scenario scenario :
        List.of(
            new MaxRate(),
            new FixedRate(),
            new Absent(),
            new AgentRestart(),
            new ManyAgents(),
            new SlowConsumer(),
            new NoisyStream(),
            new Swap(),
            new Soak())) {
      Load load = scenario.load(scenario.cases(Scale.FULL).get(0), Scale.FULL);
      assertThat(Load.read(new dev.fairlead.bench.rig.Words(load.words()))).isEqualTo(load);
    }
  }

  @Test
  void whatIsMeasuredLiesBehindTheWarmUp() {
    Load load = Load.steady(200, 2000).afterHurry().measured(1.5, 2);
    assertThat(load.from()).isEqualTo(3000 + 1);
    assertThat(load.last()).isEqualTo(3000 + 4000);
  }
}
