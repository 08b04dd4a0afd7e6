// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.delivery;

import static java.nio.charset.StandardCharsets.ISO_8859_1;
import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import dev.fairlead.transport.api.Message;
import dev.fairlead.transport.api.Transport.Subscription;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class SpoolTest {

  private static final StreamConfig CONFIG =
      StreamConfig.of("fl/c/up/logs", "fl/c/down/acks/logs", "e1");

  private final SimTime time = new SimTime();
  private final SimNet net = new SimNet(time, new Random(1));
  private SimNet.End agent = net.end();
  private final SimNet.End sink = net.end();
  private final SimStore store = new SimStore(time, new Random(2));
  private MemoryDisk disk = new MemoryDisk();
  private @Nullable Inbox inbox;

  @Test
  void anotherProcessGoesOnWithEpochAndNumbers() {
    agent.cut();
    Outbox first = outbox();
    OutStream stream = first.open(spooled());
    for (int i = 1; i <= 100; i++) {
      assertThat(append(stream, "record " + i)).isEqualTo(i);
    }
    CompletableFuture<Void> spooled = stream.reached(100, AckLevel.SPOOLED).toCompletableFuture();
    assertThat(spooled).isNotDone();
    assertThat(stream.positions()).isEqualTo(new Positions(100, 0, 0, 0));
    pass();
    assertThat(spooled).isCompleted();
    assertThat(stream.positions()).isEqualTo(new Positions(100, 100, 0, 0));
    append(stream, "lost: it was only queued");
    crash();

    OutStream again = outbox().open(spooled().withResendAfter(Duration.ofMillis(50)));
    assertThat(again.id()).isEqualTo(new StreamId("fl/c/up/logs", "e1"));
    assertThat(again.last()).isEqualTo(100);
    assertThat(again.positions().spooled()).isEqualTo(100);
    assertThat(again.books().queued()).isEqualTo(100);
    assertThat(again.books().balanced()).isTrue();
    assertThat(append(again, "record 101")).isEqualTo(101);
    receive();
    agent.comeBack();
    pass();
    assertThat(stored()).hasSize(101).startsWith("record 1").endsWith("record 101");
    assertThat(again.books().delivered()).isEqualTo(101);
    assertThat(again.positions()).isEqualTo(new Positions(101, 101, 101, 101));
  }

  @Test
  void theEpochOfTheSpoolGoesBeforeTheOneThatIsAskedFor() {
    Outbox first = outbox();
    append(first.open(spooled()), "a");
    first.close();
    StreamConfig other = StreamConfig.of("fl/c/up/logs", "fl/c/down/acks/logs", "e2");
    OutStream stream = outbox().open(other.withSpool(config()));
    assertThat(stream.id().epoch()).isEqualTo("e1");
    assertThat(stream.last()).isEqualTo(1); // a clean end spools what was only queued
  }

  @Test
  void nothingIsSentBeforeItIsSpooled() {
    agent.keepSent = true;
    disk.syncFails = true;
    OutStream stream = outbox().open(spooled());
    append(stream, "a");
    time.pass(Duration.ofSeconds(3));
    assertThat(agent.sent).isEmpty();
    disk.syncFails = false;
    time.pass(Duration.ofSeconds(3));
    assertThat(agent.sent).isNotEmpty();
  }

  @Test
  void aFullDiskIsToldAndGoesOnWhenThereIsRoom() {
    receive();
    OutStream stream = outbox().open(spooled().withCapacity(64 * 1024));
    append(stream, "before");
    pass();
    disk.room = 10;
    long number = append(stream, "x".repeat(500));
    CompletableFuture<Void> spooled =
        stream.reached(number, AckLevel.SPOOLED).toCompletableFuture();
    pass();
    assertThatThrownBy(spooled::join)
        .cause()
        .isInstanceOfSatisfying(
            DeliveryException.class, e -> assertThat(e.code()).isEqualTo("disk-full"));
    assertThat(stream.trouble()).map(DeliveryException::code).contains("disk-full");
    while (stream.tryAppend(new byte[1000]) > 0) {
      assertThat(stream.books().balanced()).isTrue();
    }
    assertThat(stream.books().queuedBytes()).isBetween(60_000L, 65_536L);
    disk.room = Long.MAX_VALUE;
    time.pass(Duration.ofSeconds(2));
    assertThat(stream.trouble()).isEmpty();
    time.pass(Duration.ofSeconds(2));
    assertThat(stream.books().queued()).isZero();
    assertThat(stored()).hasSize((int) stream.last());
  }

  @Test
  void aBacklogLargerThanMemoryLiesOnDiskAndComesBackInLargeBatches() {
    agent.cut();
    OutStream stream =
        outbox().open(spooled().withCapacity(64 * 1024).withBatch(8 * 1024, Duration.ZERO));
    for (int i = 1; i <= 3000; i++) {
      assertThat(append(stream, i + "x".repeat(200))).isEqualTo(i);
      if (i % 10 == 0) {
        pass();
      }
      assertThat(stream.books().queuedBytes()).isLessThanOrEqualTo(64 * 1024);
    }
    assertThat(stream.books().spooledBytes()).isGreaterThan(600_000);
    receive();
    agent.keepSent = true;
    agent.comeBack();
    time.pass(Duration.ofSeconds(5));
    assertThat(stored()).hasSize(3000);
    assertThat(stream.books().balanced()).isTrue();
    assertThat(agent.sent.size()).isLessThan(150);
    assertThat(stream.books().spooledBytes()).isLessThan(300_000);
  }

  @Test
  void whatDoesNotFitOnDiskIsDroppedByPolicyAndTheReaderSeesTheGap() {
    for (Policy policy : List.of(Policy.DROP_NEW, Policy.DROP_OLD)) {
      SpoolTest fresh = new SpoolTest();
      fresh.dropped(policy);
    }
  }

  private void dropped(Policy policy) {
    agent.cut();
    StreamConfig small =
        CONFIG
            .withCapacity(64 * 1024)
            .withBatch(2048, Duration.ZERO)
            .withPolicy(policy)
            .withSpool(new SpoolConfig(disk, 256 * 1024, Duration.ofMillis(5)));
    OutStream stream = outbox().open(small);
    for (int i = 1; i <= 3000; i++) {
      append(stream, i + "x".repeat(200));
      if (i % 10 == 0) {
        pass();
      }
      assertThat(stream.books().balanced()).isTrue();
      assertThat(disk.size()).isLessThanOrEqualTo(256 * 1024);
    }
    assertThat(stream.books().dropped()).containsOnlyKeys(policy.reason());
    assertThat(stream.books().queued()).isGreaterThan(500);
    crash();
    OutStream again =
        outbox().open(small.withSpool(new SpoolConfig(disk, 256 * 1024, Duration.ZERO)));
    assertThat(again.books().balanced()).isTrue();
    receive();
    agent.comeBack();
    time.pass(Duration.ofSeconds(5));
    assertThat(again.books().queued()).isZero();
    long records = 0;
    long lost = 0;
    for (Batch batch : store.batches(again.id())) {
      if (batch.isGap()) {
        assertThat(batch.gap()).isEqualTo(policy.reason());
        lost += batch.count();
      } else {
        records += batch.count();
      }
    }
    assertThat(records).isEqualTo(again.books().delivered());
    assertThat(lost).isEqualTo(again.books().droppedTotal()).isPositive();
    assertThat(records + lost).isEqualTo(again.last());
  }

  @Test
  void aSpoolOfAnotherStreamIsRefused() {
    Outbox first = outbox();
    first.open(spooled());
    first.close();
    assertThatThrownBy(
            () ->
                outbox()
                    .open(
                        StreamConfig.of("fl/c/up/events", "fl/c/down/acks/events", "e1")
                            .withSpool(config())))
        .isInstanceOfSatisfying(
            DeliveryException.class, e -> assertThat(e.code()).isEqualTo("wrong-spool"));
  }

  @Test
  void aDamagedEntryIsAGapAndNothingElse() {
    agent.cut();
    OutStream stream = outbox().open(spooled());
    for (int i = 1; i <= 5; i++) {
      append(stream, "record " + i);
      pass();
    }
    crash();
    String name = disk.names().get(0);
    byte[] bytes = disk.content(name);
    bytes[new String(bytes, ISO_8859_1).indexOf("record 3")]++;
    disk.put(name, bytes);
    OutStream again = outbox().open(spooled());
    assertThat(again.books().dropped()).isEqualTo(Map.of("spool-damaged", 1L));
    assertThat(again.books().balanced()).isTrue();
    receive();
    agent.comeBack();
    time.pass(Duration.ofSeconds(5));
    assertThat(stored()).containsExactly("record 1", "record 2", "record 4", "record 5");
    assertThat(store.storedUpTo(again.id())).isEqualTo(5);
  }

  @Test
  void aRealFolderServesAsWell(@TempDir Path folder) throws Exception {
    try (Runner runner = Runner.start("test")) {
      Link nowhere = new Nowhere();
      try (Outbox first = new Outbox(nowhere, runner)) {
        OutStream stream = first.open(CONFIG.withSpool(folder, 1 << 20));
        long number = 0;
        for (int i = 0; i < 1000; i++) {
          number = stream.append(("record " + i).getBytes(UTF_8));
        }
        stream.reached(number, AckLevel.SPOOLED).toCompletableFuture().join();
        assertThatThrownBy(
                () -> new Outbox(nowhere, runner).open(CONFIG.withSpool(folder, 1 << 20)))
            .isInstanceOfSatisfying(
                DeliveryException.class, e -> assertThat(e.code()).isEqualTo("held"));
      }
      try (Outbox second = new Outbox(nowhere, runner)) {
        OutStream stream = second.open(CONFIG.withSpool(folder, 1 << 20));
        assertThat(stream.last()).isEqualTo(1000);
        await().until(() -> stream.books().queued() == 1000);
      }
    }
  }

  private Outbox outbox() {
    return new Outbox(agent, time, time);
  }

  private SpoolConfig config() {
    return new SpoolConfig(disk, 4 << 20, Duration.ofMillis(5));
  }

  private StreamConfig spooled() {
    return CONFIG.withSpool(config());
  }

  private void receive() {
    inbox =
        new Inbox(
            sink,
            time,
            store,
            List.of("fl/*/up/logs"),
            id -> Optional.of("fl/c/down/acks/logs"),
            InboxListener.NONE);
  }

  /** The process is gone, and what it had not given to the system. */
  private void crash() {
    time.close();
    agent.cut();
    agent = net.end();
    agent.cut();
    disk = disk.afterPowerCut(0);
    assertThat(inbox).isNull();
  }

  private void pass() {
    time.pass(Duration.ofMillis(20));
  }

  private List<String> stored() {
    List<String> records = new ArrayList<>();
    for (Batch batch : store.batches(new StreamId("fl/c/up/logs", "e1"))) {
      batch.records().forEach(record -> records.add(new String(record, UTF_8)));
    }
    return records;
  }

  private static long append(OutStream stream, String text) {
    long number = stream.tryAppend(text.getBytes(UTF_8));
    assertThat(number).isNotEqualTo(-1);
    return number;
  }

  /** A link that never connects. */
  private static final class Nowhere implements Link {

    @Override
    public CompletionStage<Void> send(Message message) {
      return new CompletableFuture<>();
    }

    @Override
    public Subscription subscribe(String pattern, Consumer<Message> handler) {
      return () -> {};
    }

    @Override
    public boolean connected() {
      return false;
    }

    @Override
    public Subscription onConnected(Runnable action) {
      return () -> {};
    }
  }
}
