// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.transport.nats;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import dev.fairlead.transport.access.Credential;
import dev.fairlead.transport.api.Message;
import dev.fairlead.transport.api.Transport;
import dev.fairlead.transport.api.TransportException;
import dev.fairlead.transport.api.TransportProvider;
import dev.fairlead.transport.nats.access.TestBroker;
import dev.fairlead.transport.tck.End;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutionException;
import java.util.function.Function;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** What JetStream stores, with a real server. */
class StoredTest {

  private static final String STORE = "fl/*/up/logs,fl/*/up/events";
  private static final Duration LONG = Duration.ofSeconds(30);

  private static final List<String> ODD =
      List.of("1", "3", "5", "7", "9", "11", "13", "15", "17", "19");

  private final TestBroker broker = TestBroker.start(Map.of("store", STORE, "store.mib", "16"));
  private final List<AutoCloseable> toClose = new ArrayList<>();

  @AfterEach
  void end() throws Exception {
    for (AutoCloseable one : toClose) {
      one.close();
    }
    broker.close();
  }

  private End agent(String id) {
    return agent(id, broker.agent(id));
  }

  private End agent(String id, Credential credential) {
    End peer =
        Ends.open(
            broker.endpoint().uri().toString(),
            broker.endpoint().caSha256(),
            Map.of(
                TransportProvider.CREDENTIAL,
                credential.content(),
                TransportProvider.REPLIES,
                "fl/" + id + "/down/replies"));
    toClose.add(peer);
    return peer.connected();
  }

  private End collector() {
    End peer = Ends.open(broker.endpoint(), broker.collector());
    toClose.add(peer);
    return peer.connected();
  }

  private static CompletableFuture<Void> store(End peer, String address, String text) {
    return store(peer, address, text.getBytes(UTF_8));
  }

  private static CompletableFuture<Void> store(End peer, String address, byte[] payload) {
    return peer.transport().sendStored(new Message(address, payload)).toCompletableFuture();
  }

  /** Takes what is stored, and says that it is dealt with. */
  private static List<String> taking(End peer, String pattern) {
    List<String> taken = new CopyOnWriteArrayList<>();
    peer.transport()
        .subscribeStored(
            pattern,
            message -> {
              taken.add(new String(message.bytes(), UTF_8));
              return CompletableFuture.completedStage(null);
            });
    return taken;
  }

  @Test
  void whatIsStoredWaitsForItsReaderAndOutlivesItsSender() throws Exception {
    End agent = agent("1");
    List<CompletableFuture<Void>> sent = new ArrayList<>();
    for (int i = 0; i < 500; i++) {
      sent.add(store(agent, "fl/1/up/logs", "line " + i));
    }
    for (CompletableFuture<Void> one : sent) {
      one.get();
    }
    agent.close();
    List<String> taken = taking(collector(), "fl/*/up/logs");
    await().atMost(LONG).until(() -> taken.size() >= 500);
    assertThat(taken)
        .containsExactlyElementsOf(IntStream.range(0, 500).mapToObj(i -> "line " + i).toList());
  }

  @Test
  void aReaderIsGivenWhatItAskedForAlone() throws Exception {
    End agent = agent("1");
    End collector = collector();
    List<String> logs = taking(collector, "fl/*/up/logs");
    store(agent, "fl/1/up/events", "event").get();
    store(agent, "fl/1/up/logs", "line").get();
    await().atMost(LONG).until(() -> !logs.isEmpty());
    assertThat(logs).containsExactly("line");
    List<String> events = taking(collector, "fl/*/up/events");
    await().atMost(LONG).until(() -> !events.isEmpty());
    assertThat(events).containsExactly("event");
  }

