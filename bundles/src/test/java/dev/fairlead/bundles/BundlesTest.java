// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.bundles;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import dev.fairlead.transport.api.Transport.State;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.function.Supplier;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import org.osgi.framework.Bundle;
import org.osgi.framework.BundleException;

class BundlesTest {

  @TempDir private Path folder;
  private Framework felix;

  @BeforeEach
  void start() throws Exception {
    felix = new Framework(folder);
  }

  @AfterEach
  void stop() throws Exception {
    felix.close();
  }

  private static Proof proof(byte[] jar) {
    return new Proof(Digests.of(jar), null);
  }

  private Change update(byte[] jar) {
    return felix.bundles().update(jar, proof(jar), false);
  }

  private ChangeException refusal(byte[] jar) {
    return catchThrowableOfType(ChangeException.class, () -> update(jar));
  }

  /** Nothing of a change that failed is left. */
  private void assertUntouched() throws Exception {
    assertThat(felix.bundle(FakeJar.NAME).getVersion()).hasToString("1.0.0");
    assertThat(felix.bundle(FakeJar.NAME).getState()).isEqualTo(Bundle.ACTIVE);
    assertThat(felix.carrying()).isEqualTo("1.0.0");
    assertThat(felix.board.state()).isEqualTo(State.CONNECTED);
    assertThat(felix.shelf.choices()).isEmpty();
    Path jars = folder.resolve("shelf/jars");
    if (Files.isDirectory(jars)) {
      assertThat(jars).isEmptyDirectory();
    }
  }

  @Test
  void aNewerVersionTakesThePlaceOfTheOld() throws Exception {
    Bundle old = felix.bundle(FakeJar.NAME);
    Change change = update(FakeJar.of("1.0.1").bytes());
    assertThat(change.done()).isTrue();
    assertThat(change.closure()).containsExactly(FakeJar.NAME + " 1.0.0");
    assertThat(change.links()).isEqualTo(1);
    assertThat(change.othersRefreshed()).isZero();
    assertThat(old.getState()).isEqualTo(Bundle.UNINSTALLED);
    assertThat(felix.bundle(FakeJar.NAME).getVersion()).hasToString("1.0.1");
    assertThat(felix.carrying()).isEqualTo("1.0.1");
    assertThat(felix.board.swaps()).isEqualTo(1);
    assertThat(felix.outcomes).containsExactly(FakeJar.NAME + " 1.0.0 1.0.1 0 ");
  }

  @Test
  void aDryRunChangesNothing() throws Exception {
    byte[] jar = FakeJar.of("1.0.1").bytes();
    Change change = felix.bundles().update(jar, proof(jar), true);
    assertThat(change.done()).isFalse();
    assertThat(change.closure()).containsExactly(FakeJar.NAME + " 1.0.0");
    assertUntouched();
    assertThat(felix.outcomes).isEmpty();
  }

  static Stream<Arguments> badJars() {
    return Stream.of(
        Arguments.of("not-started", FakeJar.of("1.1.0").fault("start")),
        Arguments.of("no-provider", FakeJar.of("1.1.0").fault("mute")),
        Arguments.of("self-check-failed", FakeJar.of("1.1.0").fault("name")),
        Arguments.of("self-check-failed", FakeJar.of("1.1.0").fault("incapable")),
        Arguments.of("self-check-failed", FakeJar.of("1.1.0").fault("credulous")),
        Arguments.of("self-check-failed", FakeJar.of("1.1.0").fault("crude")),
        Arguments.of("link-failed", FakeJar.of("1.1.0").fault("dead")),
        Arguments.of("lacks-service", FakeJar.of("1.1.0").fault("poor")),
        Arguments.of("not-resolved", FakeJar.of("1.1.0").importing("org.example.missing")),
        Arguments.of("not-newer", FakeJar.of("1.0.0")),
        Arguments.of("not-newer", FakeJar.of("0.9.9")),
        Arguments.of("unknown-bundle", FakeJar.of("1.1.0").with("Bundle-SymbolicName", "other")),
        Arguments.of("not-a-transport", FakeJar.of("1.1.0").with("Provide-Capability", null)),
        Arguments.of("no-bundle", FakeJar.of("1.1.0").with("Bundle-SymbolicName", null)),
        Arguments.of("no-bundle", FakeJar.of("1.1.0").with("Fragment-Host", FakeJar.NAME)),
        Arguments.of("no-bundle", FakeJar.of("one")));
  }

