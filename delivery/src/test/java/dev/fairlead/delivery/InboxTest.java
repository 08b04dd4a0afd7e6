// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.delivery;

import static dev.fairlead.transport.api.TransportException.Category.RETRY;
import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import dev.fairlead.transport.api.Message;
import dev.fairlead.transport.api.Transport.Subscription;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.function.Consumer;
import java.util.function.Function;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

class InboxTest {

  private static final String LOGS = "fl/c/up/logs";
  private static final StreamId ID = new StreamId(LOGS, "e1");

  private final SimTime time = new SimTime();
  private final SimNet net = new SimNet(time, new Random(1));
  private final SimNet.End agent = net.end();
  private final SimNet.End sink = net.end();
  private final SimStore store = new SimStore(time, new Random(2));
  private final List<String> refusals = new ArrayList<>();
  private final Inbox inbox =
      new Inbox(
          sink,
          time,
          store,
          List.of("fl/*/up/logs"),
          id -> id.epoch().startsWith("e") ? Optional.of("fl/c/down/acks/logs") : Optional.empty(),
          new InboxListener() {
            @Override
            public void refused(String address, DeliveryException reason) {
              refusals.add(reason.code());
            }

            @Override
            public void gap(Batch gap) {}

            @Override
            public void storeFailed(StreamId stream, Throwable reason) {}
          });

  @BeforeEach
  void keepAcknowledgements() {
    sink.keepSent = true;
  }

  @Test
  void whatIsStoredIsAcknowledgedOnlyThen() {
    store.syncDelay = 10_000_000;
    send(batch(1, 2, "a\nb"));
    time.pass(Duration.ofMillis(1));
    assertThat(sink.sent).isEmpty();
    time.pass(Duration.ofMillis(20));
    assertThat(lastAck()).containsEntry("fl-stored", "2").containsEntry("fl-epoch", "e1");
    assertThat(inbox.books().stored()).isEqualTo(2);
  }

  @Test
  void aRepeatIsDroppedAndAcknowledgedAgain() {
    send(batch(1, 2, "a\nb"));
    settle();
    int before = sink.sent.size();
    send(batch(1, 2, "a\nb"));
    settle();
    assertThat(sink.sent).hasSize(before + 1);
    assertThat(inbox.books().duplicates()).isEqualTo(2);
    assertThat(store.batches(ID)).hasSize(1);
  }

  @Test
  void whatOverlapsIsCut() {
    send(batch(1, 2, "a\nb"));
    send(batch(2, 3, "b\nc\nd"));
    settle();
    assertThat(store.storedUpTo(ID)).isEqualTo(4);
    assertThat(store.batches(ID).get(1).records())
        .containsExactly("c".getBytes(UTF_8), "d".getBytes(UTF_8));
    assertThat(inbox.books().duplicates()).isEqualTo(1);
  }

  @Test
  void whatComesEarlyWaitsAndTheMissingIsAskedFor() {
    send(batch(3, 1, "c"));
    send(batch(2, 1, "b"));
    settle();
    assertThat(lastAck()).containsEntry("fl-stored", "0").containsEntry("fl-want", "1-2");
    assertThat(inbox.books().heldBytes()).isEqualTo(2);
    send(batch(1, 1, "a"));
    settle();
    assertThat(store.storedUpTo(ID)).isEqualTo(3);
    assertThat(lastAck()).containsEntry("fl-stored", "3").doesNotContainKey("fl-want");
    assertThat(inbox.books().heldBytes()).isZero();
  }

  @Test
  void aLongerBatchIsNotHiddenByAShorterOneThatIsEarlyAsWell() {
    send(batch(3, 1, "c"));
    send(batch(3, 3, "c\nd\ne"));
    send(batch(3, 2, "c\nd"));
    settle();
    assertThat(inbox.books().heldBytes()).isEqualTo(1 + 3);
    send(batch(1, 2, "a\nb"));
    settle();
    assertThat(store.storedUpTo(ID)).isEqualTo(5);
    assertThat(store.batches(ID).get(2).records())
        .containsExactly("d".getBytes(UTF_8), "e".getBytes(UTF_8));
  }

