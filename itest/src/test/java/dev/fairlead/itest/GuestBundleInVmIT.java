// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.itest;

import static org.assertj.core.api.Assertions.assertThat;

import dev.fairlead.protocol.json.JsonObject;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * The bundle of a guest's transport is changed in a real VM while it says lines: a broken version
 * is not taken, a good one is. Over NATS; with {@code -Dfairlead.full=true} over all.
 */
final class GuestBundleInVmIT {

  @TempDir Path folder;

  static Stream<String> transports() {
    return Boolean.getBoolean("fairlead.full")
        ? Stream.of("nats", "mqtt", "vsock")
        : Stream.of("nats");
  }

  @BeforeAll
  static void bePatient() {
    Awaitility.setDefaultTimeout(Duration.ofMinutes(5)); // a busy machine is late
  }

  @AfterAll
  static void reset() {
    Awaitility.reset();
  }

  @ParameterizedTest
  @MethodSource("transports")
  void aGuestTakesWhatIsMeasuredWhileItsLinesFlow(String transport) throws Exception {
    Path own = Bundles.named("transport-" + transport);
    byte[] broken = NewerJar.of(own, "0.2.0", Map.of("Bundle-Activator", "no.such.Activator"));
    byte[] good = NewerJar.of(own, "0.1.1", Map.of());
    byte[] foreign = NewerJar.of(own, "0.3.0", Map.of());
    Path work = Files.createDirectories(folder.resolve("run"));
    Path up = Files.createDirectories(folder.resolve("host"));
    try (HostUp host = HostUp.withVms(up, transport, FlowingGuest.measured(List.of(broken, good)));
        FlowingGuest flow = FlowingGuest.start(work, host, transport, 50)) {
      flow.awaitMore();
      assertThat(flow.version()).isEqualTo("0.1.0");
      flow.refuses(foreign, "0.3.0", "not-measured");
      flow.refuses(broken, "0.2.0", "not-started");
      JsonObject change = flow.change(good, "0.1.1");
      assertThat(change.string("state")).as(change.toString()).isEqualTo("done");
      assertThat(change.integer("othersRefreshed", 0, 1000)).isZero();
      assertThat(flow.version()).isEqualTo("0.1.1");
      flow.awaitMore();
      flow.stop();
      flow.requireAllLines();
      assertThat(flow.events("Completed")).isEqualTo(1);
      assertThat(flow.events("Failed")).isEqualTo(2);
    }
  }
}
