// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.delivery;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import dev.fairlead.delivery.Defects.Kind;
import dev.fairlead.transport.api.Message;
import dev.fairlead.transport.api.Transport.Subscription;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.concurrent.CompletionStage;
import java.util.function.Consumer;
import org.junit.jupiter.api.Test;

class CopiesTest {

  private static final String LOGS = "fl/c/up/logs";
  private static final StreamId ID = new StreamId(LOGS, "e1");

  private final SimTime time = new SimTime();
  private final SimNet first = new SimNet(time, new Random(1));
  private final SimNet second = new SimNet(time, new Random(2));
  private final SimNet.End original = first.end();
  private final SimNet.End sink = first.end();
  private final SimNet.End line = second.end();
  private final Copies copies = new Copies(original);
  private final Outbox outbox = new Outbox(copies, time);
  private final SimStore store = new SimStore(time, new Random(3));
  private final Inbox inbox =
      new Inbox(
          sink,
          time,
          store,
          List.of("fl/*/up/logs"),
          id -> Optional.of("fl/c/down/acks/logs"),
          new InboxListener() {
            @Override
            public void refused(String address, DeliveryException reason) {
              throw reason;
            }

            @Override
            public void gap(Batch gap) {}

            @Override
            public void storeFailed(StreamId stream, Throwable reason) {}
          });

  private final OutStream logs =
      outbox.open(
          StreamConfig.of(LOGS, "fl/c/down/acks/logs", "e1").withBatch(1024, Duration.ZERO));
  private int said;

  @Test
  void eachBatchGoesOverTheSecondLinkOnceAndBearsWhereCopiesBegan() {
    say(30);
    time.pass(Duration.ofSeconds(1));
    begin(Defects.NONE);
    say(200);
    original.cut();
    say(50);
    time.pass(Duration.ofSeconds(1));
    original.comeBack();
    time.pass(Duration.ofSeconds(20));

    assertThat(line.sent).isNotEmpty().allMatch(one -> "31".equals(one.headers().get("fl-copy")));
    assertThat(arrivals().keySet()).containsExactlyElementsOf(numbers(31, 280));
    arrivals().forEach((n, text) -> assertThat(text).isEqualTo(List.of("record " + n)));
    assertThat(logs.books().delivered()).isEqualTo(280);
    assertThat(copies.counts().skipped()).isZero();
  }

  @Test
  void whatIsCopiedIsNotStoredAndNotAcknowledged() {
    begin(Defects.NONE);
    sink.keepSent = true;
    say(10);
    time.pass(Duration.ofMillis(100));
    int acknowledged = sink.sent.size();
    Message copy = line.sent.get(0);
    var unused = original.send(copy);
    time.pass(Duration.ofMillis(100));
    assertThat(inbox.books().stored()).isEqualTo(10);
    assertThat(inbox.books().duplicates()).isZero();
    assertThat(sink.sent).hasSize(acknowledged);
    assertThat(ArrivedBatch.read(copy).orElseThrow().copiedFrom()).isEqualTo(1);
  }

  @Test
  void whatCannotBeSentIsLeftOutAndSaidToBeAndTheOriginalsFlow() {
    begin(Defects.NONE);
    say(10);
    time.pass(Duration.ofSeconds(40));
    line.cut();
    say(100);
    time.pass(Duration.ofSeconds(1));
    assertThat(logs.books().delivered()).as("the first link does not wait").isEqualTo(110);
    line.comeBack();
    say(10);
    time.pass(Duration.ofSeconds(1));

    Message gap =
        line.sent.stream().filter(one -> one.headers().containsKey("fl-gap")).findFirst().get();
    assertThat(gap.headers())
        .containsEntry("fl-gap", "not-copied")
        .containsEntry("fl-copy", "1")
        .containsEntry("fl-first", "11")
        .containsEntry("fl-count", "100");
    assertThat(Headers.readBatch(gap).gap()).as("it is a batch by every rule").isNotNull();
    assertThat(arrivals().keySet()).containsAll(numbers(111, 120)).doesNotContain(11L, 110L);
    assertThat(copies.counts().skipped()).isPositive();
  }

