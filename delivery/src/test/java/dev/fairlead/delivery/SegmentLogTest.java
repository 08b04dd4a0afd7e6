// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.delivery;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.TimeUnit;
import java.util.stream.IntStream;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class SegmentLogTest {

  private static final SegmentLog.Config CONFIG =
      SegmentLog.Config.of("test").withSyncInterval(Duration.ZERO);

  @Test
  void whatWasAppendedIsReadAgainAfterReopening(@TempDir Path folder) {
    List<String> written = new ArrayList<>();
    try (SegmentLog log = SegmentLog.open(Disk.of(folder), CONFIG.withSegmentBytes(64 * 1024))) {
      for (int i = 0; i < 300; i++) {
        written.add("entry " + i + "x".repeat(i * 7));
        append(log, written.get(i));
      }
      assertThat(read(log, 0)).isEqualTo(written);
    }
    try (SegmentLog log = SegmentLog.open(Disk.of(folder), CONFIG)) {
      assertThat(read(log, 0)).isEqualTo(written);
      assertThat(log.facts().tornBytes()).isZero();
      written.add("after");
      append(log, "after");
      assertThat(read(log, 0)).isEqualTo(written);
    }
    assertThat(folder.toFile().list()).hasSizeGreaterThan(3);
  }

  @Test
  void manyAppendsShareOneSync() {
    MemoryDisk disk = new MemoryDisk();
    try (SegmentLog log = SegmentLog.open(disk, CONFIG.withSyncInterval(Duration.ofMillis(20)))) {
      List<CompletableFuture<Long>> all = new ArrayList<>();
      for (int i = 0; i < 5000; i++) {
        all.add(log.append(bytes("e" + i)).toCompletableFuture());
      }
      CompletableFuture.allOf(all.toArray(CompletableFuture<?>[]::new)).join();
      assertThat(log.facts().entries()).isEqualTo(5000);
      assertThat(log.facts().syncs()).isLessThan(500);
    }
  }

  @Test
  void aTailTornAtAnyByteIsCutOffAndNothingElse() {
    MemoryDisk disk = new MemoryDisk();
    try (SegmentLog log = SegmentLog.open(disk, CONFIG)) {
      append(log, "one");
      append(log, "two, a little longer");
      append(log, "three");
    }
    String name = disk.names().get(0);
    byte[] whole = disk.content(name);
    int header = SegmentScanner.ENTRY_HEADER;
    int first = SegmentScanner.FILE_HEADER + header + "one".length();
    int second = first + header + "two, a little longer".length();
    for (int length = 0; length <= whole.length; length++) {
      MemoryDisk torn = new MemoryDisk();
      torn.put(name, Arrays.copyOf(whole, length));
      List<String> expected =
          length == whole.length
              ? List.of("one", "two, a little longer", "three")
              : length >= second
                  ? List.of("one", "two, a little longer")
                  : length >= first ? List.of("one") : List.of();
      try (SegmentLog log = SegmentLog.open(torn, CONFIG)) {
        assertThat(read(log, 0)).as("cut at %d", length).isEqualTo(expected);
        append(log, "next");
        List<String> more = new ArrayList<>(expected);
        more.add("next");
        assertThat(read(log, 0)).as("cut at %d", length).isEqualTo(more);
      }
      try (SegmentLog log = SegmentLog.open(torn, CONFIG)) {
        assertThat(read(log, 0)).last().isEqualTo("next");
        assertThat(log.facts().tornBytes()).isZero();
      }
    }
  }

  @Test
  void aFlippedByteCostsItsOwnEntryAlone() {
    MemoryDisk disk = new MemoryDisk();
    List<String> written = new ArrayList<>();
    try (SegmentLog log = SegmentLog.open(disk, CONFIG)) {
      for (int i = 0; i < 5; i++) {
        written.add("entry number " + i);
        append(log, written.get(i));
      }
    }
    String name = disk.names().get(0);
    byte[] whole = disk.content(name);
    int size = SegmentScanner.ENTRY_HEADER + "entry number 0".length();
    for (int at = SegmentScanner.FILE_HEADER; at < whole.length; at++) {
      byte[] bent = whole.clone();
      bent[at] ^= 0x20;
      MemoryDisk damaged = new MemoryDisk();
      damaged.put(name, bent);
      int hit = (at - SegmentScanner.FILE_HEADER) / size;
      List<String> expected = new ArrayList<>(written);
      expected.remove(hit);
      try (SegmentLog log = SegmentLog.open(damaged, CONFIG)) {
        assertThat(read(log, 0)).as("bent at %d", at).isEqualTo(expected);
        assertThat(log.facts().damagedBytes() + log.facts().tornBytes()).isEqualTo(size);
      }
    }
  }

  @Test
  void aDamagedHeaderCostsItsOwnFileAlone() {
    MemoryDisk disk = new MemoryDisk();
    SegmentLog.Config config = CONFIG.withSegmentBytes(64 * 1024);
    try (SegmentLog log = SegmentLog.open(disk, config)) {
      for (int i = 0; i < 3; i++) {
        append(log, i + "x".repeat(40_000));
      }
    }
    assertThat(disk.names()).hasSize(3);
    for (int file = 0; file < 3; file++) {
      MemoryDisk damaged = disk.afterPowerCut(0);
      String name = disk.names().get(file);
      byte[] bent = disk.content(name);
      bent[3]++;
      damaged.put(name, bent);
      try (SegmentLog log = SegmentLog.open(damaged, config)) {
        append(log, "9");
        assertThat(read(log, 0).stream().map(text -> text.substring(0, 1)))
            .isEqualTo(
                IntStream.of(0, 1, 2, 9)
                    .filter(i -> i != damaged.names().indexOf(name))
                    .mapToObj(Integer::toString)
                    .toList());
      }
    }
  }

  @Test
  void bytesThatASenderChoseCannotPassForAnEntry() {
    MemoryDisk other = new MemoryDisk();
    try (SegmentLog log = SegmentLog.open(other, CONFIG)) {
      append(log, "forged");
    }
    byte[] file = other.content(other.names().get(0));
    byte[] entry = Arrays.copyOfRange(file, SegmentScanner.FILE_HEADER, file.length);
    MemoryDisk disk = new MemoryDisk();
    try (SegmentLog log = SegmentLog.open(disk, CONFIG)) {
      log.append(ByteBuffer.wrap(entry)).toCompletableFuture().join();
      append(log, "honest");
    }
    String name = disk.names().get(0);
    byte[] bent = disk.content(name);
    bent[SegmentScanner.FILE_HEADER]++; // the entry around it is damaged: now it stands alone
    disk.put(name, bent);
    try (SegmentLog log = SegmentLog.open(disk, CONFIG)) {
      assertThat(read(log, 0)).containsExactly("honest");
    }
  }

  @Test
  void aFullDiskFailsAllThatIsNotSyncedAndTheNextAppendTriesAnew() {
    MemoryDisk disk = new MemoryDisk();
    try (SegmentLog log = SegmentLog.open(disk, CONFIG)) {
      append(log, "before");
      disk.room = 100;
      assertThatThrownBy(() -> append(log, "x".repeat(500)))
          .isInstanceOf(CompletionException.class)
          .cause()
          .isInstanceOfSatisfying(
              DeliveryException.class, e -> assertThat(e.code()).isEqualTo("disk-full"));
      assertThat(read(log, 0)).containsExactly("before");
      disk.room = 10; // not even a new file's header
      assertThatThrownBy(() -> append(log, "y")).isInstanceOf(CompletionException.class);
      disk.room = Long.MAX_VALUE;
      appendAgain(log, "after");
      assertThat(read(log, 0)).containsExactly("before", "after");
      assertThat(log.facts().failures()).isBetween(1L, 2L);
    }
    try (SegmentLog log = SegmentLog.open(disk, CONFIG)) {
      assertThat(read(log, 0)).containsExactly("before", "after");
      assertThat(log.facts().damagedBytes() + log.facts().tornBytes()).isZero();
    }
  }

  @Test
  void whoComesWhileOthersAreToldOfAFailureIsToldTheSame() {
    MemoryDisk disk = new MemoryDisk();
    try (SegmentLog log = SegmentLog.open(disk, CONFIG)) {
      append(log, "before");
      disk.room = 100;
      CompletableFuture<Long> meanwhile =
          log.append(bytes("x".repeat(500)))
              .handle((position, failure) -> log.append(bytes("y")))
              .thenCompose(stage -> stage)
              .toCompletableFuture();
      assertThatThrownBy(meanwhile::join)
          .cause()
          .isInstanceOfSatisfying(
              DeliveryException.class, e -> assertThat(e.code()).isEqualTo("disk-full"));
    }
  }

  @Test
  void aSyncThatFailsPromisesNothing() {
    MemoryDisk disk = new MemoryDisk();
    try (SegmentLog log = SegmentLog.open(disk, CONFIG)) {
      disk.syncFails = true;
      assertThatThrownBy(() -> append(log, "x")).isInstanceOf(CompletionException.class);
      disk.syncFails = false;
      appendAgain(log, "y");
      assertThat(read(log, 0)).containsExactly("y");
    }
  }

  @Test
  void aPowerCutForgetsOnlyWhatWasNotAcknowledged() {
    for (long seed = 1; seed <= 30; seed++) {
      Random random = new Random(seed);
      MemoryDisk disk = new MemoryDisk();
      int acknowledged = 0;
      List<CompletableFuture<Long>> all = new ArrayList<>();
      MemoryDisk left;
      SegmentLog log =
          SegmentLog.open(
              disk, CONFIG.withSegmentBytes(64 * 1024).withSyncInterval(Duration.ofMillis(1)));
      try {
        for (int i = 0; i < 200; i++) {
          all.add(
              log.append(bytes(i + " " + "x".repeat(random.nextInt(2000)))).toCompletableFuture());
        }
        all.get(random.nextInt(200)).join();
        while (acknowledged < 200 && all.get(acknowledged).isDone()) {
          acknowledged++;
        }
        left = disk.afterPowerCut(random.nextInt(3000));
      } finally {
        log.close();
      }
      try (SegmentLog again = SegmentLog.open(left, CONFIG)) {
        List<String> found = read(again, 0);
        assertThat(found).as("seed %d", seed).hasSizeGreaterThanOrEqualTo(acknowledged);
        for (int i = 0; i < found.size(); i++) {
          assertThat(found.get(i)).startsWith(i + " ");
        }
      }
    }
  }

  @Test
  void aSecondWriterIsToldWhoHoldsTheLog(@TempDir Path folder) {
    SegmentLog first = SegmentLog.open(Disk.of(folder), SegmentLog.Config.of("collector one"));
    assertThatThrownBy(
            () -> SegmentLog.open(Disk.of(folder), SegmentLog.Config.of("collector two")))
        .isInstanceOf(DeliveryException.class)
        .hasMessageContaining("collector one");
    first.close();
    SegmentLog.open(Disk.of(folder), SegmentLog.Config.of("collector two")).close();
  }

  @Test
  void aReaderFollowsWhileItIsWritten(@TempDir Path folder) throws Exception {
    int count = 3000;
    try (SegmentLog log = SegmentLog.open(Disk.of(folder), CONFIG.withSegmentBytes(64 * 1024))) {
      List<String> found = new ArrayList<>();
      Thread writer =
          new Thread(
              () -> {
                for (int i = 0; i < count; i++) {
                  log.append(bytes("line " + i));
                }
              });
      writer.start();
      try (SegmentLog.Reader reader = log.reader(0)) {
        Awaitility.await()
            .pollDelay(Duration.ZERO)
            .pollInterval(1, TimeUnit.MILLISECONDS)
            .until(
                () -> {
                  SegmentLog.Entry entry = reader.next();
                  while (entry != null) {
                    found.add(UTF_8.decode(entry.payload()).toString());
                    entry = reader.next();
                  }
                  return found.size() >= count;
                });
        assertThat(reader.damagedBytes()).isZero();
      }
      writer.join();
      assertThat(found).hasSize(count).first().isEqualTo("line 0");
      assertThat(found).last().isEqualTo("line " + (count - 1));
    }
  }

  @Test
  void positionsLeadBackAndOldFilesCanGo() {
    MemoryDisk disk = new MemoryDisk();
    try (SegmentLog log = SegmentLog.open(disk, CONFIG.withSegmentBytes(64 * 1024))) {
      List<Long> positions = new ArrayList<>();
      for (int i = 0; i < 20; i++) {
        positions.add(append(log, i + "x".repeat(20_000)));
      }
      assertThat(read(log, positions.get(7)).get(0)).startsWith("7x");
      log.deleteBefore(positions.get(13));
      assertThat(log.begin())
          .isGreaterThan(positions.get(9))
          .isLessThanOrEqualTo(positions.get(13));
      assertThat(read(log, 0)).hasSizeBetween(7, 10).last().asString().startsWith("19x");
      try (SegmentLog.Reader reader = log.reader(log.synced())) {
        assertThat(reader.next()).isNull();
      }
    }
  }

  @Test
  void whatComesDuringASyncIsWrittenBesideIt() {
    MemoryDisk disk = new MemoryDisk();
    SimTime time = new SimTime();
    SimTime syncs = new SimTime();
    try (SegmentLog log = SegmentLog.open(disk, CONFIG, time, syncs)) {
      CompletableFuture<Long> one = log.append(bytes("one")).toCompletableFuture();
      time.settle();
      CompletableFuture<Long> two = log.append(bytes("two")).toCompletableFuture();
      time.settle();
      assertThat(new String(disk.content(disk.names().get(0)), UTF_8)).contains("one", "two");
      assertThat(one).isNotDone();
      assertThat(two).isNotDone();
      assertThat(read(log, 0)).isEmpty();
      syncs.settle();
      assertThat(one).isCompleted();
      assertThat(two).isCompleted();
      assertThat(read(log, 0)).containsExactly("one", "two");
    }
  }

  @Test
  void aFileThatEndsDuringASyncLosesNothing() {
    MemoryDisk disk = new MemoryDisk();
    SimTime time = new SimTime();
    SimTime syncs = new SimTime();
    List<CompletableFuture<Long>> all = new ArrayList<>();
    try (SegmentLog log = SegmentLog.open(disk, CONFIG.withSegmentBytes(64 * 1024), time, syncs)) {
      for (int i = 0; i < 100; i++) {
        all.add(log.append(bytes(i + "x".repeat(5000))).toCompletableFuture());
        time.settle();
        if (i % 30 == 0) {
          syncs.settle();
        }
      }
      syncs.settle();
      time.settle();
      assertThat(all).allMatch(CompletableFuture::isDone);
      assertThat(read(log, 0)).hasSize(100);
    }
  }

  @Test
  void aSyncThatFailsBesideFailsAllThatIsNotSynced() {
    MemoryDisk disk = new MemoryDisk();
    SimTime time = new SimTime();
    SimTime syncs = new SimTime();
    try (SegmentLog log = SegmentLog.open(disk, CONFIG, time, syncs)) {
      CompletableFuture<Long> one = log.append(bytes("one")).toCompletableFuture();
      time.settle();
      CompletableFuture<Long> two = log.append(bytes("two")).toCompletableFuture();
      time.settle();
      disk.syncFails = true;
      syncs.settle();
      assertThat(one).isCompletedExceptionally();
      assertThat(two).isCompletedExceptionally();
      disk.syncFails = false;
      CompletableFuture<Long> three = log.append(bytes("three")).toCompletableFuture();
      time.settle();
      syncs.settle();
      assertThat(three).isCompleted();
      assertThat(read(log, 0)).containsExactly("three");
    }
  }

  @Test
  void limitsAreRefused() {
    SegmentLog log =
        SegmentLog.open(
            new MemoryDisk(), new SegmentLog.Config(64 * 1024, Duration.ZERO, 1000, 1000, "test"));
    assertThatThrownBy(() -> append(log, "x".repeat(1001)))
        .hasRootCauseInstanceOf(DeliveryException.class);
    log.close();
    log.close();
    assertThatThrownBy(() -> append(log, "x")).hasRootCauseInstanceOf(DeliveryException.class);
  }

  private static long append(SegmentLog log, String text) {
    byte[] bytes = text.getBytes(UTF_8);
    int half = bytes.length / 2;
    return log.append(
            ByteBuffer.wrap(bytes, 0, half), ByteBuffer.wrap(bytes, half, bytes.length - half))
        .toCompletableFuture()
        .join();
  }

  /** While those who wait are told of a failure, nothing new is taken. */
  private static void appendAgain(SegmentLog log, String text) {
    Awaitility.await()
        .pollDelay(Duration.ZERO)
        .ignoreExceptionsInstanceOf(CompletionException.class)
        .until(() -> append(log, text) >= 0);
  }

  private static ByteBuffer bytes(String text) {
    return ByteBuffer.wrap(text.getBytes(UTF_8));
  }

  private static List<String> read(SegmentLog log, long from) {
    List<String> found = new ArrayList<>();
    try (SegmentLog.Reader reader = log.reader(from)) {
      SegmentLog.Entry entry = reader.next();
      while (entry != null) {
        found.add(UTF_8.decode(entry.payload()).toString());
        entry = reader.next();
      }
    }
    return found;
  }
}