  @Test
  void theTurnOfWhatCameLastIsTold() {
    Map<String, String> headers = batch(3, 1, "c");
    headers.put("fl-turn", "9");
    send(headers);
    settle();
    assertThat(lastAck()).containsEntry("fl-want", "1-2").containsEntry("fl-turn", "9");
    send(batch(1, 2, "a\nb"));
    settle();
    assertThat(lastAck()).containsEntry("fl-stored", "3").doesNotContainKey("fl-turn");
    refused("bad-header", "fl-turn", "0");
    refused("bad-header", "fl-turn", "x");
  }

  @Test
  void whatTheSenderNoLongerHasBecomesAGap() {
    Map<String, String> headers = batch(10, 1, "x");
    headers.put("fl-kept", "8");
    send(headers);
    settle();
    assertThat(store.batches(ID)).hasSize(1);
    assertThat(store.batches(ID).get(0).gap()).isEqualTo("not-kept");
    assertThat(store.storedUpTo(ID)).isEqualTo(7);
    send(batch(8, 2, "h\ni"));
    settle();
    assertThat(store.storedUpTo(ID)).isEqualTo(10);
    assertThat(inbox.books().gaps()).isEqualTo(7);
  }

  @Test
  void aSendersOwnGapIsStoredAsOne() {
    Map<String, String> headers = batch(1, 5, "");
    headers.put("fl-gap", "drop-old");
    send(headers);
    settle();
    assertThat(store.batches(ID).get(0).gap()).isEqualTo("drop-old");
    assertThat(lastAck()).containsEntry("fl-stored", "5");
  }

  @Test
  void whatTheStoreDidNotTakeMayComeAgain() {
    store.full = true;
    send(batch(1, 1, "a"));
    send(batch(2, 1, "b"));
    settle();
    assertThat(sink.sent).isEmpty();
    assertThat(inbox.books().storeFailures()).isEqualTo(2);
    store.full = false;
    send(batch(1, 1, "a"));
    send(batch(2, 1, "b"));
    settle();
    assertThat(lastAck()).containsEntry("fl-stored", "2");
  }

  @Test
  void afterAFailureTheStoreIsLeftAloneUntilItHasAnsweredForAll() {
    List<Batch> given = new ArrayList<>();
    CompletableFuture<Void> slow = new CompletableFuture<>();
    BatchStore busy =
        new BatchStore() {
          @Override
          public CompletionStage<Void> append(Batch batch) {
            given.add(batch);
            return switch (given.size()) {
              case 1 -> slow;
              case 2 ->
                  CompletableFuture.failedStage(
                      new DeliveryException(RETRY, "log-busy", "The log is busy."));
              default -> CompletableFuture.completedStage(null);
            };
          }

          @Override
          public long storedUpTo(StreamId stream) {
            return slow.isDone() ? 1 : 0;
          }
        };
    inbox.close();
    Inbox other =
        new Inbox(
            sink,
            time,
            busy,
            List.of("fl/*/up/logs"),
            id -> Optional.of("fl/c/down/acks/logs"),
            InboxListener.NONE);
    send(batch(1, 1, "a"));
    send(batch(2, 1, "b"));
    send(batch(3, 1, "c"));
    assertThat(given).extracting(Batch::first).containsExactly(1L, 2L);
    slow.complete(null);
    settle();
    assertThat(lastAck()).containsEntry("fl-stored", "1");
    send(batch(2, 1, "b"));
    send(batch(3, 1, "c"));
    settle();
    assertThat(given).extracting(Batch::first).containsExactly(1L, 2L, 2L, 3L);
    assertThat(lastAck()).containsEntry("fl-stored", "3");
    assertThat(other.books().storeFailures()).isEqualTo(1);
  }

  @Test
  void anAnnouncementAsksForAllThatIsUnderWay() {
    inbox.announce(ID);
    settle();
    assertThat(lastAck())
        .containsEntry("fl-stored", "0")
        .containsEntry("fl-want", "1-999999999999999");
  }

  @Test
  void theWindowForEarlyBatchesIsBounded() {
    for (int i = 0; i < 400; i++) {
      send(batch(2 + i, 1, "x"));
    }
    settle();
    assertThat(inbox.books().beyondWindow()).isEqualTo(144);
    assertThat(inbox.books().heldBytes()).isEqualTo(256);
  }