  @Test
  void whatIsNotDealtWithComesAgain() throws Exception {
    End agent = agent("1");
    for (int i = 0; i < 20; i++) {
      store(agent, "fl/1/up/logs", "" + i).get();
    }
    // The first reader deals with the even ones, fails three, and dies with the others.
    End first = collector();
    Set<String> dealtWith = new HashSet<>();
    List<String> seen = new CopyOnWriteArrayList<>();
    first
        .transport()
        .subscribeStored(
            "fl/*/up/logs",
            message -> {
              String text = new String(message.bytes(), UTF_8);
              seen.add(text);
              int number = Integer.parseInt(text);
              if (number % 2 == 0) {
                dealtWith.add(text);
                return CompletableFuture.completedStage(null);
              }
              return number < 6
                  ? CompletableFuture.failedStage(new IllegalStateException("No room."))
                  : new CompletableFuture<>();
            });
    await().atMost(LONG).until(() -> seen.stream().filter("1"::equals).count() >= 2);
    first.close();
    List<String> taken = taking(collector(), "fl/*/up/logs");
    await().atMost(LONG).until(() -> taken.containsAll(ODD));
    // An answer may be lost as well, if rarely: then what was dealt with comes again.
    assertThat(taken.stream().filter(dealtWith::contains)).hasSizeLessThan(3);
  }

  @Test
  void aFullStoreRefusesTheNewAndKeepsTheOldInTheirOrder() throws Exception {
    End agent = agent("1");
    int stored = 0;
    TransportException refusal = null;
    byte[] large = new byte[512 * 1024];
    while (refusal == null && stored < 100) {
      large[0] = (byte) stored;
      try {
        store(agent, "fl/1/up/logs", large.clone()).get();
        stored++;
      } catch (ExecutionException e) {
        refusal = (TransportException) e.getCause();
      }
    }
    assertThat(refusal).isNotNull();
    assertThat(refusal.category()).isEqualTo(TransportException.Category.RETRY);
    assertThat(refusal.code()).isEqualTo("store-full");
    assertThat(stored).isBetween(20, 40);
    // A small one would find room behind the large one that did not: it must not overtake.
    CompletableFuture<Void> largeAgain = store(agent, "fl/1/up/logs", large.clone());
    CompletableFuture<Void> small = store(agent, "fl/1/up/logs", new byte[] {99});
    assertThatThrownBy(largeAgain::get).hasCauseInstanceOf(TransportException.class);
    assertThatThrownBy(small::get).hasCauseInstanceOf(TransportException.class);
    // Another's room is its own.
    store(agent("2"), "fl/2/up/events", large.clone()).get();
    List<Integer> taken = new CopyOnWriteArrayList<>();
    collector()
        .transport()
        .subscribeStored(
            "fl/*/up/logs",
            message -> {
              taken.add((int) message.bytes()[0]);
              return CompletableFuture.completedStage(null);
            });
    int all = stored;
    await().atMost(LONG).until(() -> taken.size() >= all);
    assertThat(taken).containsExactlyElementsOf(IntStream.range(0, all).boxed().toList());
    await()
        .atMost(LONG)
        .until(() -> !store(agent, "fl/1/up/logs", "room").handle((d, f) -> f != null).get());
  }

  @Test
  void whatTheBrokerHasSaidToStoreSurvivesItsKill() throws Exception {
    End agent = agent("1");
    List<String> confirmed = new CopyOnWriteArrayList<>();
    List<CompletionStage<Void>> sent = new ArrayList<>();
    for (int i = 0; i < 1000; i++) {
      String text = "line " + i;
      sent.add(store(agent, "fl/1/up/logs", text).thenRun(() -> confirmed.add(text)));
      if (i == 700) {
        await().atMost(LONG).until(() -> confirmed.size() > 300);
        broker.kill();
      }
    }
    broker.restart();
    await().atMost(LONG).until(() -> sent.stream().allMatch(s -> s.toCompletableFuture().isDone()));
    List<String> taken = taking(collector(), "fl/*/up/logs");
    await().atMost(LONG).until(() -> taken.containsAll(confirmed));
    assertThat(taken).doesNotHaveDuplicates();
  }

