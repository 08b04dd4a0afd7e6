// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.computations.store;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class SegmentJournalTest {

  private static final int HEAD = 24;
  private static final int ENTRY_HEAD = 12;

  @TempDir Path directory;
  private final FaultyChannel.Disk disk = new FaultyChannel.Disk();
  private final List<String> found = new ArrayList<>();
  private final List<Long> positions = new ArrayList<>();
  private SegmentJournal journal;

  @BeforeEach
  void open() throws IOException {
    found.clear();
    positions.clear();
    journal =
        SegmentJournal.open(
            directory,
            4096,
            (position, bytes) -> {
              found.add(UTF_8.decode(bytes.duplicate()).toString());
              positions.add(position);
            },
            disk,
            new Random(7));
  }

  @AfterEach
  void close() throws IOException {
    journal.close();
  }

  @Test
  void findsAgainWhatWasSyncedOverManySegments() throws IOException {
    List<String> written = new ArrayList<>();
    List<Long> at = new ArrayList<>();
    for (int i = 0; i < 500; i++) {
      written.add("entry " + i + " ".repeat(i % 50));
      at.add(journal.append(bytes(written.get(i))));
      if (i % 7 == 0) {
        journal.sync();
      }
    }
    journal.sync();
    assertThat(text(journal.read(at.get(123)))).isEqualTo(written.get(123));
    long size = journal.size();
    assertThat(segments()).hasSizeGreaterThan(4);
    assertThat(size).isEqualTo(bytesOnDisk());

    reopen();
    assertThat(found).isEqualTo(written);
    assertThat(positions).isEqualTo(at);
    assertThat(journal.size()).isEqualTo(size);
    assertThat(journal.skipped()).isZero();
    assertThat(text(journal.read(at.get(499)))).isEqualTo(written.get(499));
    assertThat(text(journal.read(journal.append(bytes("and on"))))).isEqualTo("and on");
  }

  @Test
  void cutsATornTailAndGoesOn() throws IOException {
    write("one", "two", "three");
    journal.close();
    Path segment = segments().get(0);
    long whole = Files.size(segment);
    for (long size = whole - 1; size > whole - "three".length() - ENTRY_HEAD; size--) {
      cut(segment, size);
      open();
      assertThat(found).as("cut to %d", size).containsExactly("one", "two");
      assertThat(journal.skipped()).isZero();
      write("three");
      journal.close();
      assertThat(Files.size(segment)).isEqualTo(whole);
    }
    open();
    assertThat(found).containsExactly("one", "two", "three");
  }

  @Test
  void cutsATailOfZerosOrRubbish() throws IOException {
    write("one");
    journal.close();
    byte[] rubbish = new byte[100_000];
    Files.write(segments().get(0), rubbish, StandardOpenOption.APPEND);
    open();
    assertThat(found).containsExactly("one");
    journal.close();
    new Random(1).nextBytes(rubbish);
    Files.write(segments().get(0), rubbish, StandardOpenOption.APPEND);
    open();
    assertThat(found).containsExactly("one");
    write("two");
    reopen();
    assertThat(found).containsExactly("one", "two");
  }

  @Test
  void skipsADamagedEntryAndCountsIt() throws IOException {
    write("one", "two", "three");
    journal.close();
    int second = HEAD + ENTRY_HEAD + "one".length();
    for (int at = second; at < second + ENTRY_HEAD + "two".length(); at++) {
      flip(segments().get(0), at);
      open();
      assertThat(found).as("byte %d", at).containsExactly("one", "three");
      assertThat(journal.skipped()).isEqualTo(1);
      journal.close();
      flip(segments().get(0), at);
    }
    open();
    assertThat(found).containsExactly("one", "two", "three");
  }

  @Test
  void contentCannotPassForAnEntry() throws IOException {
    write("one");
    journal.close();
    byte[] stolen = Files.readAllBytes(segments().get(0));
    // What another journal holds, head and all, sent in as content; then that entry is damaged.
    Path other = directory.resolve("other");
    try (SegmentJournal second =
        SegmentJournal.open(other, 4096, (p, b) -> {}, new FaultyChannel.Disk(), new Random(8))) {
      second.append(ByteBuffer.wrap(stolen));
      second.append(bytes("last"));
      second.sync();
    }
    flip(other.resolve("0000000001.seg"), HEAD + ENTRY_HEAD + 1);
    List<String> seen = new ArrayList<>();
    SegmentJournal.open(
            other, 4096, (p, b) -> seen.add(text(b)), new FaultyChannel.Disk(), new Random(8))
        .close();
    assertThat(seen).containsExactly("last");
    open();
  }

  @Test
  void aSegmentWithADamagedHeadIsSkippedAndKept() throws IOException {
    write("one");
    journal.close();
    flip(segments().get(0), 3);
    byte[] before = Files.readAllBytes(segments().get(0));
    open();
    assertThat(found).isEmpty();
    assertThat(journal.skipped()).isEqualTo(1);
    write("two");
    reopen();
    assertThat(found).containsExactly("two");
    assertThat(segments()).hasSize(2);
    assertThat(segments().get(0)).hasBinaryContent(before);
  }

  @Test
  void aSegmentThatWasJustBegunIsBegunAgain() throws IOException {
    write("one");
    journal.close();
    Files.write(directory.resolve("0000000002.seg"), new byte[10]);
    open();
    assertThat(found).containsExactly("one");
    assertThat(segments()).hasSize(1);
    write("two");
    reopen();
    assertThat(found).containsExactly("one", "two");
  }

  @Test
  void aFullDiskLeavesNothingBehind() throws IOException {
    write("one");
    long size = Files.size(segments().get(0));
    disk.room.set(20);
    assertThatThrownBy(() -> journal.append(bytes("longer than what room there is")))
        .hasMessageContaining("No space");
    journal.forget();
    assertThat(Files.size(segments().get(0))).isEqualTo(size);
    disk.room.set(Long.MAX_VALUE);
    write("two");
    reopen();
    assertThat(found).containsExactly("one", "two");
    assertThat(journal.skipped()).isZero();
  }

  @Test
  void aFullDiskWhenASegmentBeginsLeavesNoFile() throws IOException {
    disk.room.set(10);
    assertThatThrownBy(() -> journal.append(bytes("one"))).hasMessageContaining("No space");
    assertThat(segments()).isEmpty();
    disk.room.set(Long.MAX_VALUE);
    write("one");
    reopen();
    assertThat(found).containsExactly("one");
  }

  @Test
  void nothingIsWrittenBehindWhatAFailureLeft() throws IOException {
    write("one");
    journal.append(bytes("unsynced"));
    disk.room.set(5);
    disk.failsTruncate.set(true);
    assertThatThrownBy(() -> journal.append(bytes("two"))).hasMessageContaining("No space");
    assertThatThrownBy(() -> journal.forget()).isInstanceOf(IOException.class);
    disk.room.set(Long.MAX_VALUE);
    assertThatThrownBy(() -> journal.append(bytes("three"))).isInstanceOf(IOException.class);
    disk.failsTruncate.set(false);
    write("four");
    reopen();
    assertThat(found).containsExactly("one", "four");
  }

  @Test
  void afterAFailedSyncAnotherSegmentBegins() throws IOException {
    write("one");
    disk.failsSync.set(true);
    journal.append(bytes("two"));
    assertThatThrownBy(() -> journal.sync()).isInstanceOf(IOException.class);
    disk.failsSync.set(false);
    journal.forget();
    write("three");
    assertThat(segments()).hasSize(2);
    reopen();
    assertThat(found).containsExactly("one", "three");
  }

  @Test
  void hasOneWriterAndNamesIt() {
    assertThatThrownBy(() -> SegmentJournal.open(directory, 4096, (p, b) -> {}))
        .isInstanceOf(IOException.class)
        .hasMessageContaining("process " + ProcessHandle.current().pid());
  }

  @Test
  void readingSurvivesTheInterruptOfAReader() throws IOException {
    long at = journal.append(bytes("one"));
    journal.sync();
    Thread.currentThread().interrupt();
    try {
      assertThat(text(journal.read(at))).isEqualTo("one");
    } finally {
      assertThat(Thread.interrupted()).isTrue();
    }
    assertThat(text(journal.read(at))).isEqualTo("one");
  }

  @Test
  void refusesWhatDoesNotFit() {
    assertThatThrownBy(() -> journal.append(bytes(""))).hasMessageContaining("1 to");
    assertThatThrownBy(() -> journal.append(ByteBuffer.allocate(SegmentJournal.MAX_ENTRY + 1)))
        .hasMessageContaining("1 to");
    assertThatThrownBy(() -> journal.read(HEAD)).isInstanceOf(IOException.class);
    assertThatThrownBy(() -> SegmentJournal.open(directory, 10, (p, b) -> {}))
        .isInstanceOf(IllegalArgumentException.class);
  }

  private void write(String... entries) throws IOException {
    for (String entry : entries) {
      journal.append(bytes(entry));
    }
    journal.sync();
  }

  private void reopen() throws IOException {
    journal.close();
    open();
  }

  private List<Path> segments() throws IOException {
    try (Stream<Path> files = Files.list(directory)) {
      return files.filter(file -> file.toString().endsWith(".seg")).sorted().toList();
    }
  }

  private long bytesOnDisk() throws IOException {
    long sum = 0;
    for (Path segment : segments()) {
      sum += Files.size(segment);
    }
    return sum;
  }

  private static void cut(Path file, long size) throws IOException {
    try (var channel = Files.newByteChannel(file, StandardOpenOption.WRITE)) {
      channel.truncate(size);
    }
  }

  private static void flip(Path file, int at) throws IOException {
    byte[] bytes = Files.readAllBytes(file);
    bytes[at] ^= 0x20;
    Files.write(file, bytes);
  }

  private static ByteBuffer bytes(String text) {
    return ByteBuffer.wrap(text.getBytes(UTF_8));
  }

  private static String text(ByteBuffer bytes) {
    return UTF_8.decode(bytes.duplicate()).toString();
  }
}
