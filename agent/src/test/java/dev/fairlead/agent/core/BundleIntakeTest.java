// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.agent.core;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.fairlead.agent.run.Digests;
import dev.fairlead.delivery.BundleUpdater;
import dev.fairlead.delivery.DeliveryException;
import dev.fairlead.protocol.BundleRequest;
import dev.fairlead.protocol.Command;
import dev.fairlead.transport.api.TransportException.Category;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.function.UnaryOperator;
import org.awaitility.Awaitility;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class BundleIntakeTest {

  private static final int SIZE = 2 * BundleRequest.PIECE + 77;

  @TempDir Path directory;

  private final byte[] jar = new byte[SIZE];
  private final List<BundleRequest> asked = new CopyOnWriteArrayList<>();
  private final List<BundleRequest.Outcome> told = new CopyOnWriteArrayList<>();
  private final List<byte[]> updated = new CopyOnWriteArrayList<>();
  private volatile UnaryOperator<byte[]> bend = piece -> piece;
  private volatile boolean answering = true;
  private volatile @Nullable Throwable failure;
  private volatile @Nullable BundleUpdater updater = new FakeUpdater();
  private @Nullable BundleIntake intake;

  private final class FakeUpdater implements BundleUpdater {

    @Override
    public List<Standing> list() {
      return List.of(new Standing("a.b", "0.1.0", "active"));
    }

    @Override
    public Outcome update(Order order, Set<String> permitted, Path folder) {
      assertThat(permitted).containsExactly(order.sha256());
      try {
        updated.add(Files.readAllBytes(order.jar()));
      } catch (IOException e) {
        throw new UncheckedIOException(e);
      }
      if (failure instanceof RuntimeException e) {
        throw e;
      }
      if (failure instanceof Error e) {
        throw e;
      }
      return new Outcome("0.1.0", 0);
    }
  }

  @BeforeAll
  static void bePatient() {
    Awaitility.setDefaultTimeout(Duration.ofSeconds(60)); // a busy machine is late
  }

  BundleIntakeTest() {
    new Random(7).nextBytes(jar);
  }

  private BundleIntake intake(String... measured) {
    BundleIntake made =
        new BundleIntake(
            List.of(measured),
            directory.resolve("bundles"),
            () -> updater,
            this::ask,
            (order, outcome) -> told.add(outcome),
            System::nanoTime);
    intake = made;
    return made;
  }

  @AfterEach
  void end() {
    if (intake != null) {
      intake.close();
    }
    await()
        .untilAsserted(
            () ->
                assertThat(Thread.getAllStackTraces().keySet())
                    .noneMatch(thread -> thread.getName().equals("fairlead-agent-bundle")));
  }

  private CompletionStage<byte[]> ask(BundleRequest request, Duration patience) {
    asked.add(request);
    if (!answering) {
      return new CompletableFuture<>();
    }
    if (request instanceof BundleRequest.Piece piece) {
      int at = (int) piece.offset();
      return CompletableFuture.completedFuture(
          bend.apply(Arrays.copyOfRange(jar, at, at + piece.length(SIZE))));
    }
    return CompletableFuture.completedFuture(new byte[0]);
  }

  private String digest() {
    return HexFormat.of().formatHex(Digests.sha2().digest(jar));
  }

  private Command.Bundle order(String id) {
    return new Command.Bundle(id, "a.b", "0.1.1", SIZE, digest());
  }

  private BundleRequest.Outcome outcome() {
    await().until(() -> !told.isEmpty());
    assertThat(told).hasSize(1);
    return told.get(0);
  }

  private void refused(String code) {
    assertThat(outcome().done()).isFalse();
    assertThat(outcome().code()).isEqualTo(code);
    assertThat(outcome().message()).isNotEmpty();
  }

  @Test
  void takesWhatIsMeasuredPieceByPiece() {
    intake(digest()).obey(order("1"), false);
    assertThat(outcome().done()).isTrue();
    assertThat(outcome().from()).isEqualTo("0.1.0");
    assertThat(updated).containsExactly(jar);
    assertThat(asked)
        .containsExactly(
            new BundleRequest.Piece("1", 0),
            new BundleRequest.Piece("1", BundleRequest.PIECE),
            new BundleRequest.Piece("1", 2L * BundleRequest.PIECE));
    assertThat(directory.resolve("bundles")).isEmptyDirectory();
  }

  @Test
  void asksForNothingThatIsNotMeasured() {
    intake("0".repeat(64)).obey(order("1"), false);
    refused("not-measured");
    told.clear();
    intake().obey(order("2"), false);
    refused("not-measured");
    assertThat(asked).isEmpty();
    assertThat(directory.resolve("bundles")).doesNotExist();
  }

  @ParameterizedTest
  @ValueSource(ints = {-1, 1, 1_000_000, Integer.MIN_VALUE})
  void aPieceOfAnotherLengthIsTheEnd(int more) {
    bend = piece -> Arrays.copyOf(piece, Math.max(0, piece.length + more));
    intake(digest()).obey(order("1"), false);
    refused("bad-piece");
    assertThat(updated).isEmpty();
    assertThat(asked).hasSize(1);
    assertThat(directory.resolve("bundles")).isEmptyDirectory();
  }

  @Test
  void whatIsNotTheJarIsNotLookedInto() {
    bend =
        piece -> {
          byte[] bent = piece.clone();
          bent[bent.length - 1]++;
          return bent;
        };
    intake(digest()).obey(order("1"), false);
    refused("wrong-digest");
    assertThat(updated).isEmpty();
    assertThat(directory.resolve("bundles")).isEmptyDirectory();
  }

  @Test
  void whatTheUpdaterSaysIsTold() {
    failure = new DeliveryException(Category.BROKEN, "self-check-failed", "It fails.");
    BundleIntake made = intake(digest());
    made.obey(order("1"), false);
    refused("self-check-failed");
    assertThat(made.isUnderWay()).isFalse();
    told.clear();
    failure = new NoClassDefFoundError("planted");
    made.obey(order("2"), false);
    refused("internal");
    told.clear();
    failure = new StackOverflowError("planted");
    made.obey(order("2b"), false);
    refused("internal");
    told.clear();
    failure = null;
    made.obey(order("3"), false);
    assertThat(outcome().done()).isTrue();
  }

  @Test
  void onlyOneChangeAtATime() {
    BundleIntake made = intake(digest());
    made.obey(order("1"), true);
    refused("change-under-way");
    told.clear();
    answering = false;
    made.obey(order("2"), false);
    await().until(() -> asked.size() == 1);
    assertThat(made.isUnderWay()).isTrue();
    made.obey(order("3"), false);
    refused("change-under-way");
    assertThat(updated).isEmpty();
  }

  @Test
  void whereNobodyChangesBundlesItIsSaid() {
    updater = null;
    BundleIntake made = intake(digest());
    made.obey(order("1"), false);
    refused("no-updater");
    made.list(new Command.Bundles("2"));
    assertThat(asked).containsExactly(new BundleRequest.Listing("2", List.of()));
  }

  @Test
  void saysWhichBundlesThereAre() {
    intake().list(new Command.Bundles("1"));
    assertThat(asked)
        .containsExactly(
            new BundleRequest.Listing(
                "1", List.of(new BundleRequest.Listing.Standing("a.b", "0.1.0", "active"))));
  }

  @Test
  void anEndInTheMiddleLeavesNothing() {
    answering = false;
    BundleIntake made = intake(digest());
    made.obey(order("1"), false);
    await().until(() -> asked.size() == 1);
    made.close();
    await().until(() -> !made.isUnderWay());
    assertThat(updated).isEmpty();
    assertThat(directory.resolve("bundles")).isEmptyDirectory();
  }
}