  @Test
  void aBrokenOrderOnOneConnectionIsMendedByTheNext() throws Exception {
    End agent = agent("1");
    store(agent, "fl/1/up/logs", "a").get();
    // Somebody with the same identity sends between: the numbers no longer fit.
    End twin = agent("1", broker.agent("1"));
    store(twin, "fl/1/up/logs", "b").get();
    assertThatThrownBy(() -> store(agent, "fl/1/up/logs", "c").get())
        .hasCauseInstanceOf(TransportException.class)
        .hasMessageContaining("before this one");
    await()
        .atMost(LONG)
        .until(() -> !store(agent, "fl/1/up/logs", "c").handle((d, f) -> f != null).get());
    List<String> taken = taking(collector(), "fl/*/up/logs");
    await().atMost(LONG).until(() -> taken.size() >= 3);
    assertThat(taken).containsExactly("a", "b", "c");
  }

  @Test
  void anAgentReachesNothingButItsOwnAddresses() throws Exception {
    End victim = agent("1");
    store(victim, "fl/1/up/logs", "secret").get();
    Credential credential = broker.agent("2");
    agent("2", credential);
    try (RawClient raw = new RawClient(broker.endpoint(), credential)) {
      for (String subject :
          List.of(
              "$JS.API.STREAM.PURGE.fl~1~up~logs",
              "$JS.API.STREAM.DELETE.fl~1~up~logs",
              "$JS.API.STREAM.MSG.GET.fl~1~up~logs",
              "$JS.API.STREAM.NAMES",
              "$JS.API.INFO",
              "$JS.API.CONSUMER.DURABLE.CREATE.fl~1~up~logs.mine",
              "$JS.API.CONSUMER.MSG.NEXT.fl~1~up~logs.stored",
              "$JS.ACK.fl~1~up~logs.stored.1.1.1.0.0",
              "$JS.API.STREAM.PURGE.fl~2~up~logs",
              "fl.1.up.logs")) {
        assertThat(raw.refusedToPublish(subject)).as(subject).isTrue();
      }
      for (String subject : List.of("~stored.>", "~stored.fl.~.up.logs", "fl.1.down.>", ">")) {
        assertThat(raw.refusedToSubscribe(subject)).as(subject).isTrue();
      }
    }
    List<String> taken = taking(collector(), "fl/*/up/logs");
    await().atMost(LONG).until(() -> taken.contains("secret"));
    assertThat(taken).containsExactly("secret");
  }

  @Test
  void anAnswerThatAnotherHasHadSentIsIgnored() throws Exception {
    End victim = agent("1");
    List<String> answers = new CopyOnWriteArrayList<>();
    victim.transport().subscribe("fl/1/down/**", message -> answers.add(message.address()));
    CompletableFuture<Void> unstored = store(victim, "fl/1/up/other", "nobody stores this");
    Credential credential = broker.agent("2");
    try (RawClient raw = new RawClient(broker.endpoint(), credential)) {
      for (int i = 0; i < 8; i++) {
        for (int token = 1; token <= 4; token++) {
          String reply = "fl.1.down.replies.stored." + token;
          raw.publish("fl.2.up.logs", reply, "NATS/1.0\r\n\r\n", "x");
        }
      }
      raw.flush();
    }
    await().atMost(LONG).until(() -> answers.size() >= 32);
    assertThat(unstored).isNotDone();
    store(victim, "fl/1/up/logs", "a line").get();
    assertThat(unstored).isNotDone();
  }

  @Test
  void anAnswerOfAnotherStreamIsIgnored() {
    List<String> replies = new ArrayList<>();
    StoredSends sends =
        new StoredSends("r.nonce.", (message, reply, expected) -> replies.add(reply));
    CompletableFuture<Void> stored =
        sends.send(new Message("fl/1/up/logs", new byte[1]), 0).toCompletableFuture();
    String reply = replies.get(0);
    sends.answered(reply, "{\"stream\":\"fl~2~up~logs\",\"seq\":7}".getBytes(UTF_8), 0);
    sends.answered(reply, "{\"stream\":3,\"seq\":7}".getBytes(UTF_8), 0);
    sends.answered("r.other.1", "{\"stream\":\"fl~1~up~logs\",\"seq\":7}".getBytes(UTF_8), 0);
    assertThat(stored).isNotDone();
    sends.answered(reply, "{\"stream\":\"fl~1~up~logs\",\"seq\":7}".getBytes(UTF_8), 0);
    assertThat(stored).isCompleted();
    CompletableFuture<Void> next =
        sends.send(new Message("fl/1/up/logs", new byte[1]), 0).toCompletableFuture();
    sends.answered(replies.get(1), "{\"seq\":8}".getBytes(UTF_8), 0);
    assertThat(next).as("it does not say by which stream").isCompletedExceptionally();
  }

