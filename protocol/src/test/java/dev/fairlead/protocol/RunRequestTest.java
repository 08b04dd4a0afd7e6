// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.protocol;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.fairlead.protocol.json.ProtocolException;
import java.time.Duration;
import java.util.Base64;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class RunRequestTest {

  private static final byte[] SEED = Seeds.read("computation-seed.json");

  @Test
  void theSeedsArrayIsTheComputation() {
    RunRequest request = RunRequest.parse(Seeds.read("run-request-seed.json"));
    assertThat(request.computation()).isEqualTo(SEED);
    assertThat(request.clientTls()).isFalse();
    assertThat(request.timeout()).isEmpty();
    assertThat(request.manifest().id()).isEqualTo("123");
    assertThat(request.manifest().timeout()).contains(Duration.ofMinutes(3));
    assertThat(request.manifest().ttl()).contains(Duration.ofHours(1));
    assertThat(request.manifest().datasets()).hasSize(2);
  }

  @Test
  void base64MayLackItsPadding() {
    byte[] odd = "{\"id\":\"1\"}".getBytes(UTF_8);
    for (Base64.Encoder encoder :
        new Base64.Encoder[] {Base64.getEncoder(), Base64.getEncoder().withoutPadding()}) {
      String body = "{\"computation\":\"" + encoder.encodeToString(odd) + "\",\"timeout\":\"1m\"}";
      RunRequest request = RunRequest.parse(body.getBytes(UTF_8));
      assertThat(request.computation()).isEqualTo(odd);
      assertThat(request.timeout()).contains(Duration.ofMinutes(1));
    }
  }

  @Test
  void anObjectKeepsItsExactBytes() {
    String object = "{ \"id\" : \"1\",\t\"é\":[ 1.0 , {\"b\":2, \"a\":{ } } ] }";
    String body = " {\"ca_certs\":\"x\",  \"computation\":" + object + " , \"client_tls\":true}";
    RunRequest request = RunRequest.parse(body.getBytes(UTF_8));
    assertThat(new String(request.computation(), UTF_8)).isEqualTo(object);
    assertThat(request.clientTls()).isTrue();
    assertThat(request.caCerts()).contains("x");
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "",
        "[]",
        "{}",
        "{\"computation\":null}",
        "{\"computation\":[]}",
        "{\"computation\":\"\"}",
        "{\"computation\":[256]}",
        "{\"computation\":[-1]}",
        "{\"computation\":[1.0]}",
        "{\"computation\":[\"1\"]}",
        "{\"computation\":\"*\"}",
        "{\"computation\":7}",
        "{\"computation\":{},\"computation\":{}}",
        "{\"computation\":{}} x",
        "{\"computation\":{},\"client_tls\":\"yes\"}",
        "{\"computation\":{},\"timeout\":-1}"
      })
  void whatIsNoneIsRefused(String body) {
    assertThatThrownBy(() -> RunRequest.parse(body.getBytes(UTF_8)))
        .isInstanceOf(ProtocolException.class);
  }

  @Test
  void aBodyAboveTheLimitIsRefused() {
    assertThatThrownBy(() -> RunRequest.parse(new byte[RunRequest.MAX_BYTES + 1]))
        .isInstanceOfSatisfying(
            ProtocolException.class, e -> assertThat(e.code()).isEqualTo("too-large"));
  }
}
