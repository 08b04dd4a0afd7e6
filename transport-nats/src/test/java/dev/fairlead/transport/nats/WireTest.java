// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.transport.nats;

import static java.nio.charset.StandardCharsets.ISO_8859_1;
import static org.assertj.core.api.Assertions.assertThat;

import dev.fairlead.transport.base.Refusal;
import io.nats.client.support.IncomingHeadersProcessor;
import java.util.Arrays;
import java.util.Objects;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** What is written and read beside the messages' payloads. */
class WireTest {

  @ParameterizedTest
  @CsvSource({"a/b,a.b", "a/*/c,a.*.c", "a/**,a.>", "**,>", "*,*", "a/*/**,a.*.>"})
  void patternsBecomeSubjectsAndBack(String pattern, String subject) {
    assertThat(Subjects.of(pattern)).isEqualTo(subject);
    assertThat(Subjects.pattern(subject)).isEqualTo(pattern);
  }

  @ParameterizedTest
  @ValueSource(strings = {"one", "$SYS.x", "a..b", "a.b c", "a.é", "a.>", "a.*", "a.b/c.", "", "."})
  void strangeSubjectsAreNoAddresses(String subject) {
    assertThat(Subjects.address(subject)).isNull();
  }

  @ParameterizedTest
  @ValueSource(strings = {"", " ", "  ", "a", " a", "a ", "100%", "%25", "%20", " % ", "%%2520 "})
  void headerValuesSurviveTrimming(String value) {
    assertThat(HeaderText.decode(HeaderText.encode(value).strip())).isEqualTo(value);
  }

  @Test
  void refusalsAreUnderstood() {
    Refusal publish =
        Objects.requireNonNull(
            Refusals.ofError("Permissions Violation for Publish to \"fl.b.up.logs\""));
    assertThat(publish.address()).isEqualTo("fl/b/up/logs");
    assertThat(publish.cause().code()).isEqualTo("send-not-permitted");
    Refusal queue =
        Objects.requireNonNull(
            Refusals.ofError(
                "Permissions Violation for Subscription to \"fl.>\" using queue \"q\""));
    assertThat(queue.address()).isEqualTo("fl/**");
    Refusal expired = Objects.requireNonNull(Refusals.ofError("User Authentication Expired"));
    assertThat(expired.address()).isNull();
    assertThat(expired.cause().code()).isEqualTo("credential-expired");
    assertThat(Refusals.ofError("Unknown Protocol Operation")).isNull();
  }

  @Test
  void headersAreReadAsFarAsTheyCanBe() {
    IncomingHeadersProcessor read =
        headers("NATS/1.0\r\nfl-v:1\r\nflawed\r\n:x\r\nb:  two words \r\nempty:\r\n\r\n");
    assertThat(read.getStatus()).isNull();
    assertThat(read.getHeaders().keySet()).containsExactlyInAnyOrder("fl-v", "b", "empty");
    assertThat(read.getHeaders().getFirst("b")).isEqualTo("two words");
    assertThat(headers("NATS/1.0 503 No Responders\r\n\r\n").getStatus().getCode()).isEqualTo(503);
  }

  @Test
  void noBytesMakeTheReaderThrow() {
    Random random = new Random(7);
    byte[] seed = "NATS/1.0 100 x\r\na: b\r\nc:d\r\n\r\n".getBytes(ISO_8859_1);
    for (int i = 0; i < 20_000; i++) {
      byte[] bent = Arrays.copyOf(seed, random.nextInt(seed.length + 1));
      for (int flips = random.nextInt(4); flips > 0 && bent.length > 0; flips--) {
        bent[random.nextInt(bent.length)] = (byte) random.nextInt(256);
      }
      assertThat(new IncomingHeadersProcessor(bent).getSerializedLength()).isEqualTo(bent.length);
    }
  }

  @Test
  void windowIsBoundedByMessagesAndBytesAndTakesOneOfAnySize() {
    OutgoingWindow window = new OutgoingWindow();
    assertThat(window.take(OutgoingWindow.MAX_BYTES * 2)).isTrue();
    assertThat(window.take(1)).isFalse();
    window.incrementOut(OutgoingWindow.MAX_BYTES * 2);
    window.incrementOut(6); // a PING
    assertThat(window.messages()).isZero();
    for (int i = 0; i < OutgoingWindow.MAX_MESSAGES; i++) {
      assertThat(window.take(1)).isTrue();
    }
    assertThat(window.take(1)).isFalse();
  }

  private static IncomingHeadersProcessor headers(String text) {
    return new IncomingHeadersProcessor(text.getBytes(ISO_8859_1));
  }
}
