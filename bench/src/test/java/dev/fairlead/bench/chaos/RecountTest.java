// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.bench.chaos;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The judge itself, with files that are crafted. */
class RecountTest {

  @TempDir Path folder;

  private final StringBuilder ledger = new StringBuilder();
  private final StringBuilder store = new StringBuilder();

  private RecountTest run(int run, long recovered) {
    ledger.append(
        "{\"computation\":\"c1\",\"stream\":\"logs\",\"epoch\":\"e1\",\"run\":%d,\"recovered\":%d}\n"
            .formatted(run, recovered));
    return this;
  }

  private RecountTest line(int run, long number, String hash, String level) {
    ledger.append(
        ("{\"computation\":\"c1\",\"stream\":\"logs\",\"epoch\":\"e1\",\"number\":%d,\"run\":%d,"
                + "\"sequence\":%d,\"hash\":\"%s\",\"level\":\"%s\"}\n")
            .formatted(number, run, number, hash, level));
    return this;
  }

  private RecountTest spooled(long... numbers) {
    for (long number : numbers) {
      line(1, number, hash(number), "SPOOLED");
    }
    return this;
  }

  private RecountTest stored(long number, String hash) {
    store.append(
        "{\"computation\":\"c1\",\"stream\":\"logs\",\"epoch\":\"e1\",\"number\":%d,\"hash\":\"%s\"}\n"
            .formatted(number, hash));
    return this;
  }

  private RecountTest stored(long... numbers) {
    for (long number : numbers) {
      stored(number, hash(number));
    }
    return this;
  }

  private static String hash(long number) {
    return Lines.hex(number * 0x9e3779b97f4a7c15L);
  }

  private Tally tally() throws IOException {
    Path one = Files.writeString(folder.resolve("ledger"), ledger);
    Path other = Files.writeString(folder.resolve("store"), store);
    return Recount.of(one, other);
  }

  @Test
  void allStoredOnceIsClean() throws IOException {
    Tally tally = run(1, 0).spooled(1, 2, 3).stored(1, 2, 3).tally();
    assertThat(tally.isClean()).isTrue();
    assertThat(tally.appended()).isEqualTo(3);
    assertThat(tally.stored()).isEqualTo(3);
    assertThat(tally.examples()).isEmpty();
  }

  @Test
  void missingLineIsLost() throws IOException {
    Tally tally = run(1, 0).spooled(1, 2, 3, 4).stored(1, 4).tally();
    assertThat(tally.isClean()).isFalse();
    assertThat(tally.lost()).isEqualTo(2);
    assertThat(tally.examples()).singleElement().asString().contains("number 2").contains("of 2");
  }

  @Test
  void missingEndIsLost() throws IOException {
    assertThat(run(1, 0).spooled(1, 2, 3).stored(1).tally().lost()).isEqualTo(2);
  }

  @Test
  void emptyStoreLosesAll() throws IOException {
    assertThat(run(1, 0).spooled(1, 2, 3).tally().lost()).isEqualTo(3);
  }

  @Test
  void lineStoredTwiceIsADuplicate() throws IOException {
    Tally tally = run(1, 0).spooled(1, 2).stored(1, 2, 2).tally();
    assertThat(tally.duplicates()).isEqualTo(1);
    assertThat(tally.lost()).isZero();
    assertThat(tally.isClean()).isFalse();
  }

  @Test
  void lineStoredAgainUnderALaterNumberIsNotTakenForGood() throws IOException {
    Tally tally = run(1, 0).spooled(1, 2).stored(1, 2).stored(3, hash(1)).tally();
    assertThat(tally.unknown()).isEqualTo(1);
    assertThat(tally.isClean()).isFalse();
  }

  @Test
  void earlierNumberBehindALaterOneIsReordered() throws IOException {
    Tally tally = run(1, 0).spooled(1, 2, 3).stored(1, 3, 2).tally();
    assertThat(tally.reordered()).isEqualTo(1);
    assertThat(tally.lost()).isZero();
    assertThat(tally.isClean()).isFalse();
  }

  @Test
  void otherContentIsAltered() throws IOException {
    Tally tally = run(1, 0).spooled(1, 2).stored(1).stored(2, hash(77)).tally();
    assertThat(tally.altered()).isEqualTo(1);
    assertThat(tally.lost()).isZero();
    assertThat(tally.isClean()).isFalse();
  }

  @Test
  void swappedContentIsAltered() throws IOException {
    assertThat(run(1, 0).spooled(1, 2).stored(1, hash(2)).stored(2, hash(1)).tally().altered())
        .isEqualTo(2);
  }

