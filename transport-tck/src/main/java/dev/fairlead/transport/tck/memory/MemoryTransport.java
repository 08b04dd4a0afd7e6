// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.transport.tck.memory;

import static dev.fairlead.transport.api.TransportException.Category.BROKEN;
import static dev.fairlead.transport.api.TransportException.Category.REFUSED;
import static dev.fairlead.transport.api.TransportException.Category.RETRY;
import static java.lang.System.Logger.Level.TRACE;
import static java.lang.System.Logger.Level.WARNING;

import dev.fairlead.transport.api.Message;
import dev.fairlead.transport.api.Transport;
import dev.fairlead.transport.api.TransportException;
import dev.fairlead.transport.api.TransportListener;
import dev.fairlead.transport.api.TransportProvider;
import dev.fairlead.transport.api.TransportProvider.Capability;
import java.nio.ByteBuffer;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.Consumer;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * One connection to a {@link MemoryHub}. A thread of its own calls listener, handlers and stages;
 * the hub posts to it and never waits for it.
 */
final class MemoryTransport implements Transport {

  private static final System.Logger LOG = System.getLogger(MemoryTransport.class.getName());

  private static final long RETRY_MILLIS = 20;

  /** After a refusal: slower, since each is told to the listener. */
  private static final long REFUSED_MILLIS = 200;

  /** A hub that has left so many pings unanswered is taken for dead. */
  private static final int MISSED_PINGS = 5;

  private static final long QUIESCE_MILLIS = 2000;

  private final String hubName;
  private final Set<Capability> capabilities;
  private final long pingMillis;
  private final Function<String, @Nullable String> settings;
  private final TransportListener listener;
  private final Loop thread;
  private final List<MemorySubscription> subscriptions = new CopyOnWriteArrayList<>();
  private final AtomicBoolean closing = new AtomicBoolean();
  private final CountDownLatch closed = new CountDownLatch(1);
  private volatile State state = State.CONNECTING;
  private volatile @Nullable MemoryLink link;

  // Used by this transport's own thread only.
  private boolean retrying;
  private int unanswered;

  MemoryTransport(
      String hubName,
      Set<Capability> capabilities,
      long silenceMillis,
      Function<String, @Nullable String> settings,
      TransportListener listener) {
    this.hubName = hubName;
    this.capabilities = capabilities;
    this.pingMillis = silenceMillis / MISSED_PINGS;
    this.settings = settings;
    this.listener = listener;
    this.thread = new Loop("fairlead-memory-transport-" + hubName);
  }

  MemoryTransport start() {
    thread.execute(this::connect);
    thread.every(pingMillis, this::beat);
    return this;
  }

  /** Has the hub's news dealt with by this transport's thread. */
  void told(Runnable news) {
    thread.execute(news);
  }

  // Called by any thread.

  @Override
  public CompletionStage<Void> send(Message message) {
    if (closing.get()) {
      return CompletableFuture.failedStage(closedException());
    }
    MemoryLink current = link;
    if (current == null || !current.isOpen()) {
      return CompletableFuture.failedStage(
          new TransportException(
              RETRY, "not-connected", "There is no connection to the hub: send again later."));
    }
    CompletableFuture<Void> stage = new CompletableFuture<>();
    MemoryLink.Sent sent =
        new MemoryLink.Sent(stage, MemoryLink.OVERHEAD + message.payload().remaining());
    if (!current.take(sent)) {
      return CompletableFuture.failedStage(
          new TransportException(
              RETRY, "window-full", "Too much waits for the hub: send again later."));
    }
    // What the link has taken no longer depends on the caller's buffer.
    Message own =
        new Message(
            message.address(),
            message.headers(),
            ByteBuffer.wrap(message.bytes()),
            message.replyTo());
    current.hub().publish(current, sent, own);
    if (!capabilities.contains(Capability.ACKNOWLEDGED_SEND)) {
      told(() -> stage.complete(null));
    }
    if (!current.isOpen()) {
      fail(current, sent, lostException());
    }
    return stage.minimalCompletionStage();
  }

  @Override
  public Subscription subscribe(String pattern, Consumer<Message> handler) {
    Message.requirePattern(pattern);
    if (closing.get()) {
      throw closedException();
    }
    MemorySubscription subscription = new MemorySubscription(this, pattern, handler);
    // Under the lock, so that a connection made meanwhile takes it over either here or there.
    synchronized (subscriptions) {
      subscriptions.add(subscription);
      MemoryLink current = link;
      if (current != null) {
        current.hub().subscribe(current, subscription);
      }
    }
    return subscription;
  }

  void ended(MemorySubscription subscription) {
    synchronized (subscriptions) {
      subscriptions.remove(subscription);
      MemoryLink current = link;
      if (current != null) {
        current.hub().unsubscribe(current, subscription);
      }
    }
  }

  @Override
  public State state() {
    return state;
  }

  @Override
  public void close() {
    if (closing.compareAndSet(false, true)) {
      thread.execute(() -> drain(System.nanoTime()));
    }
    boolean interrupted = false;
    while (true) {
      try {
        closed.await();
        break;
      } catch (InterruptedException e) {
        interrupted = true;
      }
    }
    thread.end();
    if (interrupted) {
      Thread.currentThread().interrupt();
    }
  }

