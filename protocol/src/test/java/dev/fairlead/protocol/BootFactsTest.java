// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.protocol;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.fairlead.protocol.BootFacts.Channel;
import dev.fairlead.protocol.BootFacts.HostFact;
import dev.fairlead.protocol.json.ProtocolException;
import java.net.URI;
import java.util.Base64;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class BootFactsTest {

  private static final String SHA = MessagesTest.SHA;
  private static final TransportFact NATS =
      new TransportFact("nats", URI.create("tls://broker.fairlead:4222"), SHA);
  private static final TransportFact MQTT =
      new TransportFact("mqtt", URI.create("mqtts://[::1]:8883"), null);
  private static final BootFacts FACTS =
      new BootFacts(
          "123",
          "fl",
          "nats",
          List.of(NATS, MQTT),
          Channel.INITRD,
          SHA,
          null,
          List.of(new HostFact("broker.fairlead", "10.0.2.100")));

  @Test
  void factsSurviveTheCommandLine() {
    assertThat(FACTS.toCommandLine())
        .isEqualTo(
            "fairlead.computation=123 fairlead.fleet=fl fairlead.transport=nats "
                + "fairlead.transports=nats=tls://broker.fairlead:4222#"
                + SHA
                + ",mqtt=mqtts://[::1]:8883#- fairlead.credential=initrd:"
                + SHA
                + " fairlead.hosts=broker.fairlead:10.0.2.100");
    assertThat(parse(FACTS.toCommandLine())).isEqualTo(FACTS);
    assertThat(parse("quiet console=null " + FACTS.toCommandLine() + " panic=-1\n"))
        .isEqualTo(FACTS);
    assertThat(FACTS.first()).isEqualTo(NATS);
  }

  @Test
  void theDigestsOfNewerTransportsSurviveTheCommandLine() {
    String other = "e".repeat(64);
    BootFacts facts =
        new BootFacts(
            "123",
            "fl",
            "nats",
            List.of(NATS),
            Channel.INITRD,
            SHA,
            null,
            List.of(),
            true,
            List.of(other, SHA));
    assertThat(facts.toCommandLine()).endsWith(" fairlead.bundles=" + other + "," + SHA);
    assertThat(parse(facts.toCommandLine())).isEqualTo(facts);
    assertThat(parse(FACTS.toCommandLine()).bundles()).as("none may come in").isEmpty();
    assertThat(parse(FACTS.toCommandLine() + " fairlead.bundles=").bundles()).isEmpty();
    for (String bent :
        List.of(
            "x",
            ",",
            SHA + ",",
            SHA + "," + SHA,
            SHA.substring(1),
            SHA + "0",
            "E".repeat(64),
            SHA + " fairlead.bundles=" + other,
            "%064x,".formatted(1)
                + "%064x,%064x,%064x,%064x,%064x,%064x,%064x,%064x"
                    .formatted(2, 3, 4, 5, 6, 7, 8, 9))) {
      refused(FACTS.toCommandLine() + " fairlead.bundles=" + bent);
    }
  }

  @Test
  void theSecretTravelsOnlyByItsOwnChannel() {
    String secret = "eyJ0 geheim\u00e9";
    BootFacts facts =
        new BootFacts(
            "123",
            "fl",
            "nats",
            List.of(NATS),
            Channel.CMDLINE,
            Limits.sha256(secret.getBytes(UTF_8)),
            secret,
            List.of());
    assertThat(parse(facts.toCommandLine())).isEqualTo(facts);
    assertThat(facts.toString()).doesNotContain("geheim");
    refused(facts.toCommandLine().replace("fairlead.secret=", "fairlead.secret=AAAA"));
    refused(facts.toCommandLine().replace("cmdline:", "initrd:"));
  }

  @Test
  void aWordCountsOnlyAtItsStart() {
    String line = FACTS.toCommandLine();
    assertThat(parse("x=fairlead.fleet=evil yfairlead.fleet=evil " + line)).isEqualTo(FACTS);
    assertThat(parse(line + " fairlead.unknown=1 fairlead.fleetx=2 fairlead. fairlead"))
        .isEqualTo(FACTS);
    refused(line + " fairlead.fleet=evil");
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "fairlead.computation=123",
        "fairlead.fleet=fl",
        "fairlead.transport=nats",
        "fairlead.credential=initrd:"
      })
  void aMissingOrBentFactIsRefused(String word) {
    String line = FACTS.toCommandLine();
    refused(line.replace(word, ""));
    refused(line.replace(word, word.substring(0, word.indexOf('=') + 1)));
    refused(line.replace(word, word.substring(0, word.indexOf('=') + 1) + "é"));
  }

  @Test
  void bentListsAreRefused() {
    String line = FACTS.toCommandLine();
    for (String bent :
        List.of(
            line.replace("nats=tls", "nats"),
            line.replace("mqtt=", "nats="),
            line.replace("#-", ""),
            line.replace("#-", "#xyz"),
            line.replace("mqtt=mqtts://", "mqtt=://"),
            line.replace("10.0.2.100", "10.0.2.256"),
            line.replace("10.0.2.100", "10.0.2"),
            line.replace("broker.fairlead:10", "bro ker:10"),
            line.replace("fairlead.hosts=", "fairlead.hosts=" + "a:1.1.1.1,".repeat(20)),
            line.replace("transport=nats", "transport=vsock"))) {
      refused(bent);
    }
    assertThatThrownBy(() -> BootFacts.parse(new byte[10 << 20]))
        .isInstanceOf(ProtocolException.class);
  }

  @Test
  void legacyFormsGiveTheExactComputation() {
    byte[] seed = Seeds.read("computation-seed.json");
    String json = new String(seed, UTF_8);
    String quoted = "\"" + json.replace("\\", "\\\\").replace("\"", "\\\"") + "\"";
    String base64 = Base64.getUrlEncoder().withoutPadding().encodeToString(seed);
    for (String form : List.of(json, quoted, base64)) {
      for (String line :
          List.of(
              "computation=" + form,
              "quiet computation=" + form + " panic=-1\n",
              "xcomputation={} a.computation={} computation=" + form)) {
        assertThat(LegacyCommandLine.computation(line.getBytes(UTF_8)))
            .as(line.substring(0, 30))
            .hasValueSatisfying(bytes -> assertThat(bytes).isEqualTo(seed));
      }
    }
    assertThat(LegacyCommandLine.computation("quiet xcomputation={}".getBytes(UTF_8))).isEmpty();
    byte[] umlaut = "computation={\"id\":\"1\",\"name\":\"é 😀\"} x".getBytes(UTF_8);
    assertThat(new String(LegacyCommandLine.computation(umlaut).orElseThrow(), UTF_8))
        .isEqualTo("{\"id\":\"1\",\"name\":\"é 😀\"}");
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "computation=", "computation= x", "computation={", "computation={\"id\":\"1\"",
        "computation=\"{\\\"id\\\"", "computation=\"x\"", "computation=%%%", "computation=AAAA"
      })
  void cutShortLegacyFormsAreRefused(String line) {
    assertThatThrownBy(() -> LegacyCommandLine.computation(line.getBytes(UTF_8)))
        .isInstanceOf(ProtocolException.class);
  }

  private static BootFacts parse(String line) {
    return BootFacts.parse(line.getBytes(UTF_8));
  }

  private static void refused(String line) {
    assertThatThrownBy(() -> parse(line)).isInstanceOf(ProtocolException.class);
  }
}
