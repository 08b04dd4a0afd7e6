// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.transport.vsock;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import dev.fairlead.transport.access.Grant;
import dev.fairlead.transport.api.Message;
import dev.fairlead.transport.vsock.wire.Messages;
import dev.fairlead.transport.vsock.wire.Wire;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;

/** A real hub under hostile input: it neither falls nor grows, and serves others all the while. */
class HubFuzzTest {

  private static final boolean FULL = Boolean.getBoolean("fairlead.full");

  /** Connections that say something that cannot be. */
  private static final int CONNECTIONS = FULL ? 100_000 : 1_500;

  /** Frames that are well-formed, and ask for what is not permitted. */
  private static final int REQUESTS = FULL ? 1_000_000 : 30_000;

  private static final long GROWTH_KIB = 150_000;

  @Test
  void itNeitherFallsNorGrows() throws Exception {
    long seed = Long.getLong("fuzz.seed", System.nanoTime());
    System.getLogger("fuzz").log(System.Logger.Level.INFO, "-Dfuzz.seed={0}", "" + seed);
    Random random = new Random(seed);
    try (HubProcess hub = HubProcess.start()) {
      String hostile = credential(hub, "hostile", "fl/hostile/up/**", "fl/hostile/down/**");
      String echo = credential(hub, "echo", "fl/echo/**", "fl/echo/**");
      long before = 0;
      try (RawEnd honest = new RawEnd(hub.socket()).hello(echo, 1 << 30)) {
        honest.await(Wire.WELCOME);
        honest.subscribe(1, "fl/echo/**");
        connections(hub, hostile, random, CONNECTIONS / 4, honest); // its heap finds its size
        before = hub.resident();
        for (int i = 0; i < 4; i++) {
          connections(hub, hostile, random, CONNECTIONS / 4, honest);
          requests(hub, hostile, random, REQUESTS / 4, honest);
          serves(honest, "round " + i);
        }
      } catch (IOException e) {
        throw new AssertionError("The honest end was harmed, by -Dfuzz.seed=" + seed, e);
      }
      assertThat(hub.isAlive()).as("after -Dfuzz.seed=%d", seed).isTrue();
      assertThat(hub.resident() - before)
          .as("KiB by which it has grown, after -Dfuzz.seed=%d", seed)
          .isLessThan(GROWTH_KIB);
    }
  }

  private static void connections(
      HubProcess hub, String credential, Random random, int count, RawEnd honest)
      throws IOException {
    for (int i = 0; i < count; i++) {
      if (i % 100 == 0) {
        honest.ping().await(Wire.PONG);
      }
      try (RawEnd end = new RawEnd(hub.socket())) {
        try {
          int stage = random.nextInt(3);
          if (stage > 0) {
            end.hello(stage == 1 ? Integer.toHexString(random.nextInt()) : credential, 1000);
          }
          byte[] noise = new byte[1 + random.nextInt(300)];
          random.nextBytes(noise);
          if (random.nextBoolean() && noise.length > 8) {
            // A head that could be, and a body that is not what it says.
            ByteBuffer.wrap(noise)
                .putInt(0, random.nextInt(2000))
                .put(4, (byte) random.nextInt(14));
          }
          end.channel.write(ByteBuffer.wrap(noise));
        } catch (IOException e) {
          assertThat(hub.isAlive()).as("the hub lives").isTrue();
        }
      }
    }
  }

  private static void requests(
      HubProcess hub, String credential, Random random, int count, RawEnd honest)
      throws IOException {
    int done = 0;
    while (done < count) {
      try (RawEnd end = new RawEnd(hub.socket()).hello(credential, random.nextInt(1 << 20))) {
        end.await(Wire.WELCOME);
        for (int i = 0; i < 500; i++) {
          request(end, random, i);
        }
        end.out.flush();
        end.ping().await(Wire.PONG);
        done += 500;
      }
      honest.ping().await(Wire.PONG);
    }
  }

  private static void request(RawEnd end, Random random, int i) throws IOException {
    switch (random.nextInt(4)) {
      case 0 -> {
        Message foreign = new Message("fl/echo/up/x" + i, new byte[random.nextInt(100)]);
        end.out.begin(Wire.SEND, Messages.size(foreign));
        Messages.put(foreign, end.out);
        end.out.end();
      }
      case 1 -> {
        String pattern = "fl/echo/" + (random.nextBoolean() ? "**" : "a" + i);
        end.out.begin(Wire.SUBSCRIBE, 4 + pattern.length()).put4(i).text(pattern).end();
      }
      case 2 -> end.out.begin(Wire.UNSUBSCRIBE, 4).put4(random.nextInt()).end();
      default -> end.out.begin(Wire.CREDIT, 4).put4(random.nextInt()).end();
    }
  }

  private static void serves(RawEnd honest, String text) throws IOException {
    honest.send(new Message("fl/echo/up/x", text.getBytes(UTF_8)));
    ByteBuffer body = honest.await(Wire.MESSAGE);
    body.position(6);
    assertThat(new String(Messages.read(body).bytes(), UTF_8)).isEqualTo(text);
  }

  private static String credential(HubProcess hub, String subject, String send, String receive) {
    return hub.issuer()
        .issue(new Grant(subject, List.of(send), List.of(receive)), Duration.ofHours(1))
        .content();
  }
}