  // From here on: called by this transport's own thread.

  private void connect() {
    retrying = false;
    if (closing.get() || link != null) {
      return;
    }
    unanswered = 0;
    String token = settings.apply(TransportProvider.CREDENTIAL);
    MemoryHub hub = MemoryHub.find(hubName);
    if (hub == null) {
      unreachable("There is no hub named '" + hubName + "'.");
    } else {
      boolean mayLeave = capabilities.contains(Capability.LAST_WILL);
      hub.connect(this, token, mayLeave ? MemoryTransportProvider.lastWill(settings) : null);
    }
  }

  void connected(MemoryLink fresh) {
    if (closing.get() || link != null || !fresh.isOpen()) {
      fresh.shut();
      fresh.hub().forget(fresh);
      if (link == null) {
        retry(RETRY_MILLIS);
      }
      return;
    }
    unanswered = 0;
    synchronized (subscriptions) {
      link = fresh;
      subscriptions.forEach(subscription -> fresh.hub().subscribe(fresh, subscription));
    }
    tell(State.CONNECTED, "Connected to hub '" + hubName + "'.");
  }

  void unreachable(String reason) {
    LOG.log(TRACE, reason);
    retry(RETRY_MILLIS);
  }

  void turnedAway(String code, String sentence) {
    refused(null, new TransportException(REFUSED, code, sentence));
    if (link == null) {
      retry(REFUSED_MILLIS);
    }
  }

  void lost(MemoryLink which, String reason) {
    if (which != link) {
      return;
    }
    link = null;
    if (!closing.get()) {
      // First, so that whoever learns of the loss by a send that fails finds the state to match.
      tell(State.CONNECTING, reason);
      retry(RETRY_MILLIS);
    }
    which.unacknowledged().forEach(sent -> fail(which, sent, lostException()));
  }

  void acknowledged(MemoryLink which, MemoryLink.Sent sent) {
    unanswered = 0;
    if (which.settle(sent)) {
      sent.stage().complete(null);
    }
  }

  void sendRefused(MemoryLink which, MemoryLink.Sent sent, String address) {
    TransportException refusal =
        new TransportException(
            REFUSED,
            "send-not-permitted",
            "The hub does not permit this end to send to '%s'.".formatted(address));
    if (which.settle(sent)) {
      if (capabilities.contains(Capability.REFUSED_SEND)) {
        sent.stage().completeExceptionally(refusal);
      } else {
        sent.stage().complete(null);
      }
    }
    refused(address, refusal);
  }

  void subscribeRefused(String pattern) {
    if (capabilities.contains(Capability.REFUSED_SUBSCRIBE)) {
      refused(
          pattern,
          new TransportException(
              REFUSED,
              "subscribe-not-permitted",
              "The hub does not permit this end to receive '%s'.".formatted(pattern)));
    }
  }

  private void retry(long millis) {
    if (!closing.get() && !retrying) {
      retrying = true;
      thread.after(millis, this::connect);
    }
  }

  /** Asks the hub whether it lives; gives up a connection or an attempt that stays unanswered. */
  private void beat() {
    MemoryLink current = link;
    if (++unanswered > MISSED_PINGS) {
      unanswered = 0;
      if (current == null) {
        retry(RETRY_MILLIS);
      } else if (current.shut()) {
        current.hub().gone(current);
        lost(current, "The hub does not answer.");
      }
    } else if (current != null) {
      current.hub().ping(current, () -> unanswered = 0);
    }
  }

  private void drain(long since) {
    MemoryLink current = link;
    boolean late = TimeUnit.NANOSECONDS.toMillis(System.nanoTime() - since) > QUIESCE_MILLIS;
    if (current != null && !current.unacknowledged().isEmpty() && !late) {
      thread.after(1, () -> drain(since));
      return;
    }
    link = null;
    if (current != null) {
      current.shut();
      current.hub().forget(current);
      current.unacknowledged().forEach(sent -> fail(current, sent, closedException()));
    }
    tell(State.CLOSED, "Closed by its owner.");
    thread.stop();
    closed.countDown();
  }

  private static void fail(MemoryLink which, MemoryLink.Sent sent, TransportException why) {
    if (which.settle(sent)) {
      sent.stage().completeExceptionally(why);
    }
  }

  private void tell(State now, String reason) {
    state = now;
    try {
      listener.stateChanged(now, reason);
    } catch (RuntimeException e) {
      LOG.log(WARNING, "The listener threw when told " + now + "; the transport goes on.", e);
    }
  }

  private void refused(@Nullable String address, TransportException refusal) {
    try {
      listener.refused(address, refusal);
    } catch (RuntimeException e) {
      LOG.log(WARNING, "The listener threw when told a refusal; the transport goes on.", e);
    }
  }

  private static TransportException lostException() {
    return new TransportException(
        RETRY, "connection-lost", "The connection was lost before the hub had answered.");
  }

  private static TransportException closedException() {
    return new TransportException(BROKEN, "closed", "The transport is closed: open another.");
  }
}