  @ParameterizedTest
  @MethodSource("badJars")
  void aBadJarLeavesTheOldOne(String code, FakeJar jar) throws Exception {
    ChangeException failure = refusal(jar.bytes());
    assertThat(failure).isNotNull();
    assertThat(failure.code()).isEqualTo(code);
    assertUntouched();
    // And a good one is taken afterwards.
    assertThat(update(FakeJar.of("1.2.0").bytes()).done()).isTrue();
    assertThat(felix.carrying()).isEqualTo("1.2.0");
  }

  @Test
  void aChoiceThatCannotBeWrittenLeavesTheOldOne() throws Exception {
    Path inTheWay = Files.createDirectories(folder.resolve("shelf/chosen.new"));
    assertThat(refusal(FakeJar.of("1.1.0").bytes()).code()).isEqualTo("state-not-written");
    assertUntouched();
    Files.delete(inTheWay);
    assertThat(update(FakeJar.of("1.1.0").bytes()).done()).isTrue();
    assertThat(felix.carrying()).isEqualTo("1.1.0");
  }

  @Test
  void bytesThatAreNoJarAreRefused() throws Exception {
    assertThat(refusal(new byte[] {1, 2, 3}).code()).isEqualTo("no-bundle");
    assertUntouched();
  }

  @Test
  void aWrongDigestIsRefused() throws Exception {
    byte[] jar = FakeJar.of("1.1.0").bytes();
    ChangeException failure =
        catchThrowableOfType(
            ChangeException.class, () -> felix.bundles().update(jar, proof(new byte[0]), false));
    assertThat(failure.code()).isEqualTo("wrong-digest");
    assertUntouched();
  }

  /** The new transport and another bundle need one another: to change one is to refresh both. */
  @Test
  void aCircleWithAnotherBundleIsRefused() throws Exception {
    Bundle other =
        felix.install(
            "other",
            FakeJar.of("1.0.0")
                .with("Bundle-SymbolicName", "circle")
                .with("Bundle-Activator", null)
                .with("Provide-Capability", null)
                .with("Import-Package", "one.side")
                .with("Export-Package", "other.side")
                .bytes());
    ChangeException failure =
        refusal(
            FakeJar.of("1.1.0").importing("other.side").with("Export-Package", "one.side").bytes());
    assertThat(failure.code()).isEqualTo("refresh-closure");
    assertThat(failure).hasMessageContaining("circle 1.0.0");
    assertThat(other.getState()).isEqualTo(Bundle.INSTALLED);
    assertUntouched();
  }

  /** Somebody uses the old one's classes: to let go of them would be to refresh him. */
  @Test
  void aBundleThatOthersHangOnIsNotChanged() throws Exception {
    update(
        FakeJar.of("1.0.1")
            .with("Export-Package", "dev.fairlead.bundles.fake;version=1.0.1")
            .bytes());
    Bundle user =
        felix.install(
            "user",
            FakeJar.of("1.0.0")
                .with("Bundle-SymbolicName", "user")
                .with("Bundle-Activator", null)
                .with("Provide-Capability", null)
                .with("Import-Package", "dev.fairlead.bundles.fake")
                .bytes());
    user.start();
    ChangeException failure = refusal(FakeJar.of("1.0.2").bytes());
    assertThat(failure.code()).isEqualTo("refresh-closure");
    assertThat(failure).hasMessageContaining("user 1.0.0");
    assertThat(user.getState()).isEqualTo(Bundle.ACTIVE);
    assertThat(felix.carrying()).isEqualTo("1.0.1");
  }

  @Test
  void theVersionBeforeComesBack() throws Exception {
    update(FakeJar.of("1.0.1").bytes());
    Change change = felix.bundles().rollback(FakeJar.NAME, false);
    assertThat(change.from()).isEqualTo("1.0.1");
    assertThat(change.to()).isEqualTo("1.0.0");
    assertThat(felix.carrying()).isEqualTo("1.0.0");
    // And once more, forward.
    assertThat(felix.bundles().rollback(FakeJar.NAME, false).to()).isEqualTo("1.0.1");
  }

