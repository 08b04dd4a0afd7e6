// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.delivery;

import static java.nio.charset.StandardCharsets.UTF_8;
import static java.util.concurrent.TimeUnit.SECONDS;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import dev.fairlead.transport.api.Message;
import dev.fairlead.transport.api.Transport;
import dev.fairlead.transport.api.Transport.State;
import dev.fairlead.transport.api.Transport.Subscription;
import dev.fairlead.transport.api.TransportException;
import dev.fairlead.transport.api.TransportListener;
import dev.fairlead.transport.api.TransportProvider;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

class SwitchboardTest {

  private static final Duration PATIENCE = Duration.ofSeconds(20);
  private static final Message HELLO = new Message("fl/c/up/hello", "hi".getBytes(UTF_8));

  private final SimTransport.Hub hub = new SimTransport.Hub();
  private final SimTransport one = new SimTransport("one", hub);
  private final SimTransport two = new SimTransport("two", hub);
  private final Runner runner = Runner.start("test-runner");
  private final List<String> told = Collections.synchronizedList(new ArrayList<>());
  private final Switchboard board =
      new Switchboard(
          runner,
          new SwitchboardListener() {
            @Override
            public void stateChanged(String transport, State state, String reason) {
              told.add(transport + " " + state);
            }

            @Override
            public void refused(
                String transport, @Nullable String address, TransportException refusal) {
              told.add(transport + " refused " + address);
            }
          });

  @AfterEach
  void close() {
    board.close();
    runner.close();
  }

  @Test
  void beforeTheFirstTransportASendIsForLater() {
    assertThat(board.connected()).isFalse();
    assertThat(board.state()).isEqualTo(State.CONNECTING);
    assertThatThrownBy(() -> board.send(HELLO).toCompletableFuture().join())
        .hasCauseInstanceOf(TransportException.class);
  }

  @Test
  void aSubscriptionMadeBeforeStandsOnEveryTransport() {
    AtomicInteger got = new AtomicInteger();
    Subscription subscription = board.subscribe("fl/*/up/**", message -> got.incrementAndGet());
    use(one);
    board.send(HELLO).toCompletableFuture().join();
    assertThat(got).hasValue(1);
    use(two);
    await().until(() -> one.opened.get(0).state() == State.CLOSED);
    hub.publish(HELLO);
    assertThat(got).hasValue(2);
    subscription.close();
    hub.publish(HELLO);
    assertThat(got).hasValue(2);
  }

  @Test
  void theListenerIsToldByName() {
    use(one);
    one.opened.get(0).lose();
    one.opened.get(0).connect();
    await().until(() -> told.size() >= 3);
    assertThat(told).startsWith("one CONNECTED", "one CONNECTING", "one CONNECTED");
  }

  @Test
  void whoIsToldOfAConnectionFindsIt() {
    CompletableFuture<Boolean> found = new CompletableFuture<>();
    CompletableFuture<Switchboard> made = new CompletableFuture<>();
    SwitchboardListener listener =
        new SwitchboardListener() {
          @Override
          public void stateChanged(String transport, State state, String reason) {
            if (state == State.CONNECTED) {
              found.complete(made.join().connected());
            }
          }

          @Override
          public void refused(
              String transport, @Nullable String address, TransportException refusal) {}
        };
    try (Switchboard quick = new Switchboard(runner, listener)) {
      made.complete(quick);
      quick.use(new QuickToConnect(one, runner), name -> null, PATIENCE);
      await().until(found::isDone);
      assertThat(found).isCompletedWithValue(true);
    }
  }