  @Test
  void whatIsNoBatchIsRefusedByItsReason() {
    refused("bad-version", "fl-v", "2");
    refused("bad-epoch", "fl-epoch", "e/1");
    refused("bad-header", "fl-first", "0");
    refused("bad-header", "fl-first", "1e3");
    refused("bad-header", "fl-count", "9999999999999999");
    refused("bad-count", "fl-count", "999999999999999");
    refused("bad-numbers", "fl-first", "999999999999999");
    refused("bad-numbers", "fl-kept", "2");
    refused("bad-hash", "fl-hash", "00000000");
    refused("bad-count", "fl-count", "3");
    refused("bad-gap", "fl-gap", "x");
    refused("unknown-stream", "fl-epoch", "x");
    for (String name : List.of("fl-v", "fl-epoch", "fl-first", "fl-count", "fl-kept", "fl-hash")) {
      Map<String, String> headers = batch(2, 2, "a\nb");
      headers.remove(name);
      send(headers);
      settle();
      assertThat(refusals).last().isEqualTo("missing-header");
    }
    assertThat(store.storedUpTo(ID)).isZero();
    assertThat(inbox.books().refused()).isEqualTo(refusals.size());
  }

  @Test
  void randomHeadersHarmNothing() {
    Random random = new Random(7);
    List<String> names =
        List.of(
            "fl-v", "fl-epoch", "fl-first", "fl-count", "fl-kept", "fl-held", "fl-hash", "fl-gap");
    List<String> values =
        List.of("1", "2", "0", "-1", "e1", "", "x", "999999999999999", "00000000", "drop-old");
    for (int i = 0; i < 20_000; i++) {
      Map<String, String> headers = batch(1 + random.nextInt(3), 1, "a");
      for (int k = random.nextInt(3); k >= 0; k--) {
        headers.put(
            names.get(random.nextInt(names.size())), values.get(random.nextInt(values.size())));
      }
      send(headers);
      settle();
    }
    assertThat(inbox.books().refused()).isPositive();
  }

  private void refused(String code, String name, String value) {
    Map<String, String> headers = batch(1, 2, "a\nb");
    headers.put(name, value);
    send(headers);
    settle();
    assertThat(refusals).last().isEqualTo(code);
  }

  private void settle() {
    time.pass(Duration.ofMillis(10));
  }

  private Map<String, String> lastAck() {
    return sink.sent.get(sink.sent.size() - 1).headers();
  }

  private String payload = "";

  private Map<String, String> batch(long first, long count, String text) {
    payload = text;
    byte[] bytes = text.getBytes(UTF_8);
    Map<String, String> headers = new HashMap<>();
    headers.put("fl-v", "1");
    headers.put("fl-epoch", "e1");
    headers.put("fl-first", Long.toString(first));
    headers.put("fl-count", Long.toString(count));
    headers.put("fl-kept", "1");
    headers.put("fl-hash", HexFormat.of().toHexDigits(Headers.crc(bytes, bytes.length)));
    return headers;
  }

  private void send(Map<String, String> headers) {
    agent.send(new Message(LOGS, headers, ByteBuffer.wrap(payload.getBytes(UTF_8))));
    // arrives, and nothing else happens yet
    time.pass(Duration.ofNanos(net.weather.delay + 1000));
  }

  /** A peer that stores what is sent, and waits for an answer to each. */
  private static final class StoringLink implements Link {

    private Function<Message, CompletionStage<Void>> handler =
        message -> CompletableFuture.completedStage(null);

    CompletableFuture<Void> give(Map<String, String> headers, String payload) {
      return handler
          .apply(new Message(LOGS, headers, ByteBuffer.wrap(payload.getBytes(UTF_8))))
          .toCompletableFuture();
    }

    @Override
    public CompletionStage<Void> send(Message message) {
      return CompletableFuture.completedStage(null);
    }

    @Override
    public Subscription subscribe(String pattern, Consumer<Message> plain) {
      throw new AssertionError("Only what is stored is wanted.");
    }

    @Override
    public Subscription subscribeStored(
        String pattern, Function<Message, CompletionStage<Void>> stored) {
      handler = stored;
      return () -> {};
    }

    @Override
    public boolean connected() {
      return true;
    }

