// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.hypervisor.qemu;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import dev.fairlead.hypervisor.api.HypervisorException;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class KernelCommandLineTest {

  private final TreeMap<String, String> facts =
      new TreeMap<>(Map.of("fairlead.fleet", "f", "fairlead.computation", "123"));

  @Test
  void composesInOneOrder() {
    assertThat(compose(Map.of("broker.fairlead", "10.0.2.100"), Optional.empty()))
        .isEqualTo(
            "console=ttyS0 quiet panic=-1 lpj=20000000 fairlead.computation=123 fairlead.fleet=f"
                + " fairlead.hosts=broker.fairlead:10.0.2.100");
    assertThat(compose(Map.of(), Optional.of("päss".getBytes(UTF_8))))
        .isEqualTo(
            "console=ttyS0 quiet panic=-1 lpj=20000000 fairlead.computation=123 fairlead.fleet=f"
                + " fairlead.secret=cMOkc3M");
    facts.clear();
    assertThat(compose(Map.of(), Optional.empty()))
        .isEqualTo("console=ttyS0 quiet panic=-1 lpj=20000000");
  }

  @Test
  void takes2047BytesAndNotOneMore() {
    int base = compose(Map.of(), Optional.empty()).length() + " fairlead.x=".length();
    facts.put("fairlead.x", "y".repeat(2047 - base));
    assertThat(compose(Map.of(), Optional.empty())).hasSize(2047);
    facts.put("fairlead.x", "y".repeat(2048 - base));
    assertThatExceptionOfType(HypervisorException.class)
        .isThrownBy(() -> compose(Map.of(), Optional.empty()))
        .satisfies(
            e -> {
              assertThat(e.code()).isEqualTo("cmdline-too-long");
              assertThat(e.category()).isEqualTo(HypervisorException.Category.REFUSED);
            })
        .withMessageContaining("2048 bytes")
        .withMessageContaining("41 of base")
        .withMessageContaining("fairlead.x " + (2048 - base + "fairlead.x".length()));
  }

  @ParameterizedTest
  @CsvSource({
    "JAVA_TOOL_OPTIONS,-javaagent:x",
    "foo,bar",
    "fairlead.secret,x",
    "fairlead.hosts,x",
    "fairlead.x,a b",
    "fairlead.x,'a\"b'",
    "fairlead.x,ä",
    "fairlead.x y,z",
  })
  void refusesWhatWouldMeanSomethingElseInTheGuest(String name, String value) {
    facts.put(name, value);
    assertThatExceptionOfType(HypervisorException.class)
        .isThrownBy(() -> compose(Map.of(), Optional.empty()))
        .satisfies(e -> assertThat(e.code()).isEqualTo("bad-fact"));
  }

  private String compose(Map<String, String> hosts, Optional<byte[]> secret) {
    return KernelCommandLine.compose(facts, hosts, secret);
  }
}
