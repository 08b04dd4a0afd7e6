// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.delivery;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import dev.fairlead.transport.api.Message;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.CompletableFuture;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

class OutboxTest {

  private static final String ACKS = "fl/c/down/acks/logs";

  private final SimTime time = new SimTime();
  private final SimNet net = new SimNet(time, new Random(1));
  private final SimNet.End agent = net.end();
  private final SimNet.End sink = net.end();
  private final Outbox outbox = new Outbox(agent, time);

  @Test
  void anIdleLinkGetsARecordAtOnce() {
    OutStream stream = outbox.open(config());
    agent.keepSent = true;
    append(stream, "a");
    time.settle();
    assertThat(agent.sent).hasSize(1);
    assertThat(agent.sent.get(0).headers())
        .containsEntry("fl-v", "1")
        .containsEntry("fl-epoch", "e1")
        .containsEntry("fl-first", "1")
        .containsEntry("fl-count", "1")
        .containsEntry("fl-kept", "1")
        .containsKey("fl-hash")
        .doesNotContainKey("fl-gap");
    assertThat(new String(agent.sent.get(0).bytes(), UTF_8)).isEqualTo("a");
  }

  @Test
  void aBusyStreamMakesLargeBatches() {
    OutStream stream = outbox.open(config());
    agent.keepSent = true;
    append(stream, "first");
    time.pass(Duration.ofMillis(1));
    acknowledge(1);
    for (int i = 0; i < 1000; i++) {
      append(stream, "record " + i);
      if (i % 100 == 0) {
        time.settle();
      }
    }
    time.pass(Duration.ofMillis(1));
    assertThat(agent.sent.size()).isBetween(3, 5);
  }

  @Test
  void whereNobodyHasAnsweredYetSmallBatchesWait() {
    OutStream stream = outbox.open(config());
    agent.keepSent = true;
    say(stream, 20, Duration.ofMillis(10));
    assertThat(agent.sent).hasSize(1);
    acknowledge(1);
    assertThat(agent.sent).hasSize(2);
    assertThat(agent.sent.get(1).headers()).containsEntry("fl-count", "19");
  }

  @Test
  void whereAnswersTakeLongThereIsOneSmallBatchForEach() {
    OutStream stream = outbox.open(config());
    agent.keepSent = true;
    for (int i = 1; i <= 20; i++) {
      say(stream, 20, Duration.ofMillis(10));
      acknowledgeAll();
    }
    assertThat(agent.sent.size()).isBetween(20, 22);
    say(stream, 200, Duration.ofMillis(10)); // nobody answers: one a second all the same
    assertThat(agent.sent.size()).isBetween(22, 25);
  }

  @Test
  void whereAnswersAreQuickEachRecordGoesAtOnce() {
    OutStream stream = outbox.open(config());
    agent.keepSent = true;
    for (int i = 1; i <= 100; i++) {
      say(stream, 1, Duration.ofMillis(1));
      if (i % 5 == 0) {
        acknowledgeAll();
      }
    }
    assertThat(agent.sent).hasSizeGreaterThan(90); // none waited but at first
  }

  @Test
  void aBlockedAppendGoesOnWhenThereIsRoom() throws Exception {
    try (Runner runner = Runner.start("test")) {
      Outbox real = new Outbox(agent, runner);
      OutStream stream = real.open(config().withCapacity(64 * 1024));
      agent.cut();
      byte[] record = new byte[8000];
      CompletableFuture<Long> last =
          CompletableFuture.supplyAsync(
              () -> {
                long number = 0;
                for (int i = 0; i < 9; i++) {
                  number = append(stream, record);
                }
                return number;
              });
      await().until(() -> stream.books().appended() == 8);
      assertThat(stream.tryAppend(record)).isEqualTo(-1);
      assertThat(last).isNotDone();
      assertThat(stream.books().balanced()).isTrue();
      real.close();
      assertThatThrownBy(last::join).hasCauseInstanceOf(DeliveryException.class);
    }
  }

