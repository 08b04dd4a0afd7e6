// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.agent.component;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.Map;
import org.junit.jupiter.api.Test;

class SurroundingsTest {

  @Test
  void theEnvironmentGoesBeforeTheConfiguration() {
    Surroundings around =
        new Surroundings(
            Map.of("FAIRLEAD_CMDLINE_FILE", "/x", "FAIRLEAD_HTTP_PORT", "9301", "EMPTY", ""));
    assertThat(around.isChildProcess()).isTrue();
    assertThat(around.text("FAIRLEAD_CMDLINE_FILE", "/proc/cmdline")).isEqualTo("/x");
    assertThat(around.text("EMPTY", "configured")).isEqualTo("configured");
    assertThat(around.port("FAIRLEAD_HTTP_PORT", 9031)).isEqualTo(9301);
    assertThat(around.port("FAIRLEAD_GRPC_PORT", 7002)).isEqualTo(7002);
  }

  @Test
  void inAGuestTheConfigurationCounts() {
    Surroundings around = new Surroundings(Map.of("FAIRLEAD_WORK", "/work"));
    assertThat(around.isChildProcess()).isFalse();
    assertThat(around.port("FAIRLEAD_HTTP_PORT", 9031)).isEqualTo(9031);
  }

  @Test
  void whatIsNoPortIsRefused() {
    for (String text : new String[] {"x", "-1", "65536", "1e3"}) {
      Surroundings around = new Surroundings(Map.of("FAIRLEAD_HTTP_PORT", text));
      assertThatThrownBy(() -> around.port("FAIRLEAD_HTTP_PORT", 1))
          .hasMessageContaining("FAIRLEAD_HTTP_PORT");
    }
  }
}
