// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.computations.store;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.fairlead.delivery.Batch;
import dev.fairlead.delivery.DeliveryException;
import dev.fairlead.delivery.Disk;
import dev.fairlead.delivery.SegmentLog;
import dev.fairlead.delivery.StreamId;
import dev.fairlead.transport.api.TransportException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.TimeUnit;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class RecordStoreTest {

  private static final SegmentLog.Config CONFIG =
      SegmentLog.Config.of("computations")
          .withSegmentBytes(64 << 10)
          .withSyncInterval(Duration.ZERO);
  private static final StreamId LOGS = new StreamId("f/c/up/logs", "e1");

  @TempDir Path directory;
  private FaultyDisk disk;
  private Instant now = Instant.parse("2026-01-01T00:00:00Z");
  private RecordStore store;

  @BeforeEach
  void open() {
    disk = new FaultyDisk(directory);
    store = new RecordStore("f", disk, CONFIG, () -> now);
  }

  @AfterEach
  void close() {
    store.close();
  }

  @Test
  void keepsRecordsInOrderAcrossARestart() {
    List<String> written = new ArrayList<>();
    for (int i = 0; i < 300; i++) {
      int first = written.size() + 1;
      for (int k = 0; k <= i % 5; k++) {
        written.add("{\"n\":" + (first + k) + "}");
      }
      store(LOGS, first, written.subList(first - 1, written.size()));
    }
    assertThat(all("c", "logs")).isEqualTo(written);
    reopen();
    assertThat(all("c", "logs")).isEqualTo(written);
    assertThat(store.storedUpTo(LOGS)).isEqualTo(written.size());
    Book book = store.books("c").get(0);
    assertThat(book)
        .isEqualTo(new Book("logs", "e1", written.size(), written.size(), 0, 0, now, now));
    assertThat(store.read("c", "logs", 401)).first().isEqualTo(written.get(400).getBytes(UTF_8));
    store(LOGS, written.size() + 1, List.of("next"));
    assertThat(store.storedUpTo(LOGS)).isEqualTo(written.size() + 1L);
  }

  @Test
  void aGapIsALineThatSaysSo() {
    store(LOGS, 1, List.of("a"));
    join(store.append(Batch.gap(LOGS, 2, 9, "drop-old")));
    store(LOGS, 11, List.of("b"));
    List<String> lines = all("c", "logs");
    assertThat(lines).hasSize(3).startsWith("a").endsWith("b");
    assertThat(lines.get(1))
        .contains("\"first\":2", "\"last\":10", "\"reason\":\"drop-old\"", "\"epoch\":\"e1\"");
    reopen();
    assertThat(all("c", "logs")).isEqualTo(lines);
    Book book = store.books("c").get(0);
    assertThat(book.lost()).isEqualTo(9);
    assertThat(book.gaps()).isEqualTo(1);
    assertThat(book.stored() + book.lost()).isEqualTo(book.storedUpTo()).isEqualTo(11);
  }

  @Test
  void bothHistoriesAreReadable() {
    StreamId second = new StreamId(LOGS.address(), "e2");
    store(LOGS, 1, List.of("first run"));
    store(second, 1, List.of("second run"));
    assertThat(all("c", "logs")).containsExactly("first run", "second run");
    assertThat(store.books("c")).extracting(Book::epoch).containsExactly("e1", "e2");
    assertThat(store.books("other")).isEmpty();
  }

  @Test
  void aManagersEventsAreAmongThoseOfTheComputationTheyName() {
    StreamId host = new StreamId("f/_host-1/up/events", "h");
    store(
        host,
        1,
        List.of(
            "{\"computation_id\":\"c\",\"n\":1}",
            "rubbish",
            "{\"computation_id\":\"d\",\"n\":2}",
            "{\"computation_id\":\"../c\",\"n\":3}",
            "{\"computation_id\":\"c\",\"n\":4}"));
    store(new StreamId("f/c/up/events", "e1"), 1, List.of("{\"own\":1}"));
    List<String> expected =
        List.of(
            "{\"computation_id\":\"c\",\"n\":1}",
            "{\"computation_id\":\"c\",\"n\":4}",
            "{\"own\":1}");
    assertThat(all("c", "events")).isEqualTo(expected);
    assertThat(all("d", "events")).hasSize(1);
    assertThat(store.books("c")).hasSize(1);
    reopen();
    assertThat(all("c", "events")).isEqualTo(expected);
  }

  @Test
  void anAgentCannotWriteIntoAnothersEvents() {
    store(new StreamId("f/c/up/events", "e1"), 1, List.of("{\"computation_id\":\"d\"}"));
    assertThat(all("c", "events")).hasSize(1);
    assertThat(all("d", "events")).isEmpty();
  }

  @Test
  void notesStandOutsideEveryNumbering() {
    join(store.note("c", "events", "{\"note\":1}".getBytes(UTF_8)));
    assertThat(all("c", "events")).containsExactly("{\"note\":1}");
    assertThat(store.books("c")).isEmpty();
    assertThat(store.lines("c", "events")).isEqualTo(1);
  }

  @Test
  void whatDoesNotFollowIsRefusedSoThatNothingIsStoredTwiceOrWithAHole() {
    store(LOGS, 1, List.of("a", "b"));
    assertFails("out-of-order", store.append(batch(LOGS, 4, List.of("d"))));
    assertFails("out-of-order", store.append(batch(LOGS, 2, List.of("b", "c"))));
    store(LOGS, 3, List.of("c"));
    assertThat(all("c", "logs")).containsExactly("a", "b", "c");
  }

  @Test
  void aFullDiskAcknowledgesNothingAlarmsAndGoesOnWhenThereIsRoom() {
    store(LOGS, 1, List.of("a"));
    disk.room.set(30);
    List<CompletionStage<Void>> refused = new ArrayList<>();
    for (int i = 2; i < 50; i++) {
      refused.add(store.append(batch(LOGS, i, List.of("x".repeat(100)))));
    }
    refused.forEach(
        one -> assertThat(failure(one).category()).isEqualTo(TransportException.Category.RETRY));
    assertThat(store.storedUpTo(LOGS)).isEqualTo(1);
    assertThat(store.status().alarm()).isNotNull();
    assertThat(String.valueOf(store.status().alarm())).contains("disk-full");
    assertThat(all("c", "logs")).as("what is there can be read").containsExactly("a");

    disk.room.set(Long.MAX_VALUE);
    storeAgain(LOGS, 2, List.of("b"));
    assertThat(store.status().alarm()).isNull();
    reopen();
    assertThat(all("c", "logs")).containsExactly("a", "b");
  }

  @Test
  void aFailedSyncIsNoAcknowledgementEither() {
    store(LOGS, 1, List.of("a"));
    disk.failsSync.set(true);
    assertFails("disk-failed", store.append(batch(LOGS, 2, List.of("b"))));
    disk.failsSync.set(false);
    assertThat(store.storedUpTo(LOGS)).isEqualTo(1);
    storeAgain(LOGS, 2, List.of("b"));
    reopen();
    assertThat(all("c", "logs")).containsExactly("a", "b");
  }

  @Test
  void aDamagedEntryIsCountedAndTheBooksStillBalance() throws Exception {
    store(LOGS, 1, List.of("a"));
    store(LOGS, 2, List.of("damaged"));
    store(LOGS, 3, List.of("c"));
    store.close();
    Path segment = directory.resolve("0000000000000000.seg");
    byte[] bytes = Files.readAllBytes(segment);
    int at = new String(bytes, java.nio.charset.StandardCharsets.ISO_8859_1).indexOf("damaged");
    bytes[at] ^= 1;
    Files.write(segment, bytes);
    open();
    assertThat(all("c", "logs")).containsExactly("a", "c");
    RecordStore.Status status = store.status();
    assertThat(status.damagedBytes()).isPositive();
    assertThat(status.missing()).isEqualTo(1);
    Book book = store.books("c").get(0);
    assertThat(book.storedUpTo()).isEqualTo(3);
    assertThat(book.stored() + book.lost()).isEqualTo(3);
  }

  @Test
  void aReaderWaitsForALineThatIsNotThereYet() throws Exception {
    store(LOGS, 1, List.of("a"));
    assertThat(store.await("c", "logs", 2, Duration.ofMillis(1))).isFalse();
    CompletableFuture<Boolean> waiting =
        CompletableFuture.supplyAsync(
            () -> {
              try {
                return store.await("c", "logs", 3, Duration.ofSeconds(30));
              } catch (InterruptedException e) {
                throw new IllegalStateException(e);
              }
            });
    store(LOGS, 2, List.of("b", "c"));
    assertThat(waiting.get(10, TimeUnit.SECONDS)).isTrue();
    assertThat(store.read("c", "logs", 3)).containsExactly("c".getBytes(UTF_8));
    assertThat(store.read("c", "logs", 4)).isEmpty();
    assertThat(store.read("nobody", "logs", 1)).isEmpty();
  }

  @Test
  void closingEndsThoseWhoWaitAndRefusesWhatComesLater() {
    CompletableFuture<Boolean> waiting =
        CompletableFuture.supplyAsync(
            () -> {
              try {
                return store.await("c", "logs", 1, Duration.ofSeconds(30));
              } catch (InterruptedException e) {
                throw new IllegalStateException(e);
              }
            });
    store.close();
    assertThat(waiting.join()).isFalse();
    assertFails("closed", store.append(batch(LOGS, 1, List.of("a"))));
    store.close();
  }

  @Test
  void hasOneWriter() {
    assertThatThrownBy(() -> new RecordStore("f", Disk.of(directory), CONFIG, () -> now))
        .isInstanceOfSatisfying(
            DeliveryException.class, e -> assertThat(e.code()).isEqualTo("held"))
        .hasMessageContaining("computations");
  }

  @Test
  void manyStreamsAtOnceKeepEachItsOrder() {
    int streams = 8;
    int batches = 200;
    List<CompletionStage<Void>> all = new ArrayList<>();
    for (int i = 0; i < batches; i++) {
      for (int s = 0; s < streams; s++) {
        StreamId stream = new StreamId("f/c" + s + "/up/logs", "e");
        all.add(store.append(batch(stream, 2L * i + 1, List.of("a" + i, "b" + i))));
      }
    }
    all.forEach(RecordStoreTest::join);
    for (int s = 0; s < streams; s++) {
      assertThat(all("c" + s, "logs")).hasSize(2 * batches).startsWith("a0", "b0", "a1");
    }
    Awaitility.await().until(() -> store.status().pendingBytes() == 0);
  }

  private void store(StreamId stream, long first, List<String> records) {
    join(store.append(batch(stream, first, records)));
  }

  /** As an inbox does: while the log still fails what was appended before, it asks again. */
  private void storeAgain(StreamId stream, long first, List<String> records) {
    Awaitility.await()
        .ignoreExceptionsMatching(e -> e.getCause() instanceof DeliveryException)
        .until(
            () -> {
              store(stream, first, records);
              return true;
            });
  }

  private List<String> all(String id, String stream) {
    List<String> found = new ArrayList<>();
    while (found.size() < store.lines(id, stream)) {
      store.read(id, stream, found.size() + 1).forEach(line -> found.add(new String(line, UTF_8)));
    }
    return found;
  }

  private void reopen() {
    store.close();
    open();
  }

  private static Batch batch(StreamId stream, long first, List<String> records) {
    ByteBuffer payload = ByteBuffer.wrap(String.join("\n", records).getBytes(UTF_8));
    return new Batch(stream, first, records.size(), payload, null);
  }

  private static void join(CompletionStage<Void> stage) {
    stage.toCompletableFuture().orTimeout(20, TimeUnit.SECONDS).join();
  }

  private static DeliveryException failure(CompletionStage<Void> stage) {
    try {
      join(stage);
    } catch (CompletionException e) {
      if (e.getCause() instanceof DeliveryException failure) {
        return failure;
      }
      throw e;
    }
    throw new AssertionError("It did not fail.");
  }

  private static void assertFails(String code, CompletionStage<Void> stage) {
    assertThat(failure(stage).code()).isEqualTo(code);
  }
}