  @Test
  void dropNewKeepsTheOldAndSendsTheGap() {
    OutStream stream = outbox.open(config().withCapacity(64 * 1024).withPolicy(Policy.DROP_NEW));
    agent.cut();
    for (int i = 0; i < 20; i++) {
      long number = append(stream, new byte[8000]);
      assertThat(number).isEqualTo(i < 8 ? i + 1 : 0);
    }
    Books books = stream.books();
    assertThat(books.dropped()).isEqualTo(Map.of("drop-new", 12L));
    assertThat(books.queued()).isEqualTo(8);
    assertThat(books.balanced()).isTrue();
    assertThatThrownBy(() -> stream.reached(15, AckLevel.DELIVERED).toCompletableFuture().join())
        .hasCauseInstanceOf(DeliveryException.class);
    assertThat(stream.reached(3, AckLevel.QUEUED).toCompletableFuture()).isCompleted();
    agent.keepSent = true;
    agent.comeBack();
    time.pass(Duration.ofMillis(10));
    acknowledge(2);
    time.pass(Duration.ofMillis(10));
    acknowledge(4);
    time.pass(Duration.ofMillis(10));
    acknowledge(6);
    time.pass(Duration.ofMillis(10));
    acknowledge(8);
    time.pass(Duration.ofMillis(10));
    Message gap = agent.sent.get(agent.sent.size() - 1);
    assertThat(gap.headers())
        .containsEntry("fl-gap", "drop-new")
        .containsEntry("fl-first", "9")
        .containsEntry("fl-count", "12");
    acknowledge(20);
    time.pass(Duration.ofMillis(10));
    assertThat(stream.books().delivered()).isEqualTo(8);
    assertThat(stream.books().queued()).isZero();
    assertThat(outbox.drained().toCompletableFuture()).isCompleted();
  }

  @Test
  void dropOldMakesRoomForTheNew() {
    OutStream stream = outbox.open(config().withCapacity(64 * 1024).withPolicy(Policy.DROP_OLD));
    agent.cut();
    CompletableFuture<Void> first = null;
    for (int i = 0; i < 20; i++) {
      assertThat(append(stream, new byte[8000])).isEqualTo(i + 1);
      if (i == 0) {
        first = stream.reached(1, AckLevel.DELIVERED).toCompletableFuture();
      }
    }
    Books books = stream.books();
    assertThat(books.droppedTotal()).isBetween(12L, 14L);
    assertThat(books.balanced()).isTrue();
    assertThat(first).isCompletedExceptionally();
    agent.keepSent = true;
    agent.comeBack();
    time.pass(Duration.ofMillis(10));
    assertThat(agent.sent.get(0).headers())
        .containsEntry("fl-gap", "drop-old")
        .containsEntry("fl-first", "1")
        .containsEntry("fl-count", Long.toString(books.droppedTotal()));
  }

  @Test
  void eventsGoBeforeLogsAndEqualsTakeTurns() {
    StreamConfig small = config().withBatch(1024, Duration.ZERO);
    OutStream logs = outbox.open(small);
    OutStream other = outbox.open(named(small, "other", 1));
    OutStream events = outbox.open(named(small, "events", 0));
    agent.cut();
    for (int i = 0; i < 50; i++) {
      append(logs, new byte[900]);
      append(other, new byte[900]);
    }
    for (int i = 0; i < 5; i++) {
      append(events, new byte[900]);
    }
    agent.keepSent = true;
    agent.comeBack();
    time.pass(Duration.ofMillis(10));
    List<String> order = agent.sent.stream().map(Message::address).toList();
    assertThat(order.subList(0, 5)).containsOnly("fl/c/up/events");
    Map<String, Integer> count = new HashMap<>();
    for (String address : order.subList(5, 45)) {
      count.merge(address, 1, Integer::sum);
    }
    assertThat(count).containsEntry("fl/c/up/logs", 20).containsEntry("fl/c/up/other", 20);
  }

  @Test
  void theWindowBoundsWhatIsUnderWay() {
    OutStream stream = outbox.open(config().withBatch(1024, Duration.ZERO).withWindow(10 * 1024));
    agent.keepSent = true;
    for (int i = 0; i < 100; i++) {
      append(stream, new byte[1000]);
    }
    time.pass(Duration.ofMillis(10));
    assertThat(agent.sent).hasSize(10);
    acknowledge(4);
    time.pass(Duration.ofMillis(10));
    assertThat(agent.sent).hasSize(14);
  }

  @Test
  void whatIsNotAcknowledgedIsSentAgainWithPatience() {
    OutStream stream = outbox.open(config().withResendAfter(Duration.ofMillis(100)));
    agent.keepSent = true;
    append(stream, "a");
    time.pass(Duration.ofSeconds(10));
    // after 0.1, 0.3, 0.7, then each 0.4 s
    assertThat(agent.sent).hasSizeBetween(22, 28);
    assertThat(stream.books().resent()).isEqualTo(agent.sent.size() - 1);
    acknowledge(1);
    time.pass(Duration.ofSeconds(10));
    assertThat(stream.books().queued()).isZero();
  }

  @Test
  void aWishIsGrantedAtOnce() {
    OutStream stream = outbox.open(config().withBatch(1024, Duration.ZERO));
    agent.keepSent = true;
    for (int i = 0; i < 4; i++) {
      append(stream, new byte[1000]);
    }
    time.pass(Duration.ofMillis(1));
    assertThat(agent.sent).hasSize(4);
    sink.send(ack("e1", "1", "2-3"));
    time.pass(Duration.ofMillis(1));
    assertThat(agent.sent.stream().map(m -> m.headers().get("fl-first")))
        .containsExactly("1", "2", "3", "4", "2", "3");
    assertThat(agent.sent.get(4).headers()).containsEntry("fl-kept", "2");
    assertThat(stream.books().delivered()).isEqualTo(1);
  }

