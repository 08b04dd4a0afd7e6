// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.transport.base;

import static java.util.concurrent.TimeUnit.SECONDS;
import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.fairlead.transport.api.Message;
import dev.fairlead.transport.api.Transport;
import dev.fairlead.transport.api.TransportException;
import dev.fairlead.transport.api.TransportListener;
import java.time.Duration;
import java.util.Random;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.LinkedBlockingQueue;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** A transport over links that do what a test wants. */
@Timeout(60)
class KeptTransportTest implements TransportListener {

  private final BlockingQueue<FakeLink> links = new LinkedBlockingQueue<>();
  private final BlockingQueue<String> told = new LinkedBlockingQueue<>();
  private volatile Runnable connected = () -> {};

  @Override
  public void stateChanged(Transport.State state, String reason) {
    told.add(state.name());
    if (state == Transport.State.CONNECTED) {
      connected.run();
    }
  }

  @Override
  public void refused(@Nullable String address, TransportException refusal) {
    told.add(refusal.code());
  }

  private KeptTransport open() {
    return KeptTransport.open(
        (owner, threads, timer) -> {
          FakeLink link = new FakeLink(owner, threads);
          links.add(link);
          return link;
        },
        this,
        new Random(1),
        "kept-transport-test");
  }

  private String next() throws InterruptedException {
    return String.valueOf(told.poll(20, SECONDS));
  }

  @Test
  void listenerMayClose() throws Exception {
    CompletableFuture<Transport> opened = new CompletableFuture<>();
    CompletableFuture<Boolean> returned = new CompletableFuture<>();
    connected =
        () -> {
          opened.join().close();
          returned.complete(Thread.currentThread().isInterrupted());
        };
    Transport transport = open();
    opened.complete(transport);
    assertThat(returned.get(20, SECONDS)).as("interrupted").isFalse();
    assertThat(next()).isEqualTo("CONNECTED");
    assertThat(next()).isEqualTo("CLOSED");
    transport.close();
    assertThat(links.take().closed).isDone();
  }

  @Test
  void handlerMayClose() throws Exception {
    Transport transport = open();
    CompletableFuture<Boolean> returned = new CompletableFuture<>();
    transport.subscribe(
        "a/b",
        message -> {
          transport.close();
          returned.complete(Thread.currentThread().isInterrupted());
        });
    FakeLink link = links.take();
    KeptSubscription subscription = link.subscribed.get(20, SECONDS);
    assertThat(next()).isEqualTo("CONNECTED");
    link.threads.execute(() -> subscription.deliver(new Message("a/b", new byte[1])));
    assertThat(returned.get(20, SECONDS)).as("interrupted").isFalse();
    assertThat(next()).isEqualTo("CLOSED");
    transport.close();
    assertThat(link.closed).isDone();
  }

  @Test
  void anotherThreadThatClosesWaitsForTheEnd() throws Exception {
    KeptTransport transport = open();
    assertThat(next()).isEqualTo("CONNECTED");
    transport.close();
    assertThat(transport.state()).isEqualTo(Transport.State.CLOSED);
    assertThat(links.take().threads.isTerminated()).isTrue();
  }

  @Test
  void whatALinkOfBeforeRefusesIsNotTold() throws Exception {
    try (KeptTransport transport = open()) {
      assertThat(next()).isEqualTo("CONNECTED");
      FakeLink first = links.take();
      first.owner.lost(first, "Lost by the test.");
      assertThat(next()).isEqualTo("CONNECTING");
      assertThat(next()).isEqualTo("CONNECTED");
      FakeLink second = links.take();
      await().until(() -> transport.link() == second);
      first.owner.refused(first, Refusal.ofAddress("old", "Refused %s.", "a/b"));
      second.owner.refused(second, Refusal.ofAddress("new", "Refused %s.", "a/b"));
      assertThat(next()).isEqualTo("new");
      first.owner.lost(first, "Lost again.");
      assertThat(transport.state()).isEqualTo(Transport.State.CONNECTED);
    }
    assertThat(told).containsExactly("CLOSED");
  }

  /** Opens at once, and is lost when its owner is told so. */
  private static final class FakeLink implements Link {
    final Owner owner;
    final ExecutorService threads;
    final CompletableFuture<KeptSubscription> subscribed = new CompletableFuture<>();
    final CompletableFuture<@Nullable Void> closed = new CompletableFuture<>();

    FakeLink(Owner owner, ExecutorService threads) {
      this.owner = owner;
      this.threads = threads;
    }

    @Override
    public void open() {}

    @Override
    public @Nullable Refusal failure() {
      return null;
    }

    @Override
    public Runnable subscribe(KeptSubscription subscription) {
      subscribed.complete(subscription);
      return () -> {};
    }

    @Override
    public CompletionStage<Void> send(Message message) {
      return CompletableFuture.completedStage(null);
    }

    @Override
    public void flush(Duration timeout) {}

    @Override
    public Duration connectTimeout() {
      return Duration.ofSeconds(1);
    }

    @Override
    public long underWay() {
      return 0;
    }

    @Override
    public void detach() {}

    @Override
    public void close() {
      closed.complete(null);
    }
  }
}
