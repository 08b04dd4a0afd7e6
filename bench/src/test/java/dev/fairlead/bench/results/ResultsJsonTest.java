// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.bench.results;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.fairlead.protocol.json.Json;
import dev.fairlead.protocol.json.JsonObject;
import dev.fairlead.protocol.json.ProtocolException;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

final class ResultsJsonTest {

  private static final byte[] SMALL = ResultsJson.write(Samples.small());

  @Test
  void whatIsWrittenIsReadAgain() {
    Results whole = Samples.whole();

    assertThat(ResultsReader.parse(ResultsJson.write(whole))).isEqualTo(whole);
    assertThat(ResultsReader.parse(SMALL)).isEqualTo(Samples.small());
  }

  @Test
  void anIncompleteOneSaysWhy() {
    Results partial =
        Samples.results(Samples.small().runs(), false, "It was interrupted after 6 of 40 runs.");

    JsonObject json = ResultsJson.of(partial);

    assertThat(json.bool("complete")).isFalse();
    assertThat(ResultsReader.parse(ResultsJson.write(partial)).incomplete())
        .isEqualTo("It was interrupted after 6 of 40 runs.");
  }

  @Test
  void eachRunHasEachFieldAndStandsOnALineOfItsOwn() {
    String text = new String(SMALL, UTF_8);
    JsonObject run = Json.parseObject(SMALL, SMALL.length).objects("runs").get(0);

    assertThat(
            text.lines().filter(line -> line.startsWith("  {\"transport\":\"nats\",\"baseline\":")))
        .hasSize(7);
    assertThat(run.names())
        .contains(
            "transport",
            "baseline",
            "scenario",
            "repeat",
            "appended",
            "stored",
            "lost",
            "duplicates",
            "reordered",
            "refused",
            "producerPerSecond",
            "endToEndPerSecond",
            "latencyMicros",
            "cpuSecondsPerMillion",
            "detectMs",
            "reconnectMs",
            "firstRecordMs",
            "drainedMs",
            "marked");
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '`',
      value = {
        "\"schema\": 1            | \"schema\": 2              | schema 2",
        "\"complete\": true       | \"complete\": false        | $.incomplete",
        "\"cores\":2              | \"cores\":0                | $.machine.cores",
        "\"started\": \"2026      | \"started\": \"x2026       | $.started",
        "\"repeat\":1             | \"repeat\":-1              | repeat",
        "\"transport\":\"nats\"   | \"transport\":\"<script>\" | transport",
        "\"scenario\":\"max-rate\"| \"scenario\":\"../../x\"   | scenario",
        "\"lost\":0               | \"lost\":-3                | lost",
        "\"lost\":0               | \"lost\":\"none\"          | lost",
        "\"loadBefore\":0.2       | \"loadBefore\":1e400       | loadBefore",
        "\"latencyCurve\":[]      | \"latencyCurve\":[[1,2]]   | runs[0]",
        "\"timeline\":[]          | \"timeline\":[[5,1],[4,1]] | timeline",
        "\"producerPerSecond\":1  | \"producerPerSecond\":-1   | producerPerSecond",
      })
  void whatIsWrongIsNamedWithItsPlace(String was, String becomes, String named) {
    String text = new String(SMALL, UTF_8);
    int at = text.indexOf(was);
    // a curve without its figures is passed over, so give some
    String spoilt = text.substring(0, at) + becomes + text.substring(at + was.length());
    if (was.contains("latencyCurve")) {
      spoilt =
          spoilt.replaceFirst(
              "\"latencyMicros\":null",
              "\"latencyMicros\":{\"p50\":1,\"p90\":1,\"p99\":1,\"p999\":1,\"max\":1,\"mean\":1,"
                  + "\"deviation\":0,\"count\":1}");
    }
    byte[] bytes = spoilt.getBytes(UTF_8);

    assertThat(at).isPositive();
    assertThatThrownBy(() -> ResultsReader.parse(bytes))
        .isInstanceOf(ProtocolException.class)
        .hasMessageContaining(named);
  }

  @Test
  void aFileThatIsTooLargeIsRefused() {
    assertThatExceptionOfType(ProtocolException.class)
        .isThrownBy(() -> ResultsReader.parse(new byte[ResultsReader.MAX_BYTES + 1]))
        .withMessageContaining("is the most");
  }

  @Test
  void spoiltBytesAreReadOrRefusedAndNothingElse() {
    Random random = new Random(11);
    int refused = 0;
    for (int i = 0; i < 4000; i++) {
      byte[] bytes = SMALL.clone();
      for (int n = 1 + random.nextInt(4); n > 0; n--) {
        bytes[random.nextInt(bytes.length)] = (byte) random.nextInt(128);
      }
      try {
        TextReport.of(ResultsReader.parse(bytes));
      } catch (ProtocolException e) {
        refused++;
      }
    }
    assertThat(refused).isBetween(100, 4000);
  }
}