  @Test
  void whoIsToldThatANewerOneIsConnectedFindsItThoughTheOldOneIsAway() {
    CompletableFuture<Switchboard> made = new CompletableFuture<>();
    List<String> found = Collections.synchronizedList(new ArrayList<>());
    SwitchboardListener listener =
        new SwitchboardListener() {
          @Override
          public void stateChanged(String transport, State state, String reason) {
            found.add(state + " " + made.join().connected());
          }

          @Override
          public void refused(
              String transport, @Nullable String address, TransportException refusal) {}
        };
    try (Switchboard fresh = new Switchboard(runner, listener)) {
      made.complete(fresh);
      fresh.use(one, name -> null, PATIENCE).toCompletableFuture().join();
      one.opened.get(0).lose();
      AtomicInteger connected = new AtomicInteger();
      await().until(() -> found.contains("CONNECTING false"));
      found.clear();
      fresh.onConnected(connected::incrementAndGet);
      SimTransport newer = new SimTransport("one", hub);
      fresh.reopen(one, newer, PATIENCE).toCompletableFuture().orTimeout(60, SECONDS).join();
      await().until(() -> found.contains("CLOSED true"));
      assertThat(found).startsWith("CONNECTED true").doesNotContain("CONNECTED false");
      assertThat(connected).as("what is not acknowledged is sent again once").hasValue(1);
    }
  }

  /** Has connected, and the runner has done all that there was to do, before it is known. */
  private record QuickToConnect(SimTransport to, Runner runner) implements TransportProvider {

    @Override
    public String name() {
      return to.name();
    }

    @Override
    public Set<Capability> capabilities() {
      return to.capabilities();
    }

    @Override
    public Transport open(Function<String, @Nullable String> settings, TransportListener listener) {
      Transport opened = to.open(settings, listener);
      CompletableFuture<Void> through = new CompletableFuture<>();
      runner.execute(() -> through.complete(null));
      through.join();
      return opened;
    }
  }

  @Test
  void aTransportThatDoesNotConnectLeavesTheOldOne() {
    use(one);
    two.connects = false;
    CompletionStage<Void> change = board.use(two, name -> null, Duration.ofMillis(50));
    assertThatThrownBy(() -> change.toCompletableFuture().join())
        .hasCauseInstanceOf(TransportException.class)
        .hasMessageContaining("two");
    assertThat(board.transport()).contains("one");
    await().until(() -> two.opened.get(0).state() == State.CLOSED);
    assertThat(one.opened.get(0).state()).isEqualTo(State.CONNECTED);
  }

  @Test
  void aProviderThatRefusesLeavesTheOldOne() {
    use(one);
    two.refuses = true;
    assertThatThrownBy(() -> board.use(two, name -> null, PATIENCE).toCompletableFuture().join())
        .hasCauseInstanceOf(TransportException.class);
    assertThat(board.transport()).contains("one");
    two.refuses = false;
    use(two);
    assertThat(board.transport()).contains("two");
  }

  @Test
  void aLinkIsReopenedThroughAnotherProviderOfItsName() {
    SimTransport newer = new SimTransport("one", hub);
    use(one);
    board.reopen(one, newer, PATIENCE).toCompletableFuture().orTimeout(60, SECONDS).join();
    assertThat(newer.opened).hasSize(1);
    assertThat(one.opened.get(0).state()).isEqualTo(State.CLOSED);
    assertThat(board.connected()).isTrue();
    assertThat(board.swaps()).isEqualTo(1);
    assertThat(board.failedSwaps()).isZero();
  }

  @Test
  void nothingIsReopenedThatAnotherProviderOpened() {
    use(one);
    board.reopen(two, one, PATIENCE).toCompletableFuture().orTimeout(60, SECONDS).join();
    assertThat(one.opened).hasSize(1);
    assertThat(one.opened.get(0).state()).isEqualTo(State.CONNECTED);
  }

  @Test
  void whatDoesNotConnectAnewStaysWithTheOldProvider() {
    SimTransport newer = new SimTransport("one", hub);
    newer.connects = false;
    use(one);
    CompletionStage<Void> change = board.reopen(one, newer, Duration.ofMillis(50));
    assertThatThrownBy(() -> change.toCompletableFuture().orTimeout(60, SECONDS).join())
        .hasCauseInstanceOf(TransportException.class);
    assertThat(one.opened.get(0).state()).isEqualTo(State.CONNECTED);
    assertThat(board.swaps()).isZero();
    assertThat(board.failedSwaps()).isEqualTo(1);
  }

  @Test
  void theFirstTransportIsCurrentBeforeItConnects() {
    one.connects = false;
    use(one);
    AtomicBoolean connected = new AtomicBoolean();
    board.onConnected(() -> connected.set(true));
    assertThat(board.connected()).isFalse();
    one.opened.get(0).connect();
    await().untilTrue(connected);
    assertThat(board.connected()).isTrue();
  }

