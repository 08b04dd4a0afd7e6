// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.computations.parity;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import dev.fairlead.computations.parity.Finding.Kind;
import dev.fairlead.computations.parity.Verdict.Decision;
import dev.fairlead.protocol.json.Json;
import dev.fairlead.protocol.json.JsonObject;
import java.nio.ByteBuffer;
import java.security.MessageDigest;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.Collectors;
import java.util.stream.LongStream;
import org.junit.jupiter.api.RepeatedTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class ParityTest {

  private static final StreamKey LOGS = new StreamKey("123", "logs", "e1");
  private static final ParityLimits SMALL =
      new ParityLimits(8, 4, 16, 8, 4, Duration.ofSeconds(10), 1000);

  private long nanos;
  private Instant now = Instant.parse("2026-01-01T00:00:00Z");
  private Parity parity = parity(SMALL, false);
  private long turn;

  private Parity parity(ParityLimits limits, boolean redelivers) {
    Parity made = new Parity(limits, redelivers, () -> now, () -> nanos);
    made.follow("123", false);
    return made;
  }

  @Test
  void whatComesBothWaysAlikeIsSafe() {
    both(1, 20);

    Verdict verdict = parity.verdict();

    assertThat(verdict.decision()).isEqualTo(Decision.SAFE);
    assertThat(verdict.findings()).isEmpty();
    assertThat(verdict.sums()).isEqualTo(new Verdict.Sums(20, 0, 0));
    assertThat(verdict.windows()).isEqualTo(new Verdict.Windows(2, 0, 1));
    assertThat(verdict.records()).containsEntry("vsock", 20L).containsEntry("nats", 20L);
    assertThat(verdict.computations()).isEqualTo(1);
  }

  @Test
  void nothingIsUndecidedAndSoIsAComputationThatSendsNoCopies() {
    assertThat(parity.verdict().decision()).isEqualTo(Decision.UNDECIDED);
    original(1, 30);
    after(60);
    assertThat(parity.verdict().decision()).isEqualTo(Decision.UNDECIDED);
    assertThat(parity.verdict().findings()).isEmpty();
    assertThat(parity.hasCopies("123")).isFalse();
  }

  @Test
  void aRecordThatTheCopiesLackIsMissingOnceThereWasTime() {
    original(1, 10);
    copy(1, 4);
    copy(6, 10);
    assertThat(parity.verdict().sums().pending()).isEqualTo(1);
    assertThat(parity.verdict().decision()).isEqualTo(Decision.SAFE);

    after(10);

    assertThat(parity.verdict().decision()).isEqualTo(Decision.UNSAFE);
    assertThat(parity.verdict().findings())
        .containsExactly(new Finding(Kind.MISSING, LOGS, 5, "nats"));
    assertThat(parity.verdict().findings()).as("asked again").hasSize(1);
  }

  @Test
  void theFirstCopiesAreMissedAsWell() {
    original(1, 10);
    take(3, 10, "nats", 1, 0, "");
    after(10);
    assertThat(numbers(Kind.MISSING)).containsExactly(1L, 2L);
  }

  @Test
  void whatWasSentBeforeCopiesBeganIsNotCompared() {
    original(1, 40);
    take(31, 60, "nats", 31, 0, "");
    original(41, 60);
    after(10);
    assertThat(parity.verdict().decision()).isEqualTo(Decision.SAFE);
    assertThat(parity.verdict().sums()).isEqualTo(new Verdict.Sums(30, 0, 0));
  }

  @Test
  void aRecordThatTheOriginalsLackIsMissingOnlyWhenLaterOnesCame() {
    copy(1, 10);
    original(1, 6);
    after(60);
    assertThat(parity.verdict().decision()).as("the old way is silent").isEqualTo(Decision.SAFE);
    assertThat(parity.verdict().sums().pending()).isEqualTo(4);

    original(8, 10);
    after(10);

    assertThat(parity.verdict().findings())
        .containsExactly(new Finding(Kind.MISSING, LOGS, 7, "vsock"));
  }

  @Test
  void aRecordThatComesAfterItsWindowWasJudgedIsLate() {
    original(1, 16);
    copy(1, 2);
    copy(4, 16);
    after(10);
    assertThat(parity.verdict().decision()).isEqualTo(Decision.UNSAFE);

    copy(3, 3);

    Verdict verdict = parity.verdict();
    assertThat(verdict.findings()).containsExactly(new Finding(Kind.LATE, LOGS, 3, "nats"));
    assertThat(verdict.decision()).isEqualTo(Decision.SAFE);
    assertThat(verdict.count(Kind.MISSING)).isZero();
  }

  @Test
  void anAlteredRecordIsNamedAndSoIsOneThatComesLateAndAltered() {
    original(1, 16);
    copy(1, 4);
    take(5, 5, "nats", 1, 0, "x");
    copy(6, 11);
    copy(13, 16);
    after(10);
    assertThat(numbers(Kind.ALTERED)).containsExactly(5L);
    assertThat(numbers(Kind.MISSING)).containsExactly(12L);

    take(12, 12, "nats", 1, 0, "x");

    assertThat(numbers(Kind.ALTERED)).containsExactly(5L, 12L);
    assertThat(numbers(Kind.MISSING)).isEmpty();
  }

  @Test
  void oneSendingThatComesTwiceIsADuplicateAndAResentBatchIsNot() {
    take(1, 10, "vsock", 0, 1, "");
    take(1, 10, "nats", 1, 1, "");
    take(1, 10, "vsock", 0, 2, ""); // sent again: another turn
    assertThat(parity.verdict().decision()).isEqualTo(Decision.SAFE);
    assertThat(parity.verdict().resent()).isEqualTo(10);

    take(4, 4, "nats", 1, 1, "");

    assertThat(parity.verdict().decision()).isEqualTo(Decision.UNSAFE);
    assertThat(parity.verdict().findings())
        .containsExactly(new Finding(Kind.DUPLICATE, LOGS, 4, "nats"));
  }

  @Test
  void aDuplicateIsSeenAfterItsWindowWasJudged() {
    take(1, 8, "vsock", 0, 1, "");
    take(1, 8, "nats", 1, 1, "");
    both(9, 30);
    take(8, 8, "nats", 1, 1, "");
    assertThat(numbers(Kind.DUPLICATE)).containsExactly(8L);
  }

  @Test
  void wherePeersGiveAgainWhatTheyStoreThatIsNoDefect() {
    parity = parity(SMALL, true);
    take(1, 10, "vsock", 0, 1, "");
    take(1, 10, "nats", 1, 1, "");
    take(1, 10, "nats", 1, 1, "");
    assertThat(parity.verdict().decision()).isEqualTo(Decision.SAFE);
  }

  @Test
  void aResentRecordWithOtherBytesIsAltered() {
    both(1, 6);
    take(4, 4, "vsock", 0, 77, "other");
    assertThat(parity.verdict().findings())
        .containsExactly(new Finding(Kind.ALTERED, LOGS, 4, "vsock"));
  }

  @Test
  void whatWasUnderWayWhenTheCopiesConnectionBrokeSaysNothing() {
    both(1, 10);
    original(11, 40);
    copy(31, 34); // over the new connection, before its sender has noticed
    gap(1, 30, "nats", 1);
    copy(35, 40);
    after(10);
    assertThat(parity.verdict().decision()).isEqualTo(Decision.SAFE);
    assertThat(parity.verdict().sums()).isEqualTo(new Verdict.Sums(20, 0, 20));
  }

  @Test
  void copiesThatBeganAnewSayNothingOfTheTimeBetween() {
    both(1, 10);
    original(11, 40);
    take(31, 40, "nats", 31, 0, "");
    after(10);
    assertThat(parity.verdict().sums()).isEqualTo(new Verdict.Sums(20, 0, 20));
  }

  @Test
  void whatWasUnderWayWhenThisSidesConnectionBrokeSaysNothingEither() {
    both(1, 10);
    parity.interrupted("nats");
    original(11, 20);
    copy(15, 20);
    after(10);
    assertThat(parity.verdict().decision()).isEqualTo(Decision.SAFE);
    assertThat(parity.verdict().sums().skipped()).isEqualTo(4);
  }

  @Test
  void whatTheSenderLeftOutSaysNothing() {
    original(1, 20);
    copy(1, 8);
    gap(9, 12, "nats", 1);
    copy(13, 20);
    after(10);
    assertThat(parity.verdict().decision()).isEqualTo(Decision.SAFE);
    assertThat(parity.verdict().sums()).isEqualTo(new Verdict.Sums(16, 0, 4));
  }

  @Test
  void whoResumesLeavesOutWhatAnEarlierFollowerSaw() {
    parity = new Parity(SMALL, false, () -> now, () -> nanos);
    parity.follow("123", true);
    original(5, 10); // 1 to 4 were stored before, their copies come now
    copy(1, 10);
    after(10);
    both(11, 12);
    both(13, 40);
    after(10);
    assertThat(parity.verdict().decision()).isEqualTo(Decision.SAFE);
    assertThat(parity.verdict().sums().compared()).isBetween(26L, 30L);
  }

  @Test
  void windowsAreForgottenWhenThereAreTooManyAndSayNothingThen() {
    copy(1, 2);
    original(1, 4000);
    assertThat(parity.verdict().windows().open()).isLessThanOrEqualTo(4);
    assertThat(parity.verdict().findings()).isEmpty();
    copy(3, 4000);
    after(10);
    assertThat(parity.verdict().findings()).as("too late to be compared").isEmpty();
    both(4001, 4100);
    assertThat(parity.verdict().decision()).isEqualTo(Decision.SAFE);
  }

  @Test
  void aLeapOfTheNumbersTakesNoRoom() {
    both(1, 10);
    long far = 900_000_000_000_000L;
    take(far, far + 3, "vsock", 0, 0, "");
    take(far, far + 3, "nats", 1, 0, "");
    gap(20, far - 1, "vsock", 0);
    assertThat(parity.verdict().windows().open()).isLessThanOrEqualTo(4);
    assertThat(parity.verdict().sums().compared()).isEqualTo(14);
  }

  @Test
  void whoIsLeftIsComparedNoMoreAndStaysInTheVerdict() {
    both(1, 20);
    original(21, 30);
    copy(21, 25);
    copy(27, 28);
    parity.leave("123");
    both(40, 50);
    Verdict verdict = parity.verdict();
    assertThat(verdict.findings()).containsExactly(new Finding(Kind.MISSING, LOGS, 26, "nats"));
    assertThat(verdict.sums()).isEqualTo(new Verdict.Sums(27, 0, 2));
    assertThat(verdict.records()).containsEntry("vsock", 30L).containsEntry("nats", 27L);
    assertThat(parity.followed()).isEmpty();
  }

  @Test
  void onlySoManyStreamsAreComparedAndFindingsNamed() {
    parity = parity(new ParityLimits(8, 4, 16, 1, 1, Duration.ofSeconds(10), 2), false);
    both(1, 8);
    parity.take(arrival(new StreamKey("123", "logs", "e2"), 1, 8, "vsock", 0, 0, ""));
    assertThat(parity.verdict().records()).containsEntry("vsock", 8L);
    original(9, 16);
    take(9, 16, "nats", 1, 0, "bad");
    Verdict verdict = parity.verdict();
    assertThat(verdict.count(Kind.ALTERED)).isEqualTo(8);
    assertThat(verdict.findings()).hasSize(2);
    assertThat(verdict.toJson().integer("findings_left_out", 0, 99)).isEqualTo(6);
  }

  @Test
  void whatComesOverTheLineThatTakesAnothersPlaceIsNotTwice() {
    both(1, 10);
    Arrival copy = arrival(LOGS, 11, 20, "nats", 1, 7, "");
    Arrival same =
        new Arrival(LOGS, "nats", 2, 11, 10, copy.payload(), false, copy.turn(), copy.copiedFrom());
    original(11, 20);
    parity.take(copy);
    parity.take(same);
    assertThat(parity.verdict().decision()).isEqualTo(Decision.SAFE);
    parity.take(same);
    assertThat(numbers(Kind.DUPLICATE)).as("twice over one line").hasSize(10);
  }

  @Test
  void aLossOfTheConnectionThatIsToldLateExcusesWhatIsLackingByThen() {
    both(1, 10);
    original(11, 30);
    copy(21, 25); // over the new connection, before anybody said that there was an old one
    parity.interrupted("nats");
    copy(26, 30);
    original(31, 40);
    copy(31, 35);
    copy(37, 40);
    after(10);
    assertThat(numbers(Kind.MISSING)).as("what was lost later is missing").containsExactly(36L);
    assertThat(parity.verdict().sums().skipped()).isEqualTo(10);
  }

  @Test
  void whoHasEndedIsJudgedByWhatCameAndNotAwaited() {
    both(1, 20);
    parity.follow("124", false);
    parity.follow("125", false);
    parity.take(arrival(of("125", "e1"), 1, 8, "vsock", 0, 0, ""));
    parity.take(arrival(of("125", "e1"), 1, 3, "nats", 1, 0, ""));
    parity.take(arrival(of("125", "e1"), 5, 6, "nats", 1, 0, ""));
    assertThat(parity.verdict().decision()).as("124 is silent").isEqualTo(Decision.UNDECIDED);

    parity.runIsOver("124");
    assertThat(parity.verdict().decision()).isEqualTo(Decision.SAFE);
    assertThat(parity.verdict().uncompared()).as("it never spoke").isZero();
    parity.runIsOver("125");
    after(4);
    assertThat(parity.followed()).as("what is on its way still counts").contains("125");
    after(5);

    assertThat(parity.followed()).containsExactly("123");
    assertThat(parity.verdict().findings())
        .containsExactly(new Finding(Kind.MISSING, of("125", "e1"), 4, "nats"));
    assertThat(parity.verdict().sums()).isEqualTo(new Verdict.Sums(25, 0, 2));
  }

  @Test
  void whatWhoHasEndedHadNoTimeToSendAgainIsNotMissing() {
    both(1, 10);
    copy(11, 20);
    original(15, 20);
    parity.runIsOver("123");
    after(30);
    assertThat(parity.verdict().decision()).isEqualTo(Decision.SAFE);
    assertThat(parity.verdict().sums()).isEqualTo(new Verdict.Sums(16, 0, 4));
  }

  @Test
  void whoIsStartedAgainBeginsAnew() {
    both(1, 10);
    parity.runIsOver("123");
    parity.follow("123", false);
    assertThat(parity.hasCopies("123")).isFalse();
    assertThat(parity.verdict().decision()).isEqualTo(Decision.UNDECIDED);
    parity.take(arrival(of("123", "e2"), 1, 8, "vsock", 0, 0, ""));
    parity.take(arrival(of("123", "e2"), 1, 8, "nats", 1, 0, ""));
    assertThat(parity.verdict().decision()).isEqualTo(Decision.SAFE);
    assertThat(parity.verdict().sums().compared()).isEqualTo(18);
  }

  @Test
  void whereMoreHaveEndedUncomparedThanWereComparedNothingIsDecided() {
    both(1, 10);
    for (String id : List.of("a", "b")) {
      parity.follow(id, false);
      after(11);
      both(11, 12);
      parity.take(arrival(of(id, "e1"), 1, 8, "vsock", 0, 0, "")); // and no copies
      parity.runIsOver(id);
      after(6);
    }
    Verdict verdict = parity.verdict();
    assertThat(verdict.uncompared()).isEqualTo(2);
    assertThat(verdict.decision()).isEqualTo(Decision.UNDECIDED);
    assertThat(verdict.reason()).contains("2 computations have ended");
    parity.follow("c", false);
    parity.take(arrival(of("c", "e1"), 1, 8, "vsock", 0, 0, ""));
    parity.take(arrival(of("c", "e1"), 1, 8, "nats", 1, 0, ""));
    assertThat(parity.verdict().decision()).isEqualTo(Decision.SAFE);
  }

  @Test
  void whoBeginsNumberingsWithoutEndIsUndecidedAndTakesNoRoomFromOthers() {
    parity.follow("hostile", false);
    for (int i = 0; i < 100; i++) {
      parity.take(arrival(of("hostile", "e" + i), 1, 16, "vsock", 0, 0, ""));
      parity.take(arrival(of("hostile", "e" + i), 1, 1, "nats", 1, 0, ""));
    }
    both(1, 30);
    Verdict verdict = parity.verdict();
    assertThat(verdict.sums().compared()).isEqualTo(30 + 2);
    assertThat(verdict.windows().open()).isLessThanOrEqualTo(4 + 1);
    assertThat(verdict.decision()).isEqualTo(Decision.UNDECIDED);
    assertThat(verdict.reason()).contains("such as hostile");

    parity.runIsOver("hostile");
    after(6);
    assertThat(parity.verdict().uncompared()).isEqualTo(1);
    assertThat(parity.verdict().decision()).isEqualTo(Decision.SAFE);
  }

  @RepeatedTest(20)
  void whatComesWhileItsComputationIsLeftTakesNoRoomForEver() throws Exception {
    parity = parity(new ParityLimits(8, 8, 16, 8, 8, Duration.ofSeconds(10), 10), false);
    AtomicInteger go = new AtomicInteger();
    List<Thread> threads = new ArrayList<>();
    for (int t = 0; t < 2; t++) {
      String epoch = "t" + t;
      Thread thread =
          new Thread(
              () -> {
                for (int i = 0; i < 500; i++) {
                  parity.take(arrival(of("x", epoch + i), 1, 1, "vsock", 0, 0, ""));
                  go.incrementAndGet();
                }
              });
      thread.start();
      threads.add(thread);
    }
    while (go.get() < 900) {
      parity.follow("x", false);
      Thread.onSpinWait();
      parity.leave("x");
    }
    for (Thread thread : threads) {
      thread.join();
    }
    parity.leave("x");
    parity.follow("y", false);
    for (int i = 0; i < 8; i++) {
      parity.take(arrival(of("y", "e" + i), 1, 1, "vsock", 0, 0, ""));
      parity.take(arrival(of("y", "e" + i), 1, 1, "nats", 1, 0, ""));
    }
    assertThat(parity.verdict().sums().compared()).as("all of its streams").isEqualTo(8);
  }

  @Test
  void copiesThatEndAreNoCopiesWhileOriginalsGoOn() {
    both(1, 10);
    after(60);
    assertThat(parity.hasCopies("123")).as("it says nothing at all").isTrue();
    original(11, 12);
    assertThat(parity.hasCopies("123")).isFalse();
    copy(11, 11);
    assertThat(parity.hasCopies("123")).isTrue();
  }

  private static StreamKey of(String computation, String epoch) {
    return new StreamKey(computation, "logs", epoch);
  }

  @Test
  void aWindowsHashCanBeComputedFromTheStoredRecords() throws Exception {
    both(1, 8);
    MessageDigest sha256 = MessageDigest.getInstance("SHA-256");
    ByteBuffer all = ByteBuffer.allocate(8 * 16);
    for (long n = 1; n <= 8; n++) {
      byte[] one = MessageDigest.getInstance("SHA-256").digest(("record " + n).getBytes(UTF_8));
      all.putLong(n).put(one, 0, 8);
    }
    JsonObject window = parity.verdict().evidence().get(0);
    assertThat(window.bool("equal")).isTrue();
    assertThat(window.object("copy").string("hash", 64))
        .isEqualTo(HexFormat.of().formatHex(sha256.digest(all.array())))
        .isEqualTo(window.object("original").string("hash", 64));
  }

  @Test
  void theDocumentCanBeReadAgain() {
    both(1, 15);
    original(16, 16);
    take(16, 16, "nats", 1, 0, "bad");
    JsonObject read = Json.parseObject(parity.verdict().toJson().toBytes(), 1 << 20);
    assertThat(read.string("verdict")).isEqualTo("unsafe");
    JsonObject finding = read.objects("findings").get(0);
    assertThat(finding.string("kind")).isEqualTo("altered");
    assertThat(finding.string("computation")).isEqualTo("123");
    assertThat(finding.string("stream")).isEqualTo("logs");
    assertThat(finding.integer("number", 1, 99)).isEqualTo(16);
    assertThat(read.object("records").integer("nats", 0, 99)).isEqualTo(16);
    assertThat(read.object("counts").integer("altered", 0, 9)).isEqualTo(1);
  }

  /**
   * Defects by chance on the copies' way, honest trouble on both; what is found is what was done.
   */
  @ParameterizedTest
  @ValueSource(longs = {1, 2, 3, 4, 5, 6, 7, 8})
  void findsExactlyWhatWasDone(long seeds) {
    for (long seed = seeds * 100; seed < seeds * 100 + 50; seed++) {
      Random random = new Random(seed);
      parity = parity(new ParityLimits(16, 64, 128, 4, 4, Duration.ofSeconds(10), 1000), false);
      Set<Long> dropped = new LinkedHashSet<>();
      Set<Long> altered = new LinkedHashSet<>();
      Set<Long> doubled = new LinkedHashSet<>();
      List<Runnable> resends = new ArrayList<>();
      long next = 1;
      turn = 0;
      for (int step = 0; step < 60; step++) {
        long first = next;
        long last = first + random.nextInt(20);
        next = last + 1;
        long mine = ++turn;
        boolean lost = random.nextInt(10) == 0;
        if (lost || random.nextInt(10) == 0) {
          resends.add(() -> take(first, last, "vsock", 0, ++turn, ""));
        }
        if (!lost) {
          take(first, last, "vsock", 0, mine, "");
        }
        long copy = 1;
        int fate = random.nextInt(40);
        if (fate == 0) {
          gap(first, last, "nats", copy);
        } else {
          long bad = first + random.nextInt((int) (last - first + 1));
          int defect = random.nextInt(30);
          take(first, bad - 1, "nats", copy, mine, "");
          if (defect == 0) {
            dropped.add(bad);
          } else {
            take(bad, bad, "nats", copy, mine, defect == 1 ? "bad" : "");
            if (defect == 1) {
              altered.add(bad);
            } else if (defect == 2) {
              take(bad, bad, "nats", copy, mine, "");
              doubled.add(bad);
            }
          }
          take(bad + 1, last, "nats", copy, mine, "");
        }
        if (random.nextInt(4) == 0) {
          resends.forEach(Runnable::run);
          resends.clear();
        }
        nanos += random.nextInt(1_000_000_000);
      }
      resends.forEach(Runnable::run);
      both(next, next + 40);
      after(10);
      assertThat(numbers(Kind.MISSING)).as("missing, seed %d", seed).isEqualTo(dropped);
      assertThat(numbers(Kind.ALTERED)).as("altered, seed %d", seed).isEqualTo(altered);
      assertThat(numbers(Kind.DUPLICATE)).as("duplicate, seed %d", seed).isEqualTo(doubled);
      parity.leave("123");
      assertThat(numbers(Kind.MISSING)).as("left, seed %d", seed).isEqualTo(dropped);
    }
  }

  private Set<Long> numbers(Kind kind) {
    return parity.verdict().findings().stream()
        .filter(finding -> finding.kind() == kind)
        .map(Finding::number)
        .collect(Collectors.toSet());
  }

  private void after(int seconds) {
    nanos += Duration.ofSeconds(seconds).toNanos();
    now = now.plusSeconds(seconds);
    parity.tick();
  }

  private void both(long first, long last) {
    original(first, last);
    copy(first, last);
  }

  private void original(long first, long last) {
    take(first, last, "vsock", 0, 0, "");
  }

  private void copy(long first, long last) {
    take(first, last, "nats", 1, 0, "");
  }

  private void take(long first, long last, String transport, long copy, long sent, String mark) {
    if (last >= first) {
      parity.take(arrival(LOGS, first, last, transport, copy, sent, mark));
    }
  }

  private void gap(long first, long last, String transport, long copy) {
    parity.take(
        new Arrival(
            LOGS, transport, 1, first, last - first + 1, ByteBuffer.allocate(0), true, 0, copy));
  }

  private static Arrival arrival(
      StreamKey key, long first, long last, String transport, long copy, long sent, String mark) {
    byte[] payload =
        LongStream.rangeClosed(first, last)
            .mapToObj(n -> "record " + n + mark)
            .collect(Collectors.joining("\n"))
            .getBytes(UTF_8);
    return new Arrival(
        key, transport, 1, first, last - first + 1, ByteBuffer.wrap(payload), false, sent, copy);
  }
}