  @Test
  void afterANewConnectionWhatWasSentShortlyBeforeIsInDoubt() {
    begin(Defects.NONE);
    say(10);
    time.pass(Duration.ofSeconds(60));
    say(10);
    time.pass(Duration.ofSeconds(1));
    line.cut();
    line.comeBack();
    time.pass(Duration.ofSeconds(1));
    Message gap = line.sent.get(line.sent.size() - 1);
    assertThat(gap.headers()).containsEntry("fl-first", "11").containsEntry("fl-count", "10");
  }

  @Test
  void aSecondLinkThatHangsTakesNoMoreThanItsBoundAndNobodysTime() {
    begin(Defects.NONE);
    second.weather.silence = 1;
    byte[] large = new byte[64 * 1024];
    for (int i = 0; i < 400; i++) {
      append(logs, large);
      time.pass(Duration.ofMillis(20));
    }
    assertThat(logs.books().delivered()).isEqualTo(400);
    assertThat(copies.counts().batches()).isBetween(100L, 128L);
    assertThat(copies.counts().skipped()).isEqualTo(400 - copies.counts().batches());
  }

  @Test
  void whatIsLeftOutLastIsSaidToBeThoughNothingFollows() {
    begin(Defects.NONE);
    say(10);
    time.pass(Duration.ofSeconds(40));
    FailingLink failing = new FailingLink(line);
    copies.begin(failing, time, Defects.NONE, Defects.Listener.NONE);
    say(5);
    time.pass(Duration.ofSeconds(1));
    failing.fails = true;
    say(5);
    time.pass(Duration.ofSeconds(5));
    assertThat(copies.counts().failed()).isPositive();
    failing.fails = false;
    time.pass(Duration.ofSeconds(5));

    Message last = line.sent.get(line.sent.size() - 1);
    assertThat(last.headers())
        .containsEntry("fl-gap", "not-copied")
        .containsEntry("fl-first", "16")
        .containsEntry("fl-count", "5");
    int told = line.sent.size();
    time.pass(Duration.ofMinutes(1));
    assertThat(line.sent).as("told once").hasSize(told);
  }

  @Test
  void aCopyThatCouldNotBeSentTakesNoRoom() {
    FailingLink failing = new FailingLink(line);
    failing.fails = true;
    copies.begin(failing, time, Defects.NONE, Defects.Listener.NONE);
    sendLarge(200);
    assertThat(copies.counts().failed()).as("more than there is room for").isEqualTo(200);
    assertThat(copies.counts().skipped()).isZero();
  }

  @Test
  void aCopyThatCouldNotBeMadeIsSaidToBeLeftOut() {
    line.keepSent = true;
    copies.begin(
        line,
        time,
        new Defects(LOGS, 1, 0, 0, 7),
        (stream, kind, number) -> {
          throw new IllegalStateException("The listener of the test fails.");
        });
    sendLarge(50);
    assertThat(copies.counts().failed()).isEqualTo(1);
    assertThat(line.sent).filteredOn(one -> one.headers().containsKey("fl-gap")).hasSize(1);
    assertThat(arrivals()).hasSize(49);
  }

  private void sendLarge(int records) {
    byte[] large = new byte[64 * 1024];
    for (int i = 0; i < records; i++) {
      append(logs, large);
      time.pass(Duration.ofMillis(20));
    }
    time.pass(Duration.ofSeconds(5));
    assertThat(logs.books().delivered()).isEqualTo(records);
  }

  /** Takes nothing, in the way of a link that breaks its contract, while the test says so. */
  private static final class FailingLink implements Link {

    private final Link behind;
    boolean fails;

    FailingLink(Link behind) {
      this.behind = behind;
    }

    @Override
    public CompletionStage<Void> send(Message message) {
      if (fails) {
        throw new IllegalStateException("The link of the test fails.");
      }
      return behind.send(message);
    }

    @Override
    public Subscription subscribe(String pattern, Consumer<Message> handler) {
      return behind.subscribe(pattern, handler);
    }

    @Override
    public boolean connected() {
      return true;
    }