  @Test
  void afterCloseNothingGoes() {
    use(one);
    board.close();
    board.close();
    assertThat(one.opened.get(0).state()).isEqualTo(State.CLOSED);
    assertThat(board.state()).isEqualTo(State.CLOSED);
    assertThatThrownBy(() -> board.send(HELLO).toCompletableFuture().join())
        .hasCauseInstanceOf(TransportException.class);
    assertThatThrownBy(() -> board.subscribe("a/**", message -> {}))
        .isInstanceOf(TransportException.class);
  }

  @Test
  void tenSwapsWhileLinesFlowLoseNothing() throws Exception {
    Map<StreamId, Long> upTo = new ConcurrentHashMap<>();
    List<byte[]> stored = Collections.synchronizedList(new ArrayList<>());
    BatchStore store =
        new BatchStore() {
          @Override
          public CompletionStage<Void> append(Batch batch) {
            assertThat(batch.first()).isEqualTo(storedUpTo(batch.stream()) + 1);
            assertThat(batch.isGap()).isFalse();
            stored.addAll(batch.records());
            upTo.put(batch.stream(), batch.last());
            return CompletableFuture.completedStage(null);
          }

          @Override
          public long storedUpTo(StreamId stream) {
            return upTo.getOrDefault(stream, 0L);
          }
        };
    SimTransport sinkSide = new SimTransport("sink", hub);
    Switchboard sink = new Switchboard(runner, SwitchboardListener.NONE);
    sink.use(sinkSide, name -> null, PATIENCE).toCompletableFuture().join();
    Inbox inbox =
        new Inbox(
            sink,
            runner,
            store,
            List.of("fl/*/up/logs"),
            id -> Optional.of("fl/c/down/acks/logs"),
            InboxListener.NONE);
    use(one);
    Outbox outbox = new Outbox(board, runner);
    OutStream stream =
        outbox.open(
            StreamConfig.of("fl/c/up/logs", "fl/c/down/acks/logs", "e").withCapacity(1 << 20));
    AtomicBoolean more = new AtomicBoolean(true);
    Thread writer =
        new Thread(
            () -> {
              try {
                for (int i = 0; more.get() || i < 1000; i++) {
                  stream.append(("line " + i).getBytes(UTF_8));
                }
              } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
              }
            });
    writer.start();
    for (int i = 0; i < 10; i++) {
      int enough = stored.size() + 500;
      await().until(() -> stored.size() >= enough);
      use(i % 2 == 0 ? two : one);
    }
    more.set(false);
    writer.join();
    outbox.drained().toCompletableFuture().join();
    assertThat(stream.books().balanced()).isTrue();
    assertThat(stream.books().delivered()).isEqualTo(stream.last());
    assertThat(stored).hasSize((int) stream.last());
    for (int i = 0; i < stored.size(); i++) {
      assertThat(new String(stored.get(i), UTF_8)).isEqualTo("line " + i);
    }
    outbox.close();
    inbox.close();
    sink.close();
  }

  @Test
  void messagesOfTwoTransportsComeOneAtATime() throws Exception {
    AtomicInteger inside = new AtomicInteger();
    AtomicInteger most = new AtomicInteger();
    AtomicInteger seen = new AtomicInteger();
    board.subscribe(
        "fl/**",
        message -> {
          most.accumulateAndGet(inside.incrementAndGet(), Math::max);
          seen.incrementAndGet();
          inside.decrementAndGet();
        });
    use(one);
    List<Thread> threads = new ArrayList<>();
    for (int i = 0; i < 4; i++) {
      Thread thread =
          new Thread(
              () -> {
                for (int k = 0; k < 2000; k++) {
                  hub.publish(new Message("fl/c/x", Map.of(), ByteBuffer.allocate(0)));
                }
              });
      thread.start();
      threads.add(thread);
    }
    for (Thread thread : threads) {
      thread.join();
    }
    assertThat(seen).hasValue(8000);
    assertThat(most).hasValue(1);
  }

  private void use(SimTransport provider) {
    board.use(provider, name -> null, PATIENCE).toCompletableFuture().join();
  }
}