    @Override
    public Subscription onConnected(Runnable action) {
      return () -> {};
    }
  }

  private StoringLink storingLink() {
    StoringLink link = new StoringLink();
    new Inbox(
        link,
        time,
        store,
        List.of("fl/*/up/logs"),
        id -> id.epoch().startsWith("e") ? Optional.of("fl/c/down/acks/logs") : Optional.empty(),
        InboxListener.NONE,
        AckLevel.STORED);
    return link;
  }

  @Test
  void aPeerThatStoresIsToldWhenABatchIsSynced() {
    StoringLink link = storingLink();
    store.syncDelay = 10_000_000;
    CompletableFuture<Void> first = link.give(batch(1, 2, "a\nb"), "a\nb");
    CompletableFuture<Void> again = link.give(batch(1, 2, "a\nb"), "a\nb");
    assertThat(first).isNotDone();
    assertThat(again).as("a repeat of what is not synced yet").isNotDone();
    settle();
    assertThat(again).isCompleted();
    assertThat(first).as("let go: the answer for the repeat is the answer for both").isNotDone();
    assertThat(link.give(batch(1, 2, "a\nb"), "a\nb")).as("of what is").isCompleted();
    assertThat(store.batches(ID)).hasSize(1);
  }

  @Test
  void whatComesAgainAndAgainWhileItIsEarlyTakesNoMoreRoomEachTime() {
    StoringLink link = storingLink();
    List<CompletableFuture<Void>> given = new ArrayList<>();
    List<CompletableFuture<Void>> all = new ArrayList<>();
    for (int i = 0; i < 1000; i++) {
      CompletableFuture<Void> one = link.give(batch(2, 1, "b"), "b");
      all.add(one.thenAccept(done -> {})); // as a transport does
      given.add(one);
    }
    assertThat(given).allSatisfy(one -> assertThat(one.getNumberOfDependents()).isLessThan(2));
    last(link, batch(1, 1, "a"), "a");
    settle();
    assertThat(all.get(999)).isCompleted();
    assertThat(store.storedUpTo(ID)).isEqualTo(2);
  }

  /** One of which the sender says that it holds nothing below it. */
  private Map<String, String> alone(long first, String text) {
    Map<String, String> headers = batch(first, 1, text);
    headers.put("fl-held", Long.toString(first));
    return headers;
  }

  @Test
  void whatAPeerThatStoresHasLostBecomesAGapInTheEnd() {
    StoringLink link = storingLink();
    String x = "x";
    String y = "y";
    last(link, batch(1, 1, "a"), "a");
    settle();
    last(link, alone(5, x), x);
    last(link, alone(8, y), y);
    for (int repeat = 1; repeat <= 2; repeat++) {
      time.pass(Duration.ofSeconds(7));
      last(link, alone(5, x), x);
      last(link, alone(8, y), y);
    }
    time.pass(Duration.ofMillis(900));
    last(link, alone(5, x), x);
    settle();
    assertThat(store.storedUpTo(ID)).as("three times, but not long enough").isEqualTo(1);
    time.pass(Duration.ofSeconds(5));
    last(link, alone(5, x), x);
    settle();
    assertThat(last).isCompleted();
    assertThat(store.storedUpTo(ID)).isEqualTo(5);
    assertThat(store.batches(ID).get(1).gap()).isEqualTo("not-kept");
    assertThat(store.batches(ID).get(1).first()).isEqualTo(2);
    assertThat(store.batches(ID).get(1).last()).isEqualTo(4);
    for (int repeat = 0; repeat <= 3; repeat++) {
      last(link, alone(8, y), y);
      time.pass(Duration.ofSeconds(6));
    }
    assertThat(last).isCompleted();
    assertThat(store.storedUpTo(ID)).isEqualTo(8);
  }

  @Test
  void aPeerMayAlsoLoseWhatHasShownThatSomethingIsMissing() {
    StoringLink link = storingLink();
    last(link, alone(5, "x"), "x");
    for (int repeat = 0; repeat <= 8; repeat++) {
      time.pass(Duration.ofSeconds(5));
      last(link, alone(8, "y"), "y"); // and 5 does not come again
    }
    settle();
    assertThat(last).isCompleted();
    assertThat(store.batches(ID).get(0).gap()).isEqualTo("not-kept");
    assertThat(store.storedUpTo(ID)).isEqualTo(8);
  }