    @Override
    public Subscription onConnected(Runnable action) {
      return behind.onConnected(action);
    }
  }

  @Test
  void defectsAreMadeInTheCopiesAloneAndAreTheOnesThatAreTold() {
    for (long seed = 1; seed <= 20; seed++) {
      CopiesTest fresh = new CopiesTest();
      fresh.checkDefects(seed);
    }
  }

  private void checkDefects(long seed) {
    Map<Long, Kind> told = new LinkedHashMap<>();
    copies.begin(
        line,
        time,
        new Defects(LOGS, 2, 2, 2, seed),
        (stream, kind, number) -> {
          assertThat(stream).isEqualTo(ID);
          told.put(number, kind);
        });
    line.keepSent = true;
    say(300);
    time.pass(Duration.ofSeconds(1));
    assertThat(told).as("seed %d", seed).hasSize(6);
    Map<Long, List<String>> came = arrivals();
    for (long n = 1; n <= 300; n++) {
      List<String> texts = came.getOrDefault(n, List.of());
      Kind kind = told.get(n);
      if (kind == null) {
        assertThat(texts).containsExactly("record " + n);
      } else if (kind == Kind.DROP) {
        assertThat(texts).isEmpty();
      } else if (kind == Kind.DUPLICATE) {
        assertThat(texts).containsExactly("record " + n, "record " + n);
      } else {
        assertThat(texts).hasSize(1).doesNotContain("record " + n);
        assertThat(texts.get(0)).hasSameSizeAs("record " + n);
      }
    }
    line.sent.forEach(Headers::readBatch); // each has a checksum of its own that fits
    assertThat(inbox.books().stored()).isEqualTo(300);
    assertThat(store.storedUpTo(ID)).isEqualTo(300);
  }

  @Test
  void noMoreIsCopiedAfterTheEndAndAnewWhenItBeginsAgain() {
    begin(Defects.NONE);
    say(10);
    time.pass(Duration.ofMillis(100));
    copies.end();
    say(10);
    time.pass(Duration.ofMillis(100));
    assertThat(copies.counts()).isEqualTo(new Copies.Counts(0, 0, 0));
    begin(Defects.NONE);
    say(10);
    time.pass(Duration.ofMillis(100));
    assertThat(arrivals().keySet()).containsAll(numbers(21, 30)).doesNotContain(11L, 20L);
    assertThat(line.sent.get(line.sent.size() - 1).headers()).containsEntry("fl-copy", "21");
  }

  @Test
  void whatIsNoBatchIsNotRead() {
    assertThat(ArrivedBatch.read(new Message(LOGS, new byte[3]))).isEmpty();
    begin(Defects.NONE);
    var unused = copies.send(new Message("fl/c/up/hello", "{}".getBytes(UTF_8)));
    time.pass(Duration.ofMillis(10));
    assertThat(line.sent).isEmpty();
  }

  private void begin(Defects defects) {
    line.keepSent = true;
    copies.begin(line, time, defects, Defects.Listener.NONE);
  }

  private Map<Long, List<String>> arrivals() {
    Map<Long, List<String>> all = new java.util.TreeMap<>();
    for (Message message : line.sent) {
      ArrivedBatch batch = ArrivedBatch.read(message).orElseThrow();
      if (!batch.gap()) {
        long n = batch.first();
        for (String record : new String(message.bytes(), UTF_8).split("\n", -1)) {
          all.computeIfAbsent(n++, any -> new ArrayList<>()).add(record);
        }
      }
    }
    return all;
  }

  private void say(int records) {
    for (int i = 0; i < records; i++) {
      append(logs, ("record " + ++said).getBytes(UTF_8));
      if (said % 7 == 0) {
        time.settle();
      }
    }
    time.settle();
  }

  private static List<Long> numbers(long from, long to) {
    return java.util.stream.LongStream.rangeClosed(from, to).boxed().toList();
  }

  private static void append(OutStream stream, byte[] record) {
    try {
      stream.append(record);
    } catch (InterruptedException e) {
      throw new AssertionError(e);
    }
  }
}