  @Test
  void whatIsOnItsWayIsNotSentOnceMore() {
    OutStream stream = outbox.open(config().withBatch(1024, Duration.ZERO));
    agent.keepSent = true;
    for (int i = 0; i < 4; i++) {
      append(stream, new byte[1000]);
    }
    time.pass(Duration.ofMillis(1));
    assertThat(turns()).containsExactly("1", "2", "3", "4");
    wish("2-3", "4");
    assertThat(turns()).endsWith("4", "5", "6");
    time.pass(Duration.ofMillis(500));
    wish("2-3", "4"); // nothing that was sent later has come
    assertThat(agent.sent).hasSize(6);
    append(stream, new byte[1000]);
    time.pass(Duration.ofMillis(1));
    wish("2-3", "7"); // what was sent later has come, so these are lost again
    assertThat(agent.sent.stream().map(m -> m.headers().get("fl-first")))
        .containsExactly("1", "2", "3", "4", "2", "3", "5", "2", "3");
    wish("2-3", "99"); // of an earlier process of this stream: tells nothing
    assertThat(agent.sent).hasSize(9);
  }

  @Test
  void aNewConnectionIsTriedBeforeAllIsSentAgain() {
    OutStream stream = outbox.open(config().withBatch(1024, Duration.ZERO).withWindow(32 * 1024));
    for (int i = 0; i < 10; i++) {
      append(stream, new byte[1000]);
    }
    time.pass(Duration.ofMillis(1));
    agent.cut();
    agent.keepSent = true;
    agent.comeBack();
    time.pass(Duration.ofMillis(1));
    append(stream, new byte[1000]);
    time.pass(Duration.ofMillis(10));
    assertThat(turns()).containsExactly("11", "12");
    answer("0", null, "10"); // what came last was sent before
    assertThat(agent.sent).hasSize(2);
    answer("1", null, "11");
    assertThat(agent.sent.stream().map(m -> m.headers().get("fl-first")))
        .containsExactly("1", "2", "3", "4", "5", "6", "7", "8", "9", "10", "11");
  }

  @Test
  void whereNobodyAnswersTheTrialIsRepeated() {
    OutStream stream =
        outbox.open(
            config()
                .withBatch(1024, Duration.ZERO)
                .withWindow(32 * 1024)
                .withResendAfter(Duration.ofMillis(100)));
    for (int i = 0; i < 10; i++) {
      append(stream, new byte[1000]);
    }
    time.pass(Duration.ofMillis(1));
    agent.cut();
    agent.keepSent = true;
    agent.comeBack();
    time.pass(Duration.ofMillis(150));
    assertThat(agent.sent.stream().map(m -> m.headers().get("fl-first")))
        .containsExactly("1", "2", "1");
    answer("0", "1-999999999999999", "10"); // a sink that has just come
    assertThat(agent.sent).hasSize(5);
    answer("10", null, "14");
    assertThat(stream.books().queued()).isZero();
    append(stream, "a");
    time.pass(Duration.ofMillis(1));
    assertThat(agent.sent).hasSize(6);
  }

  @Test
  void hostileAcknowledgementsAreCountedAndIgnored() {
    OutStream stream = outbox.open(config());
    append(stream, "a");
    time.settle();
    List<Message> hostile =
        new ArrayList<>(
            List.of(
                ack("e1", "2", null),
                ack("e1", "999999999999999999999", null),
                ack("e1", "-1", null),
                ack("e1", "", null),
                ack("e1", "01", null),
                ack("e2", "1", null),
                ack("e 1", "1", null),
                ack("e1", "0", "0-1"),
                ack("e1", "0", "1"),
                ack("e1", "0", "2-1"),
                new Message(ACKS, new byte[0])));
    for (Message message : hostile) {
      sink.send(message);
    }
    time.pass(Duration.ofMillis(1));
    assertThat(stream.books().badAcks()).isEqualTo(hostile.size());
    assertThat(stream.books().delivered()).isZero();
    acknowledge(1);
    time.pass(Duration.ofMillis(1));
    assertThat(stream.books().delivered()).isEqualTo(1);
  }

