// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.transport.mqtt;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.fairlead.transport.api.Message;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.Map;
import java.util.Random;
import org.eclipse.paho.mqttv5.common.packet.util.CountingInputStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** What goes over the wire, without a broker. */
class WireTest {

  private static final int MOST = 300_000;

  @ParameterizedTest
  @CsvSource({
    "fl/a/up/logs, fl/a/up/logs, fl/a/up/logs",
    "fl/*/up/**, fl/+/up/+/#, fl/+/up/#",
    "**, +/#, #",
    "*, +, +",
    "fl/*, fl/+, fl/+"
  })
  void patternsBecomeFilters(String pattern, String filter, String typed) {
    assertThat(Topics.filter(pattern)).isEqualTo(filter);
    assertThat(Topics.typed(pattern)).isEqualTo(typed);
  }

  @Test
  void packetsPassWhateverTheirLengthsAndHoweverTheyAreRead() throws IOException {
    long seed = new Random().nextLong();
    System.out.println("seed " + seed);
    Random random = new Random(seed);
    ByteArrayOutputStream sent = new ByteArrayOutputStream();
    for (int length : new int[] {0, 1, 127, 128, 16_383, 16_384, 65_536, MOST, 5}) {
      packet(sent, length, random);
    }
    PacketStream stream = new PacketStream(new ByteArrayInputStream(sent.toByteArray()), MOST);
    ByteArrayOutputStream got = new ByteArrayOutputStream();
    byte[] chunk = new byte[100_000];
    while (true) {
      if (random.nextBoolean()) {
        int value = stream.read();
        if (value < 0) {
          break;
        }
        got.write(value);
      } else {
        int from = random.nextInt(10);
        int count = stream.read(chunk, from, 1 + random.nextInt(chunk.length - from));
        if (count < 0) {
          break;
        }
        got.write(chunk, from, count);
      }
    }
    assertThat(got.toByteArray()).isEqualTo(sent.toByteArray());
  }

  @Test
  void packetBeyondTheLimitEndsTheConnection() throws IOException {
    ByteArrayOutputStream sent = new ByteArrayOutputStream();
    packet(sent, 10, new Random(1));
    packet(sent, MOST + 1, new Random(1));
    PacketStream stream = new PacketStream(new ByteArrayInputStream(sent.toByteArray()), MOST);
    assertThatThrownBy(stream::readAllBytes)
        .isInstanceOf(IOException.class)
        .hasMessageContaining("more than " + MOST);
    PacketStream endless =
        new PacketStream(
            new ByteArrayInputStream(new byte[] {0x30, -1, -1, -1, -1, 1, 2, 3}), MOST);
    assertThatThrownBy(endless::readAllBytes).isInstanceOf(IOException.class);
  }

  private static void packet(ByteArrayOutputStream to, int length, Random random) {
    to.write(0x30);
    int rest = length;
    do {
      to.write(rest > 127 ? (rest & 0x7f) | 0x80 : rest);
      rest >>= 7;
    } while (rest > 0);
    byte[] body = new byte[length];
    random.nextBytes(body);
    to.writeBytes(body);
  }

  @Test
  void countingStreamCountsAndIsReadInPieces() throws IOException {
    CountingInputStream stream = new CountingInputStream(new ByteArrayInputStream(new byte[100]));
    assertThat(stream.read(new byte[64], 0, 64)).isEqualTo(64);
    assertThat(stream.read()).isZero();
    assertThat(stream.getCounter()).isEqualTo(65);
    stream.resetCounter();
    assertThat(stream.read(new byte[64], 0, 64)).isEqualTo(35);
    assertThat(stream.read()).isEqualTo(-1);
    assertThat(stream.getCounter()).isEqualTo(35);
  }

  @Test
  void windowStaysBelowWhatTheBrokerLetsBeUnderWay() {
    Window window = new Window(20);
    for (int i = 0; i < 18; i++) {
      assertThat(window.take(1)).isTrue();
    }
    assertThat(window.take(1)).isFalse();
    window.give(1);
    assertThat(window.take(1)).isTrue();
    Window wide = new Window(null);
    assertThat(wide.take(100L << 20)).as("a single one of any size").isTrue();
    assertThat(wide.take(1)).isFalse();
    assertThat(new Window(1).take(1)).isTrue();
  }

  @Test
  void batchesGoAtQosZeroOnceTheirAddressIsKnownToBePermitted() {
    Message batch = new Message("a/b", Map.of("fl-first", "1"), ByteBuffer.allocate(0));
    Message event = new Message("a/b", new byte[0]);
    Batches batches = new Batches(0);
    assertThat(batches.qos(batch)).isEqualTo(1);
    assertThat(batches.qos(batch)).isEqualTo(1);
    batches.permitted("a/b");
    assertThat(batches.qos(event)).isEqualTo(1);
    int loud = 0;
    for (int i = 0; i < 10 * Batches.EVERY; i++) {
      loud += batches.qos(batch);
    }
    assertThat(loud).isEqualTo(10);
    batches.refused("a/b");
    assertThat(batches.qos(batch)).isEqualTo(1);
    Batches careful = new Batches(1);
    careful.permitted("a/b");
    assertThat(careful.qos(batch)).isEqualTo(1);
  }

  @Test
  void credentialHidesItsPassword() {
    MqttCredential credential = MqttCredential.parse("user.name:pass:word");
    assertThat(credential.user()).isEqualTo("user.name");
    assertThat(credential.password()).isEqualTo("pass:word");
    assertThat(credential.content()).isEqualTo("user.name:pass:word");
    assertThat(credential.toString()).doesNotContain("pass");
    for (String bad : new String[] {"", "x", ":x", "x:", "x:\u00e9"}) {
      assertThatThrownBy(() -> MqttCredential.parse(bad)).hasMessageContaining("not one for MQTT");
    }
  }
}
