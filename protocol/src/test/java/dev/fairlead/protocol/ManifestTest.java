// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.protocol;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.fairlead.protocol.json.ProtocolException;
import java.time.Duration;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class ManifestTest {

  private static final String HASH =
      IntStream.range(0, 32).mapToObj(Integer::toString).collect(Collectors.joining(",", "[", "]"));

  @Test
  void theElderShapeIsRead() {
    Manifest manifest = Manifest.parse(Seeds.read("agent-run-seed.json"));
    assertThat(manifest.id()).isEqualTo("some_id");
    assertThat(manifest.name()).isEqualTo("computation_24");
    assertThat(manifest.ttl()).contains(Duration.ofSeconds(32));
    assertThat(manifest.timeout()).contains(Duration.ofMinutes(20));
    assertThat(manifest.datasets())
        .extracting(Manifest.Dataset::id)
        .containsExactly("Dataset1", "Dataset2");
    assertThat(manifest.algorithm().orElseThrow().provider()).isEqualTo("AlgorithmProvider1");
    assertThat(manifest.consumers()).extracting(Manifest.Consumer::name).contains("OTP");
    assertThat(manifest.json().strings("algorithm_providers")).hasSize(3);
    assertThat(manifest.bytes()).isEqualTo(Seeds.read("agent-run-seed.json"));
  }

  @Test
  void theYoungerShapeIsRead() {
    Manifest manifest =
        parse(
            """
            {"id":"1","name":"n","datasets":[{"hash":%s,"user_key":"AAAA","filename":"iris.csv"}],
             "algorithm":{"hash":%s,"user_key":"BBBB","algo_type":"bin","algo_args":["-x","y z"]},
             "result_consumers":[{"user_key":"CCCC"}],"agent_config":{"log_level":"debug"},"x":7}
            """
                .formatted(HASH, HASH));
    Manifest.Algorithm algorithm = manifest.algorithm().orElseThrow();
    assertThat(algorithm.sha3()).startsWith("000102").endsWith("1f").hasSize(64);
    assertThat(algorithm.args()).containsExactly("-x", "y z");
    assertThat(manifest.datasets().get(0).filename()).isEqualTo("iris.csv");
    assertThat(manifest.consumers().get(0).userKey()).isEqualTo(new Manifest.PublicKey("CCCC"));
    assertThat(manifest.agentConfig().orElseThrow().string("log_level")).isEqualTo("debug");
    assertThat(manifest.ttl()).isEmpty();
    assertThat(manifest.timeout()).isEmpty();
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "[]",
        "{}",
        "{\"id\":\"\"}",
        "{\"id\":\"a b\"}",
        "{\"id\":\"_a\"}",
        "{\"id\":1}",
        "{\"id\":\"1\",\"ttl\":-1}",
        "{\"id\":\"1\",\"ttl\":2147483648}",
        "{\"id\":\"1\",\"ttl\":\"1h\"}",
        "{\"id\":\"1\",\"timeout\":\"soon\"}",
        "{\"id\":\"1\",\"timeout\":-1}",
        "{\"id\":\"1\",\"timeout\":[]}",
        "{\"id\":\"1\",\"algorithm\":{\"hash\":[1,2]}}",
        "{\"id\":\"1\",\"algorithm\":{\"hash\":\"aa\"}}",
        "{\"id\":\"1\",\"algorithm\":{\"user_key\":\"*\"}}",
        "{\"id\":\"1\",\"algorithm\":[]}",
        "{\"id\":\"1\",\"algorithm\":{\"algo_args\":[\"a\\u0000b\"]}}",
        "{\"id\":\"1\",\"algorithms\":[{},{}]}",
        "{\"id\":\"1\",\"datasets\":[1]}",
        "{\"id\":\"1\",\"datasets\":{}}",
        "{\"id\":\"1\",\"datasets\":[{\"filename\":\"../x\"}]}",
        "{\"id\":\"1\",\"datasets\":[{\"filename\":\"..\"}]}",
        "{\"id\":\"1\",\"datasets\":[{\"filename\":\".\"}]}",
        "{\"id\":\"1\",\"datasets\":[{\"filename\":\"a/b\"}]}",
        "{\"id\":\"1\",\"datasets\":[{\"filename\":\"a\\\\b\"}]}",
        "{\"id\":\"1\",\"datasets\":[{\"filename\":\"a\\u0000\"}]}",
        "{\"id\":\"1\",\"datasets\":[{\"filename\":\"a\"},{\"filename\":\"a\"}]}",
        "{\"id\":\"1\",\"result_consumers\":[7]}",
        "{\"id\":\"1\",\"result_consumers\":[{}]}"
      })
  void whatIsNoneIsRefused(String json) {
    assertThatThrownBy(() -> parse(json)).isInstanceOf(ProtocolException.class);
  }

  @Test
  void hashesOf31And33BytesAreRefused() {
    for (int n : new int[] {31, 33}) {
      String hash = "[" + "1,".repeat(n - 1) + "1]";
      assertThatThrownBy(() -> parse("{\"id\":\"1\",\"algorithm\":{\"hash\":" + hash + "}}"))
          .hasMessageContaining("$.algorithm.hash")
          .hasMessageContaining(Integer.toString(n));
    }
  }

  private static Manifest parse(String json) {
    return Manifest.parse(json.getBytes(UTF_8));
  }
}