  @Test
  void whatIsNoMessageDoesNotKeepOthersFromTheReader() throws Exception {
    Credential credential = broker.agent("1");
    try (RawClient raw = new RawClient(broker.endpoint(), credential)) {
      for (int i = 0; i < 200; i++) {
        raw.publish("fl.1.up.logs", "fl.1.down.x", "NATS/1.0 100 x\r\n\r\n", "");
      }
      raw.flush();
    }
    store(agent("1", credential), "fl/1/up/logs", "line").get();
    List<String> taken = taking(collector(), "fl/*/up/logs");
    await().atMost(LONG).until(() -> !taken.isEmpty());
    assertThat(taken).containsExactly("line");
  }

  @Test
  void whatIsStoredDoesNotWaitInTheWayOfTheRest() throws Exception {
    CountDownLatch slow = new CountDownLatch(1);
    End collector = collector();
    CompletableFuture<Void> began = new CompletableFuture<>();
    collector
        .transport()
        .subscribeStored(
            "fl/*/up/logs",
            message -> {
              began.complete(null);
              try {
                slow.await();
              } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
              }
              return CompletableFuture.completedStage(null);
            });
    collector.receives("fl/*/up/hello");
    End agent = agent("1");
    store(agent, "fl/1/up/logs", "line").get();
    began.get();
    agent.transport().send(new Message("fl/1/up/hello", new byte[1]));
    collector.awaitReceived(1);
    slow.countDown();
  }

  @Test
  void whatIsNotStoredFailsAndSaysSo() {
    End agent = agent("1");
    assertThatThrownBy(() -> store(agent, "fl/2/up/logs", "not mine").get())
        .hasCauseInstanceOf(TransportException.class)
        .hasMessageContaining("does not cover");
    End plain = Ends.open(broker.endpoint(), broker.agent("3"));
    toClose.add(plain);
    plain.connected();
    assertThatThrownBy(() -> store(plain, "fl/3/up/logs", "x").get())
        .hasMessageContaining("replies");
  }

  @Test
  void aStreamGoesWithItsSenderOnceItIsEmpty() throws Exception {
    End agent = agent("1");
    store(agent, "fl/1/up/logs", "last words").get();
    broker.issuer().revoke("1");
    List<String> taken = taking(collector(), "fl/*/up/logs");
    await().atMost(LONG).until(() -> taken.contains("last words"));
    Function<String, Boolean> there = broker::stores;
    broker.agent("2");
    broker.pass(Duration.ofSeconds(50));
    broker.agent("2");
    assertThat(there.apply("fl.1.up.logs")).as("something may be under way still").isTrue();
    assertThat(there.apply("fl.1.up.events")).isTrue();
    broker.pass(Duration.ofSeconds(20));
    await()
        .atMost(LONG)
        .until(
            () -> {
              broker.agent("2");
              return !there.apply("fl.1.up.logs");
            });
    assertThat(there.apply("fl.1.up.events")).isFalse();
    assertThat(there.apply("fl.2.up.logs")).isTrue();
  }

  @Test
  void aPlainSubscriberReadsAlong() throws Exception {
    End reader = Ends.open(broker.endpoint(), broker.reader());
    toClose.add(reader);
    reader.receives("fl/*/up/**").connected();
    store(agent("1"), "fl/1/up/logs", "line").get();
    reader.awaitReceived(1);
    assertThat(reader.transport().state()).isEqualTo(Transport.State.CONNECTED);
  }
}