  private CompletableFuture<Void> last = new CompletableFuture<>();

  private void last(StoringLink link, Map<String, String> headers, String text) {
    last = link.give(headers, text);
  }

  @Test
  void whatAPeerThatStoresMayStillGiveIsWaitedFor() {
    StoringLink link = storingLink();
    for (int repeat = 0; repeat < 20; repeat++) { // the sender holds it itself
      last(link, batch(3, 1, "c"), "c");
      time.pass(Duration.ofSeconds(5));
    }
    assertThat(store.storedUpTo(ID)).isZero();
    CompletableFuture<Void> once =
        link.give(alone(3, "c"), "c"); // long ago, but the peer is not giving again
    time.pass(Duration.ofSeconds(100));
    CompletableFuture<Void> again = link.give(alone(3, "c"), "c");
    settle();
    assertThat(store.storedUpTo(ID)).isZero();
    CompletableFuture<Void> late = link.give(batch(1, 2, "a\nb"), "a\nb");
    settle();
    assertThat(late).isCompleted();
    assertThat(again).isCompleted();
    assertThat(once).isNotDone();
    assertThat(store.batches(ID)).allMatch(batch -> batch.gap() == null);
  }

  @Test
  void whatAFullStoreDidNotTakeIsNotTakenForLost() {
    StoringLink link = storingLink();
    store.full = true;
    for (int repeat = 0; repeat < 40; repeat++) {
      last(link, alone(2, "b"), "b");
      last(link, batch(1, 1, "a"), "a");
      time.pass(Duration.ofSeconds(1));
      assertThat(last).isCompletedExceptionally();
    }
    store.full = false;
    CompletableFuture<Void> early = link.give(alone(2, "b"), "b");
    last(link, batch(1, 1, "a"), "a");
    settle();
    assertThat(last).isCompleted();
    assertThat(early).isCompleted();
    assertThat(store.batches(ID)).hasSize(2).allMatch(batch -> batch.gap() == null);
  }

  @Test
  void whatIsHeldIsToldAsItMustBe() {
    refused("bad-numbers", "fl-held", "2");
    refused("bad-header", "fl-held", "0");
    Map<String, String> headers = batch(5, 1, "x");
    headers.put("fl-kept", "3");
    headers.put("fl-held", "2");
    send(headers);
    settle();
    assertThat(refusals).last().isEqualTo("bad-numbers");
  }

  @Test
  void aPeerThatStoresWaitsForWhatIsEarlyAndGivesAgainWhatFindsNoRoom() {
    StoringLink link = storingLink();
    List<CompletableFuture<Void>> early = new ArrayList<>();
    for (int number = 2; number <= 258; number++) {
      early.add(link.give(batch(number, 1, "x"), "x"));
    }
    settle();
    assertThat(early.subList(0, 256)).noneMatch(CompletableFuture::isDone);
    assertThat(early.get(256)).as("beyond what waits").isCompletedExceptionally();
    CompletableFuture<Void> first = link.give(batch(1, 1, "x"), "x");
    settle();
    assertThat(first).isCompleted();
    assertThat(early.subList(0, 256)).allMatch(one -> !one.isCompletedExceptionally());
    assertThat(early.subList(0, 256)).allMatch(CompletableFuture::isDone);
    assertThat(store.storedUpTo(ID)).isEqualTo(257);
  }

  @Test
  void aPeerThatStoresIsToldToGiveAgainWhatAFullStoreDidNotTake() {
    StoringLink link = storingLink();
    store.full = true;
    CompletableFuture<Void> stored = link.give(batch(1, 1, "x"), "x");
    settle();
    assertThat(stored).isCompletedExceptionally();
    store.full = false;
    stored = link.give(batch(1, 1, "x"), "x");
    settle();
    assertThat(stored).isCompleted();
  }

  @Test
  void aPeerThatStoresIsRidOfWhatIsRefusedForGood() {
    StoringLink link = storingLink();
    Map<String, String> headers = batch(1, 1, "x");
    headers.put("fl-epoch", "unknown");
    assertThat(link.give(headers, "x")).isCompleted();
    assertThat(store.batches(ID)).isEmpty();
  }
}
