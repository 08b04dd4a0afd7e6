// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.hypervisor.api;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.SortedMap;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class VmSpecTest {

  @Test
  void keepsWhatItWasGivenAndHidesTheCredential() {
    TreeMap<String, String> facts = new TreeMap<>(Map.of("fairlead.fleet", "fl"));
    VmSpec spec = spec("a_B-9", 1, 128, facts, Duration.ofSeconds(1));
    facts.clear();
    assertThat(spec.facts()).containsEntry("fairlead.fleet", "fl");
    assertThat(spec.toString()).contains("a_B-9").doesNotContain("s3cret");
  }

  @ParameterizedTest
  @ValueSource(strings = {"", "a,b", "a b", "../x", "a.b", "\u00e4", "a\n"})
  void refusesNamesThatMeanSomethingElseToSomebody(String name) {
    refused(() -> spec(name, 1, 128, new TreeMap<>(), Duration.ofSeconds(1)));
  }

  @Test
  void refusesWhatCannotRun() {
    String longest = "x".repeat(64);
    assertThat(spec(longest, 1, 128, new TreeMap<>(), Duration.ofSeconds(1)).cpus()).isEqualTo(1);
    refused(() -> spec(longest + "x", 1, 128, new TreeMap<>(), Duration.ofSeconds(1)));
    refused(() -> spec("a", 0, 128, new TreeMap<>(), Duration.ofSeconds(1)));
    refused(() -> spec("a", 1, 127, new TreeMap<>(), Duration.ofSeconds(1)));
    refused(() -> spec("a", 1, 128, new TreeMap<>(), Duration.ZERO));
  }

  private static VmSpec spec(
      String name, int cpus, int memory, SortedMap<String, String> facts, Duration deadline) {
    return new VmSpec(
        name,
        Path.of("/run/x"),
        cpus,
        memory,
        facts,
        VmSpec.SecretChannel.INITRD,
        "s3cret",
        List.of(),
        List.of(),
        deadline);
  }

  private static void refused(Runnable making) {
    assertThatExceptionOfType(HypervisorException.class)
        .isThrownBy(making::run)
        .satisfies(
            e -> {
              assertThat(e.category()).isEqualTo(HypervisorException.Category.REFUSED);
              assertThat(e.code()).isEqualTo("bad-spec");
            });
  }
}
