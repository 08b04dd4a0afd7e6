// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.transport.vsock;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.fairlead.transport.access.Grant;
import dev.fairlead.transport.api.Message;
import dev.fairlead.transport.vsock.wire.Messages;
import dev.fairlead.transport.vsock.wire.Wire;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** A hub that has stood still finds out late who is gone, and must not say it late. */
@Timeout(120)
class StalledHubTest {

  private static final Duration HOUR = Duration.ofHours(1);
  private static final int CREDIT = 1 << 30;

  /** Longer than an end may be quiet that comes in anew, and shorter than it may be in any case. */
  private static final Duration STALL = Duration.ofMillis(2_050);

  @ParameterizedTest
  @ValueSource(booleans = {true, false})
  void lastWillComesBeforeWhatTheSameEndSaysNow(boolean seenToEnd) throws Exception {
    List<String> came = List.of();
    for (int attempt = 1; came.isEmpty(); attempt++) {
      try {
        came = saidAfterAStall(seenToEnd);
      } catch (IOException e) {
        // Where all is late, the hub takes the collector for dead as well: once more.
        assertThat(attempt).isLessThan(5);
      }
    }
    assertThat(came).containsExactly("will", "back");
  }

  private static List<String> saidAfterAStall(boolean seenToEnd) throws IOException {
    try (HubProcess hub = HubProcess.start()) {
      Grant readsAll = new Grant("_collector", List.of("fl/*/down/**"), List.of("fl/*/up/**"));
      String own = issue(hub, new Grant("a", HubProcess.up("a"), List.of()));
      try (RawEnd collector = let(hub, issue(hub, readsAll)).subscribe(1, "fl/*/up/**");
          RawEnd old = let(hub, own)) {
        old.lastWill(message("will")).ping().await(Wire.PONG);
        collector.ping().await(Wire.PONG);
        hub.stall();
        long since = System.nanoTime();
        if (seenToEnd) {
          old.channel.close();
        }
        try (RawEnd back = new RawEnd(hub.socket())) {
          back.out.greet();
          back.out.begin(Wire.HELLO, 4 + own.length()).put4(CREDIT).text(own).end();
          back.send(message("back"));
          await().until(() -> System.nanoTime() - since > STALL.toNanos());
          hub.resume();
          List<String> came = new ArrayList<>();
          while (came.size() < 2) {
            ByteBuffer body = collector.await(Wire.MESSAGE);
            body.position(2 + 4 * body.getShort(0));
            came.add(new String(Messages.read(body).bytes(), UTF_8));
          }
          return came;
        }
      }
    }
  }

  private static Message message(String text) {
    return new Message("fl/a/up/logs", text.getBytes(UTF_8));
  }

  private static String issue(HubProcess hub, Grant grant) {
    return hub.issuer().issue(grant, HOUR).content();
  }

  private static RawEnd let(HubProcess hub, String credential) throws IOException {
    RawEnd end = new RawEnd(hub.socket()).hello(credential, CREDIT);
    end.await(Wire.WELCOME);
    return end;
  }
}
