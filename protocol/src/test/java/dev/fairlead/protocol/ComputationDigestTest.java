// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.protocol;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.fairlead.protocol.json.JsonNumber;
import dev.fairlead.protocol.json.ProtocolException;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class ComputationDigestTest {

  @Test
  void theSeedsComputationHasThePublishedDigest() {
    assertThat(ComputationDigest.of(Seeds.read("computation-seed.json")))
        .isEqualTo("7778cd80be286dba0d748c6f3d88c9e82bb8e5cb00dea05d3b63cab2ccfbe89a");
  }

  @Test
  void theAgentsSeedIsRewrittenByTheSameRule() {
    byte[] seed = Seeds.read("agent-run-seed.json");
    assertThat(ComputationDigest.canonical(seed)).hasSize(456);
    assertThat(ComputationDigest.of(seed))
        .isEqualTo("2faadab28b163fd6e4e9ed9b8ebed8bbe0083f3ebcbf6d37c6e8f1a3461bb0d3");
  }

  @Test
  void emptyFieldsAreLeftOutButTimesAndTimeoutAreNot() {
    assertThat(canonical("{\"id\":\"\",\"ttl\":0,\"datasets\":[],\"metadata\":{},\"x\":1}"))
        .isEqualTo(
            "{\"start_time\":\"0001-01-01T00:00:00Z\",\"end_time\":\"0001-01-01T00:00:00Z\",\"timeout\":\"0s\"}");
  }

  @Test
  void metadataIsSortedAndEscaped() {
    assertThat(
            canonical(
                "{\"metadata\":{\"b\":[1.50,{\"z\":null,\"a\":true}],\"a\":\"<&>\\u2028\\u0001é\\/\"}}"))
        .contains(
            "\"metadata\":{\"a\":\"\\u003c\\u0026\\u003e\\u2028\\u0001é/\",\"b\":[1.5,{\"a\":true,\"z\":null}]}");
  }

  @ParameterizedTest
  @CsvSource({
    "20m, 20m0s", "3m0s, 3m0s", "1h, 1h0m0s", "1.5h, 1h30m0s", "90s, 1m30s", "200ms, 200ms",
    "1500us, 1.5ms", "7ns, 7ns", "1001ns, 1.001µs", "0, 0s", "-1.5s, -1.5s",
        "1h1ns, 1h0m0.000000001s",
    ".5s, 500ms", "5.s, 5s", "2562047h47m16.854775807s, 2562047h47m16.854775807s"
  })
  void durationsAreInGosForm(String given, String written) {
    assertThat(canonical("{\"timeout\":\"" + given + "\"}"))
        .endsWith("\"timeout\":\"" + written + "\"}");
  }

  @ParameterizedTest
  @ValueSource(
      strings = {"", "s", "1", "1x", ".s", "1..2s", "- 1s", "--1s", "9999999999h", "1h 2m"})
  void whatIsNoDurationIsRefused(String given) {
    assertThatThrownBy(() -> canonical("{\"timeout\":\"" + given + "\"}"))
        .isInstanceOf(ProtocolException.class);
  }

  @ParameterizedTest
  @CsvSource({
    "2023-11-03T12:03:21.705171284+03:00, 2023-11-03T12:03:21.705171284+03:00",
    "2023-11-03T12:03:21.500+00:00, 2023-11-03T12:03:21.5Z",
    "2023-11-03T12:03:21.000Z, 2023-11-03T12:03:21Z",
    "2023-11-03T12:03:21.1234567899Z, 2023-11-03T12:03:21.123456789Z",
    "2023-11-03T12:03:20Z, 2023-11-03T12:03:20Z",
    "2023-11-03T12:03:20.100-00:00, 2023-11-03T12:03:20.1Z",
    "2023-11-03T12:03:20-07:30, 2023-11-03T12:03:20-07:30"
  })
  void timesAreInGosForm(String given, String written) {
    assertThat(canonical("{\"start_time\":\"" + given + "\"}"))
        .contains("\"start_time\":\"" + written + "\"");
  }

  @ParameterizedTest
  @ValueSource(
      strings = {"", "2023-02-29T00:00:00Z", "2023-11-03 12:00:00Z", "2023-11-03T24:00:00Z", "now"})
  void whatIsNoTimeIsRefused(String given) {
    assertThatThrownBy(() -> canonical("{\"end_time\":\"" + given + "\"}"))
        .isInstanceOf(ProtocolException.class);
  }

  @ParameterizedTest
  @CsvSource({
    "42, 42",
    "42.0, 42",
    "1e3, 1000",
    "1e20, 100000000000000000000",
    "1e21, 1e+21",
    "123456789e15, 1.23456789e+23",
    "0.000001, 0.000001",
    "0.0000001, 1e-7",
    "-0, -0",
    "-0.0, -0",
    "1.7976931348623157e308, 1.7976931348623157e+308",
    "5e-324, 5e-324",
    "0.1, 0.1",
    "2e-3, 0.002",
    "9007199254740993, 9007199254740992",
    "2.2250738585072014E-308, 2.2250738585072014e-308",
    "0.30000000000000004, 0.30000000000000004",
    "1e-400, 0"
  })
  void numbersAreInGosForm(String given, String written) {
    assertThat(ComputationDigest.goNumber(new JsonNumber(given))).isEqualTo(written);
  }

  private static String canonical(String json) {
    return new String(ComputationDigest.canonical(json.getBytes(UTF_8)), UTF_8);
  }
}
