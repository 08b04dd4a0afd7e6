// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.bundles;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import dev.fairlead.delivery.BundleUpdater;
import dev.fairlead.delivery.DeliveryException;
import dev.fairlead.transport.api.TransportException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Set;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

class GuestUpdaterTest {

  @TempDir private Path folder;
  private Framework felix;
  private BundleUpdater updater;

  @BeforeEach
  void start() throws Exception {
    felix = new Framework(folder);
    updater = new GuestUpdater(felix.context(), Duration.ofSeconds(5));
  }

  @AfterEach
  void stop() throws Exception {
    felix.close();
  }

  private BundleUpdater.Outcome update(byte[] jar, String name, String version, String... permitted)
      throws Exception {
    Path coming = Files.write(folder.resolve("coming.jar"), jar);
    return updater.update(
        new BundleUpdater.Order(name, version, Digests.of(jar), coming),
        Set.of(permitted),
        folder.resolve("guest"));
  }

  private DeliveryException refusal(byte[] jar, String name, String version, String... permitted) {
    return catchThrowableOfType(
        DeliveryException.class, () -> update(jar, name, version, permitted));
  }

  @Test
  void takesWhatIsPermittedTwiceInARow() throws Exception {
    byte[] jar = FakeJar.of("1.0.1").bytes();
    assertThat(update(jar, FakeJar.NAME, "1.0.1", Digests.of(jar)).from()).isEqualTo("1.0.0");
    assertThat(felix.carrying()).isEqualTo("1.0.1");
    assertThat(updater.list())
        .containsExactly(new BundleUpdater.Standing(FakeJar.NAME, "1.0.1", "active"));
    byte[] next = FakeJar.of("1.1").bytes();
    assertThat(update(next, FakeJar.NAME, "1.1", Digests.of(next)).from()).isEqualTo("1.0.1");
    assertThat(felix.carrying()).isEqualTo("1.1.0");
  }

  @Test
  void takesNothingElse() throws Exception {
    byte[] jar = FakeJar.of("1.0.1").bytes();
    DeliveryException failure = refusal(jar, FakeJar.NAME, "1.0.1");
    assertThat(failure.code()).isEqualTo("not-measured");
    assertThat(failure.category()).isEqualTo(TransportException.Category.REFUSED);
    assertThat(refusal(jar, FakeJar.NAME, "1.0.1", "0".repeat(64)).code())
        .isEqualTo("not-measured");
    assertThat(refusal(jar, "another", "1.0.1", Digests.of(jar)).code()).isEqualTo("wrong-bundle");
    assertThat(refusal(jar, FakeJar.NAME, "1.0.2", Digests.of(jar)).code())
        .isEqualTo("wrong-bundle");
    assertThat(refusal(jar, FakeJar.NAME, "one", Digests.of(jar)).code()).isEqualTo("wrong-bundle");
    byte[] rubbish = {1, 2, 3};
    assertThat(refusal(rubbish, FakeJar.NAME, "1.0.1", Digests.of(rubbish)).code())
        .isEqualTo("no-bundle");
    assertThat(felix.carrying()).isEqualTo("1.0.0");
  }

  static Stream<Arguments> noGood() {
    return Stream.of(
        Arguments.of("not-resolved", FakeJar.of("1.0.1").importing("org.example.missing")),
        Arguments.of("not-started", FakeJar.of("1.0.1").fault("start")),
        Arguments.of("no-provider", FakeJar.of("1.0.1").fault("mute")),
        Arguments.of("self-check-failed", FakeJar.of("1.0.1").fault("credulous")),
        Arguments.of("link-failed", FakeJar.of("1.0.1").fault("dead")),
        Arguments.of("lacks-service", FakeJar.of("1.0.1").fault("poor")),
        Arguments.of("not-newer", FakeJar.of("1.0.0")));
  }

  /** Its digest is measured, and that is all that is good about it. */
  @ParameterizedTest
  @MethodSource("noGood")
  void whatIsNoGoodLeavesTheOldOneAndSaysWhy(String code, FakeJar bad) throws Exception {
    byte[] jar = bad.bytes();
    String version = code.equals("not-newer") ? "1.0.0" : "1.0.1";
    DeliveryException failure = refusal(jar, FakeJar.NAME, version, Digests.of(jar));
    assertThat(failure.code()).isEqualTo(code);
    assertThat(failure).hasMessageMatching("(?s).{20,}");
    assertThat(felix.carrying()).isEqualTo("1.0.0");
    assertThat(felix.board.connected()).isTrue();
    assertThat(updater.list())
        .as("nothing of it stays")
        .containsExactly(new BundleUpdater.Standing(FakeJar.NAME, "1.0.0", "active"));

    byte[] good = FakeJar.of("1.0.2").bytes();
    assertThat(update(good, FakeJar.NAME, "1.0.2", Digests.of(good)).from()).isEqualTo("1.0.0");
    assertThat(felix.carrying()).isEqualTo("1.0.2");
  }
}
