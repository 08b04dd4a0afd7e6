// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.protocol;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.fairlead.protocol.json.JsonObject;
import dev.fairlead.protocol.json.ProtocolException;
import java.net.URI;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class MessagesTest {

  static final Instant NOW = Instant.parse("2026-11-01T12:00:00.123456789Z");
  static final String SHA = "0123456789abcdef".repeat(4);

  @Test
  void aLogRecordIsOneReadableLine() {
    LogRecord record = new LogRecord(NOW, LogRecord.Level.INFO, "stdout", "a \"b\"\n\té😀", "c-1");
    assertThat(new String(record.toJson(), UTF_8))
        .isEqualTo(
            "{\"timestamp\":\"2026-11-01T12:00:00.123456789Z\",\"level\":\"INFO\",\"source\":\"stdout\",\"message\":\"a"
                + " \\\"b\\\"\\n"
                + "\\té😀\",\"computation_id\":\"c-1\"}");
    assertThat(LogRecord.parse(record.toJson())).isEqualTo(record);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "0001-01-01T00:00:00Z", "1969-12-31T23:59:59.999999999Z", "1970-01-01T00:00:00Z",
        "2000-02-29T12:34:56Z", "2023-12-31T23:59:59Z", "2024-02-29T00:00:00Z",
        "2100-03-01T00:00:00Z", "9999-12-31T23:59:59.5Z"
      })
  void timesSurvive(String text) {
    Instant time = Instant.parse(text);
    LogRecord record = new LogRecord(time, LogRecord.Level.DEBUG, "agent", "", "c");
    assertThat(LogRecord.parse(record.toJson()).timestamp()).isEqualTo(time);
  }

  @Test
  void timesOfOneSecondAndOfAnotherDoNotMix() {
    for (int i = 0; i < 2000; i++) {
      Instant time = NOW.plusNanos(i * 700_000_001L).minusSeconds(i % 3 * 86_399L);
      byte[] line = new LogRecord(time, LogRecord.Level.DEBUG, "agent", "", "c").toJson();
      assertThat(LogRecord.parse(line).timestamp()).isEqualTo(time);
    }
  }

  @Test
  void anIdIsOneSegmentThatBeginsWithNoUnderscore() {
    for (char c = 0; c < 300; c++) {
      boolean fits = Character.toString(c).matches("[A-Za-z0-9_-]");
      assertThat(Addresses.isSegment("a" + c)).as("%d", (int) c).isEqualTo(fits);
      assertThat(Addresses.isId(Character.toString(c))).isEqualTo(fits && c != '_');
    }
    assertThat(Addresses.isSegment("")).isFalse();
    assertThat(Addresses.isSegment("x".repeat(64))).isTrue();
    assertThat(Addresses.isSegment("x".repeat(65))).isFalse();
  }

  @Test
  void everyMessageSurvives() {
    Event event =
        new Event(
            "Running", "InProgress", NOW, "c", "agent", JsonObject.builder().put("n", 1).build());
    assertThat(Event.parse(event.toJson())).isEqualTo(event);
    Heartbeat heartbeat =
        new Heartbeat(
            "c",
            "e1",
            7,
            NOW,
            Duration.ofSeconds(5),
            AgentState.RUNNING,
            Duration.ofMinutes(1),
            new Heartbeat.Backlog(1, 2, 3),
            new Heartbeat.Load(100, 200, 0.25),
            "0.1.0");
    assertThat(Heartbeat.parse(heartbeat.toJson())).isEqualTo(heartbeat);
    Hello hello =
        new Hello("c", "e1", NOW, AgentState.IDLE, Duration.ofSeconds(1), "nats", SHA, "0.1.0");
    assertThat(Hello.parse(hello.toJson())).isEqualTo(hello);
    Hello first =
        new Hello("c", "e1", NOW, AgentState.IDLE, Duration.ofSeconds(1), "nats", null, "0.1.0");
    assertThat(Hello.parse(first.toJson())).isEqualTo(first);
    Lost lost = new Lost("c", "e1");
    assertThat(Lost.parse(lost.toJson())).isEqualTo(lost);
    ManifestEnvelope envelope = new ManifestEnvelope("123-2", "{\"id\":\"123\"}".getBytes(UTF_8));
    assertThat(ManifestEnvelope.parse(envelope.toJson())).isEqualTo(envelope);
    for (Command command :
        List.of(
            new Command.Credential("1", "nats", "secret", NOW),
            new Command.Stop("2", "why"),
            new Command.Shadow("3", "mqtt", "secret", NOW, Command.Inject.NONE),
            new Command.Shadow("3", "mqtt", "secret", NOW, new Command.Inject(1, 2, 100, 7)),
            new Command.ShadowEnd("4"),
            new Command.Bundle("5", "dev.fairlead.transport.nats", "0.1.1", 773_642, SHA),
            new Command.Bundles("6"))) {
      assertThat(Command.parse(command.toJson())).isEqualTo(command);
    }
    for (BundleRequest request :
        List.of(
            new BundleRequest.Piece("5", 3L * BundleRequest.PIECE),
            new BundleRequest.Outcome("5", true, null, null, "0.1.0", 0, 1234),
            new BundleRequest.Outcome("5", false, "not-measured", "It is not.", null, 0, 0),
            new BundleRequest.Listing(
                "6", List.of(new BundleRequest.Listing.Standing("a.b", "0.1.0", "active"))))) {
      assertThat(BundleRequest.parse(request.toJson())).isEqualTo(request);
    }
    for (Request request :
        List.of(
            new Request.Register(new byte[] {1, 2}),
            new Request.Renew("c"),
            new Request.Ended("c", "KILLED", "signal-9"))) {
      assertThat(Request.parse(request.toJson())).isEqualTo(request);
    }
    Registration registration =
        new Registration(
            "c",
            SHA,
            List.of(new TransportFact("nats", URI.create("tls://localhost:4222"), SHA)),
            "secret",
            NOW);
    for (Reply reply :
        List.of(new Reply.Ok(registration.toJson()), new Reply.Refusal("no", "Not now."))) {
      assertThat(Reply.parse(reply.toJson())).isEqualTo(reply);
    }
    assertThat(
            Registration.parse(
                ((Reply.Ok) Reply.parse(new Reply.Ok(registration.toJson()).toJson())).result()))
        .isEqualTo(registration);
  }

  @Test
  void ofBundlesOnlyWhatFitsIsTaken() {
    for (String bent :
        List.of(
            "{\"op\":\"piece\",\"command\":\"5\",\"offset\":1}",
            "{\"op\":\"piece\",\"command\":\"5\",\"offset\":-65536}",
            "{\"op\":\"piece\",\"command\":\"5\",\"offset\":8388608}",
            "{\"op\":\"piece\",\"command\":\"\",\"offset\":0}",
            "{\"op\":\"outcome\",\"command\":\"5\",\"done\":false,\"others_refreshed\":0,\"millis\":1}",
            "{\"op\":\"outcome\",\"command\":\"5\",\"done\":true,\"code\":\"x\",\"others_refreshed\":0,\"millis\":1}",
            "{\"op\":\"listing\",\"command\":\"6\",\"bundles\":[{\"bundle\":\"a b\",\"version\":\"1\",\"state\":\"x\"}]}",
            "{\"op\":\"listing\",\"command\":\"6\",\"bundles\":["
                + "{\"bundle\":\"a\",\"version\":\"1\",\"state\":\"x\"},".repeat(40)
                + "{}]}",
            "{\"op\":\"other\",\"command\":\"5\"}")) {
      assertThatThrownBy(() -> BundleRequest.parse(bent.getBytes(UTF_8)))
          .as(bent)
          .isInstanceOf(ProtocolException.class);
    }
    String good = new String(new Command.Bundle("5", "a.b", "1.0", 7, SHA).toJson(), UTF_8);
    for (String bent :
        List.of(
            good.replace(":7,", ":0,"),
            good.replace(":7,", ":8388609,"),
            good.replace("a.b", "a/b"),
            good.replace("1.0", "1 0"),
            good.replace(SHA, SHA.toUpperCase(java.util.Locale.ROOT)))) {
      assertThatThrownBy(() -> Command.parse(bent.getBytes(UTF_8)))
          .as(bent)
          .isInstanceOf(ProtocolException.class);
    }
    assertThat(new BundleRequest.Piece("5", BundleRequest.PIECE).length(BundleRequest.PIECE + 9L))
        .isEqualTo(9);
    assertThat(new BundleRequest.Piece("5", BundleRequest.PIECE).length(9)).isZero();
  }

  @Test
  void secretsAreNotInTheText() {
    assertThat(new Command.Credential("1", "nats", "hush", NOW).toString()).doesNotContain("hush");
    assertThat(new Command.Shadow("1", "nats", "hush", NOW, Command.Inject.NONE).toString())
        .doesNotContain("hush");
    assertThat(
            new Registration(
                    "c", SHA, List.of(new TransportFact("n", URI.create("a:b"), null)), "hush", NOW)
                .toString())
        .doesNotContain("hush");
  }

  @Test
  void anEnvelopeWithOneOtherByteIsRefused() {
    String json =
        new String(new ManifestEnvelope("c", "{\"id\":\"1\"}".getBytes(UTF_8)).toJson(), UTF_8);
    String other = json.replace("eyJpZCI6IjEifQ==", "eyJpZCI6IjIifQ==");
    assertThat(other).isNotEqualTo(json);
    assertThatThrownBy(() -> ManifestEnvelope.parse(other.getBytes(UTF_8)))
        .isInstanceOfSatisfying(
            ProtocolException.class, e -> assertThat(e.code()).isEqualTo("digest-mismatch"));
  }

  @Test
  void addressesFollowThePlan() {
    Addresses agent = Addresses.ofComputation("fl", "123");
    assertThat(agent.stream(Addresses.LOGS)).isEqualTo("fl/123/up/logs");
    assertThat(agent.acks("logs")).isEqualTo("fl/123/down/acks/logs");
    assertThat(agent.sends()).containsExactly("fl/123/up/**");
    assertThat(agent.receives()).containsExactly("fl/123/down/**");
    Addresses host = Addresses.ofHost("fl", "a");
    assertThat(host.requests()).isEqualTo("fl/_host-a/up/requests");
    assertThat(host.receives()).containsExactly("fl/_host-a/down/**", "fl/*/up/hello");
    assertThat(host.isHost()).isTrue();
    Addresses collector = Addresses.ofCollector("fl");
    assertThat(collector.sends()).containsExactly("fl/*/down/**");
    assertThat(collector.receives()).containsExactly("fl/_collector/down/**", "fl/*/up/**");
    assertThat(Addresses.readerReceives("fl")).containsExactly("fl/*/up/**");
    assertThat(Addresses.parse("fl/123/up/logs")).contains(agent);
    assertThat(Addresses.parse("fl/123/sideways/logs")).isEmpty();
    assertThat(Addresses.parse("fl/1*/up/logs")).isEmpty();
    for (String bad : List.of("", "_x", "a b", "a/b", "a,b", "é", "x".repeat(65))) {
      assertThatThrownBy(() -> Addresses.ofComputation("fl", bad))
          .isInstanceOf(ProtocolException.class);
    }
  }
}