  @Test
  void lineThatNobodySaidIsUnknown() throws IOException {
    assertThat(run(1, 0).spooled(1).stored(1, 2).tally().unknown()).isEqualTo(1);
  }

  @Test
  void lineOfAnotherEpochIsUnknown() throws IOException {
    run(1, 0).spooled(1).stored(1);
    store.append(
        "{\"computation\":\"c1\",\"stream\":\"logs\",\"epoch\":\"e2\",\"number\":1,\"hash\":\"%s\"}\n"
            .formatted(hash(1)));
    assertThat(tally().unknown()).isEqualTo(1);
  }

  @Test
  void gapIsDroppedAndItsLinesAreLost() throws IOException {
    run(1, 0).spooled(1, 2, 3).stored(1);
    store.append(
        "{\"computation\":\"c1\",\"stream\":\"logs\",\"epoch\":\"e1\",\"gap\":\"not-kept\",\"first\":2,\"last\":3}\n");
    Tally tally = tally();
    assertThat(tally.dropped()).isEqualTo(2);
    assertThat(tally.lost()).isEqualTo(2);
  }

  @Test
  void damageIsNotClean() throws IOException {
    run(1, 0).spooled(1).stored(1);
    store.append("{\"damaged\":17}\n");
    Tally tally = tally();
    assertThat(tally.damagedBytes()).isEqualTo(17);
    assertThat(tally.isClean()).isFalse();
  }

  @Test
  void lineInFlightThatTheSpoolHeldMustBeStored() throws IOException {
    run(1, 0).spooled(1).line(1, 2, hash(2), "QUEUED").run(2, 2).stored(1);
    assertThat(tally().lost()).isEqualTo(1);
    assertThat(stored(2).tally().isClean()).isTrue();
  }

  @Test
  void lineInFlightThatTheSpoolDidNotHoldWasNeverAppended() throws IOException {
    run(1, 0).spooled(1).line(1, 2, hash(2), "INTENDED").run(2, 1).stored(1);
    Tally tally = tally();
    assertThat(tally.isClean()).isTrue();
    assertThat(tally.appended()).isEqualTo(1);
    assertThat(tally.inFlight()).isEqualTo(1);
    assertThat(tally.neverAppended()).isEqualTo(1);
  }

  @Test
  void lineThatTheSpoolDidNotHoldMustNotBeStored() throws IOException {
    run(1, 0).spooled(1).line(1, 2, hash(2), "QUEUED").run(2, 1).stored(1, 2);
    assertThat(tally().unknown()).isEqualTo(1);
  }

  @Test
  void numberOfALineThatWasNeverAppendedIsTheNextOnes() throws IOException {
    run(1, 0).spooled(1).line(1, 2, hash(2), "QUEUED").run(2, 1);
    line(2, 2, hash(99), "SPOOLED").stored(1);
    assertThat(stored(2, hash(99)).tally().isClean()).isTrue();
  }

  @Test
  void numberThatTheSpoolGaveTwiceIsALoss() throws IOException {
    run(1, 0).spooled(1, 2).run(2, 1);
    Tally tally = line(2, 2, hash(99), "SPOOLED").stored(1, 2).tally();
    assertThat(tally.lost()).isEqualTo(1);
    assertThat(tally.isClean()).isFalse();
  }

  @Test
  void lineInFlightOfTheLastRunMayBeStoredOnce() throws IOException {
    run(1, 0).spooled(1).line(1, 2, hash(2), "QUEUED").stored(1);
    assertThat(tally().isClean()).isTrue();
    assertThat(stored(2).tally().isClean()).isTrue();
    assertThat(stored(2).tally().duplicates()).isEqualTo(1);
  }

  @Test
  void orderOfTheLedgersRowsDoesNotMatter() throws IOException {
    run(2, 2).spooled(1).run(1, 0).line(1, 2, hash(2), "QUEUED").stored(1, 2);
    assertThat(tally().isClean()).isTrue();
  }

  @Test
  void rowThatMakesNoSenseIsRefusedWithItsPlace() {
    run(1, 0);
    List<String> bad =
        List.of(
            "x", "{}", "{\"computation\":\"c1\",\"stream\":\"logs\",\"epoch\":\"e1\",\"run\":0}");
    for (String row : bad) {
      int length = ledger.length();
      ledger.append(row).append('\n');
      assertThatThrownBy(this::tally).isInstanceOf(IOException.class).hasMessageContaining("Row 2");
      ledger.setLength(length);
    }
  }
}