  @Test
  void levelsAreReachedInTurn() {
    OutStream stream = outbox.open(config());
    long number = append(stream, "a");
    CompletableFuture<Void> stored = stream.reached(number, AckLevel.STORED).toCompletableFuture();
    CompletableFuture<Void> delivered =
        stream.reached(number, AckLevel.DELIVERED).toCompletableFuture();
    assertThat(stored).isNotDone();
    time.pass(Duration.ofMillis(1));
    assertThat(stored).isCompleted();
    assertThat(delivered).isNotDone();
    acknowledge(1);
    time.pass(Duration.ofMillis(1));
    assertThat(delivered).isCompleted();
    assertThat(stream.reached(1, AckLevel.SPOOLED).toCompletableFuture()).isCompleted();
    assertThat(stream.reached(2, AckLevel.DELIVERED).toCompletableFuture())
        .isCompletedExceptionally();
  }

  @Test
  void aStreamMayForgetWhatThePeerHasTaken() {
    agent.keepSent = true;
    OutStream stream = outbox.open(config().withForgetAt(AckLevel.STORED));
    append(stream, "a");
    time.pass(Duration.ofMillis(1));
    assertThat(stream.books().queued()).isZero();
    assertThat(stream.books().delivered()).isEqualTo(1);
    append(stream, "b");
    time.pass(Duration.ofMillis(1));
    assertThat(agent.sent.get(0).headers())
        .containsEntry("fl-kept", "1")
        .doesNotContainKey("fl-held");
    assertThat(agent.sent.get(1).headers())
        .containsEntry("fl-kept", "1")
        .containsEntry("fl-held", "2");
  }

  @Test
  void badRecordsAndSecondStreamsAreRefused() {
    OutStream stream = outbox.open(config());
    assertThatThrownBy(() -> append(stream, "a\nb")).isInstanceOf(DeliveryException.class);
    assertThatThrownBy(() -> append(stream, "12345678\n")).isInstanceOf(DeliveryException.class);
    assertThatThrownBy(() -> append(stream, new byte[Message.MAX_PAYLOAD + 1]))
        .isInstanceOf(DeliveryException.class);
    assertThatThrownBy(() -> outbox.open(config())).isInstanceOf(DeliveryException.class);
    assertThat(stream.books().appended()).isZero();
    append(stream, new byte[Message.MAX_PAYLOAD]);
    time.pass(Duration.ofMillis(1));
    assertThat(stream.books().unacked()).isEqualTo(1);
    outbox.close();
    assertThatThrownBy(() -> append(stream, "a")).isInstanceOf(DeliveryException.class);
    assertThatThrownBy(() -> outbox.open(config())).isInstanceOf(DeliveryException.class);
  }

  private static StreamConfig config() {
    return StreamConfig.of("fl/c/up/logs", ACKS, "e1");
  }

  private static StreamConfig named(StreamConfig like, String name, int priority) {
    return StreamConfig.of("fl/c/up/" + name, "fl/c/down/acks/" + name, "e1")
        .withBatch(like.batchBytes(), like.flushGap())
        .withPriority(priority);
  }

  /** So many records, so far apart. */
  private void say(OutStream stream, int records, Duration apart) {
    for (int i = 0; i < records; i++) {
      append(stream, "record");
      time.pass(apart);
    }
  }

  /** Acknowledges all that was sent. */
  private void acknowledgeAll() {
    Map<String, String> last = agent.sent.get(agent.sent.size() - 1).headers();
    long first = Long.parseLong(String.valueOf(last.get("fl-first")));
    acknowledge(first + Long.parseLong(String.valueOf(last.get("fl-count"))) - 1);
  }

  private void acknowledge(long stored) {
    sink.send(ack("e1", Long.toString(stored), null));
    time.pass(Duration.ofMillis(1));
  }

  private void wish(String want, String turn) {
    answer("1", want, turn);
  }

  private void answer(String stored, @Nullable String want, String turn) {
    Message plain = ack("e1", stored, want);
    Map<String, String> headers = new HashMap<>(plain.headers());
    headers.put("fl-turn", turn);
    sink.send(new Message(ACKS, headers, ByteBuffer.allocate(0)));
    time.pass(Duration.ofMillis(10));
  }

  private List<String> turns() {
    return agent.sent.stream().map(m -> String.valueOf(m.headers().get("fl-turn"))).toList();
  }

  private static Message ack(String epoch, String stored, @Nullable String want) {
    Map<String, String> headers = new HashMap<>();
    headers.put("fl-v", "1");
    headers.put("fl-epoch", epoch);
    headers.put("fl-stored", stored);
    if (want != null) {
      headers.put("fl-want", want);
    }
    return new Message(ACKS, headers, ByteBuffer.allocate(0));
  }

  private static long append(OutStream stream, String text) {
    return append(stream, text.getBytes(UTF_8));
  }

  private static long append(OutStream stream, byte[] record) {
    try {
      return stream.append(record);
    } catch (InterruptedException e) {
      throw new IllegalStateException(e);
    }
  }
}