  @Test
  void withoutAVersionBeforeThereIsNoWayBack() throws Exception {
    ChangeException failure =
        catchThrowableOfType(
            ChangeException.class, () -> felix.bundles().rollback(FakeJar.NAME, false));
    assertThat(failure.code()).isEqualTo("nothing-to-go-back-to");
    assertUntouched();
  }

  @Test
  void whatIsOnlyInstalledIsReplacedWithoutBeingStarted() throws Exception {
    felix.bundle(FakeJar.NAME).stop();
    update(FakeJar.of("1.0.1").fault("start").bytes());
    assertThat(felix.bundle(FakeJar.NAME).getVersion()).hasToString("1.0.1");
    assertThat(felix.bundle(FakeJar.NAME).getState()).isEqualTo(Bundle.RESOLVED);
  }

  @Test
  void anUpdateSurvivesAStart() throws Exception {
    Path own = folder.resolve("own.jar");
    assertThat(felix.shelf.over(own)).isEqualTo(own);
    byte[] jar = FakeJar.of("1.0.1").bytes();
    update(jar);
    Path chosen = new Shelf(folder.resolve("shelf")).over(own);
    assertThat(Files.readAllBytes(chosen)).isEqualTo(jar);
    // A jar that was damaged meanwhile is not used.
    Files.write(chosen, new byte[] {0});
    assertThat(felix.shelf.over(own)).isEqualTo(own);
  }

  @Test
  void aDeploymentThatBringsANewerOneWins() throws Exception {
    update(FakeJar.of("1.0.1").bytes());
    Path newer = Files.write(folder.resolve("newer.jar"), FakeJar.of("1.0.2").bytes());
    assertThat(felix.shelf.over(newer)).isEqualTo(newer);
  }

  @Test
  void twoChangesAtOnceAreOneTooMany() throws Exception {
    CompletableFuture<Void> reached = new CompletableFuture<>();
    CompletableFuture<Void> go = new CompletableFuture<>();
    felix.holdLinks(
        (old, next) -> {
          reached.complete(null);
          return go;
        });
    Bundles bundles = felix.bundles();
    byte[] jar = FakeJar.of("1.0.1").bytes();
    Supplier<Change> change = () -> bundles.update(jar, proof(jar), false);
    CompletableFuture<Change> first = CompletableFuture.supplyAsync(change);
    reached.get(60, TimeUnit.SECONDS);
    ChangeException failure = catchThrowableOfType(ChangeException.class, change::get);
    assertThat(failure.code()).isEqualTo("change-under-way");
    go.complete(null);
    assertThat(first.get(60, TimeUnit.SECONDS).done()).isTrue();
  }

  @Test
  void afterTheEndNothingIsChanged() throws Exception {
    Bundles bundles = felix.bundles();
    bundles.close();
    byte[] jar = FakeJar.of("1.0.1").bytes();
    assertThat(
            catchThrowableOfType(
                    ChangeException.class, () -> bundles.update(jar, proof(jar), false))
                .code())
        .isEqualTo("closing");
    assertUntouched();
  }

  /** One holder moved, the next cannot: the first is moved back. */
  @Test
  void linksThatMovedMoveBack() throws Exception {
    felix.holdLinks(
        (old, next) -> CompletableFuture.failedFuture(new IllegalStateException("planted")));
    ChangeException failure = refusal(FakeJar.of("1.0.1").bytes());
    assertThat(failure.code()).isEqualTo("link-failed");
    assertUntouched();
  }

  @Test
  void allTransportsAreListed() throws BundleException, IOException {
    assertThat(felix.bundles().list())
        .extracting(Bundles.Standing::bundle, Bundles.Standing::version, Bundles.Standing::state)
        .containsExactly(org.assertj.core.groups.Tuple.tuple(FakeJar.NAME, "1.0.0", "active"));
    update(FakeJar.of("1.0.1").bytes());
    Map<String, Shelf.Choice> choices = felix.shelf.choices();
    assertThat(choices).containsOnlyKeys(FakeJar.NAME);
    assertThat(felix.bundles().list().get(0).before()).isEqualTo("1.0.0");
  }
}
