// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.transport.nats;

import static dev.fairlead.transport.api.TransportException.Category.BROKEN;
import static java.util.concurrent.TimeUnit.MILLISECONDS;
import static java.util.concurrent.TimeUnit.SECONDS;

import dev.fairlead.transport.api.Message;
import dev.fairlead.transport.api.Transport;
import dev.fairlead.transport.api.TransportException;
import dev.fairlead.transport.api.TransportListener;
import java.io.IOException;
import java.lang.System.Logger.Level;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.ScheduledThreadPoolExecutor;
import java.util.concurrent.SynchronousQueue;
import java.util.concurrent.ThreadFactory;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeoutException;
import java.util.function.Consumer;
import java.util.function.Function;
import java.util.random.RandomGenerator;
import org.jspecify.annotations.Nullable;

/**
 * Keeps one connection up. A thread of its own connects, tells the listener, and waits until the
 * connection is lost or this is closed; after each loss it begins anew, with settings read afresh.
 * Everything that jnats' threads report is only noted for that thread.
 */
final class NatsTransport implements Transport, NatsLink.Owner {

  private static final System.Logger LOG = System.getLogger("dev.fairlead.transport.nats");

  /** Of the five seconds that closing may take; the rest is for a socket that does not let go. */
  private static final Duration QUIESCE = Duration.ofMillis(3_500);

  private static final int MAX_REFUSALS = 256;

  /** A connection that held this long is no sign of a broker that throws us out at once. */
  private static final long STEADY_NANOS = SECONDS.toNanos(2);

  private final Function<String, @Nullable String> settings;
  private final TransportListener listener;
  private final Backoff backoff;
  private final ExecutorService threads;
  private final ScheduledThreadPoolExecutor timer;
  private final Thread driver;

  private volatile State state = State.CONNECTING;
  private volatile @Nullable NatsLink sending;

  private final Object lock = new Object();
  // All below are guarded by lock. A subscription's value is that of jnats on the present link.
  private final Map<NatsSubscription, io.nats.client.@Nullable Subscription> subscriptions =
      new HashMap<>();
  private final Deque<Refusals.Refusal> refusals = new ArrayDeque<>();
  private long refusalsDropped;
  private @Nullable NatsLink link;
  private @Nullable String lost;
  private boolean connecting;
  private boolean connectionRefused;
  private boolean closing;

  NatsTransport(
      Function<String, @Nullable String> settings,
      TransportListener listener,
      RandomGenerator random,
      String name) {
    this.settings = settings;
    this.listener = listener;
    this.backoff = new Backoff(random);
    ThreadFactory factory =
        task -> {
          Thread thread = new Thread(task, name);
          thread.setDaemon(true);
          return thread;
        };
    this.threads =
        new ThreadPoolExecutor(
            0, Integer.MAX_VALUE, 10, SECONDS, new SynchronousQueue<>(), factory);
    this.timer = new ScheduledThreadPoolExecutor(1, factory);
    this.timer.setRemoveOnCancelPolicy(true);
    this.driver = factory.newThread(this::run);
  }

  void start() {
    driver.start();
  }

  @Override
  public CompletionStage<Void> send(Message message) {
    NatsLink to = sending;
    try {
      if (to == null) {
        throw state == State.CLOSED ? closed() : NatsLink.notConnected(null);
      }
      to.send(message);
      return CompletableFuture.completedStage(null);
    } catch (TransportException e) {
      return CompletableFuture.failedStage(e);
    }
  }

  @Override
  public Transport.Subscription subscribe(String pattern, Consumer<Message> handler) {
    Message.requirePattern(pattern);
    NatsSubscription subscription = new NatsSubscription(this, pattern, handler);
    synchronized (lock) {
      if (closing) {
        throw closed();
      }
      subscriptions.put(subscription, link == null ? null : link.subscribe(subscription));
    }
    return subscription;
  }

  /** A subscription was closed. */
  void forget(NatsSubscription subscription) {
    synchronized (lock) {
      io.nats.client.Subscription there = subscriptions.remove(subscription);
      if (there != null && link != null) {
        link.unsubscribe(there);
      }
    }
  }

  @Override
  public State state() {
    return state;
  }

  /** The connection on which messages are sent now, null where there is none. */
  @Nullable NatsLink link() {
    return sending;
  }

  @Override
  public void refused(NatsLink from, Refusals.Refusal refusal) {
    synchronized (lock) {
      if (connecting && refusal.address() == null) {
        if (connectionRefused) {
          return; // one refusal for one attempt
        }
        connectionRefused = true;
        driver.interrupt(); // jnats would wait for its timeout, although the broker has said no
      }
      if (refusals.size() < MAX_REFUSALS) {
        refusals.add(refusal);
      } else {
        refusalsDropped++;
      }
      lock.notifyAll();
    }
  }

  @Override
  public void lost(NatsLink from, String reason) {
    synchronized (lock) {
      if (from == link && lost == null) {
        sending = null;
        lost = reason;
        lock.notifyAll();
      }
    }
  }

  @Override
  public void close() {
    synchronized (lock) {
      closing = true;
      if (connecting) {
        driver.interrupt();
      }
      lock.notifyAll();
    }
    boolean interrupted = false;
    while (driver.isAlive()) {
      try {
        driver.join();
      } catch (InterruptedException e) {
        interrupted = true;
        driver.interrupt(); // no draining for a caller in a hurry
      }
    }
    if (interrupted) {
      Thread.currentThread().interrupt();
    }
  }

  private void run() {
    try {
      while (!isClosing()) {
        NatsLink opened = connect();
        if (opened == null) {
          pause();
        } else {
          long since = System.nanoTime();
          attend(opened);
          if (System.nanoTime() - since > STEADY_NANOS) {
            backoff.reset();
          } else {
            pause();
          }
        }
      }
    } finally {
      sending = null;
      letGo();
      tellRefusals();
      tell(State.CLOSED, "Closed by its owner.");
    }
  }

  /** One attempt; null when it failed. */
  private @Nullable NatsLink connect() {
    NatsLink next = new NatsLink(this, threads);
    synchronized (lock) {
      if (closing) {
        return null;
      }
      connecting = true;
      connectionRefused = false;
    }
    Exception failure = null;
    try {
      next.open(NatsSettings.read(settings), timer);
      synchronized (lock) {
        link = next;
        lost = null;
        subscriptions.replaceAll((subscription, before) -> next.subscribe(subscription));
      }
      // A round trip: the subscriptions stand at the broker, and the connection is truly alive.
      next.flush(next.connectTimeout());
    } catch (TransportException e) {
      refused(next, new Refusals.Refusal(null, e));
      failure = e;
    } catch (IOException | InterruptedException | TimeoutException | RuntimeException e) {
      failure = e;
    }
    synchronized (lock) {
      connecting = false;
      // An interrupt was meant for this attempt alone.
      if (Thread.interrupted() && failure == null && !closing) {
        failure = new InterruptedException("Refused while connecting.");
      }
      if (failure == null && lost == null) {
        return next;
      }
      link = null;
      lost = null;
      subscriptions.replaceAll((subscription, before) -> null);
      if (!connectionRefused) {
        Refusals.Refusal why = Refusals.ofFailure(next.failure());
        if (why != null) {
          connectionRefused = true;
          refusals.add(why);
        }
      }
    }
    LOG.log(Level.DEBUG, "An attempt to connect failed.", failure);
    next.detach();
    threads.execute(() -> close(next));
    return null;
  }

  /** Lives with a connection until it is lost, or this is closed. */
  private void attend(NatsLink opened) {
    synchronized (lock) {
      if (lost == null) {
        sending = opened;
      }
    }
    tell(State.CONNECTED, "Connected to the broker.");
    String reason = null;
    boolean leaving = false;
    while (reason == null && !leaving) {
      synchronized (lock) {
        while (!closing && lost == null && refusals.isEmpty()) {
          await(0);
        }
        reason = lost;
        leaving = closing;
      }
      tellRefusals();
    }
    sending = null;
    if (reason == null) {
      drain(opened);
    }
    opened.detach();
    synchronized (lock) {
      link = null;
      lost = null;
      subscriptions.replaceAll((subscription, before) -> null);
    }
    if (leaving) {
      close(opened);
    } else {
      threads.execute(() -> close(opened)); // a stalled socket takes seconds to let go
      tell(State.CONNECTING, reason == null ? "The connection is lost." : reason);
    }
  }

  private void drain(NatsLink opened) {
    try {
      opened.flush(QUIESCE);
    } catch (TimeoutException e) {
      LOG.log(
          Level.WARNING,
          "The broker has not taken all messages within {0} ms; {1} may be lost.",
          QUIESCE.toMillis(),
          opened.window().messages());
    } catch (InterruptedException | RuntimeException e) {
      LOG.log(Level.DEBUG, "Draining was cut short.", e);
    }
  }

  /** Waits before the next attempt, and tells refusals meanwhile. */
  private void pause() {
    boolean refused;
    synchronized (lock) {
      refused = connectionRefused;
      connectionRefused = false;
    }
    long until = System.nanoTime() + MILLISECONDS.toNanos(backoff.next(refused));
    while (true) {
      tellRefusals();
      synchronized (lock) {
        long left = (until - System.nanoTime()) / 1_000_000;
        if (closing || left <= 0) {
          return;
        }
        if (refusals.isEmpty()) {
          await(left);
        }
      }
    }
  }

  private void letGo() {
    List<NatsSubscription> open;
    synchronized (lock) {
      open = new ArrayList<>(subscriptions.keySet());
      subscriptions.clear();
    }
    open.forEach(NatsSubscription::end);
    timer.shutdownNow();
    threads.shutdown();
    try {
      if (!threads.awaitTermination(2, SECONDS)) {
        threads.shutdownNow();
        if (!threads.awaitTermination(2, SECONDS)) {
          LOG.log(Level.WARNING, "A thread of jnats does not end.");
        }
      }
      timer.awaitTermination(1, SECONDS);
    } catch (InterruptedException e) {
      threads.shutdownNow();
    }
  }

  private static void close(NatsLink link) {
    try {
      link.close();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  private void tellRefusals() {
    List<Refusals.Refusal> told;
    long dropped;
    synchronized (lock) {
      told = new ArrayList<>(refusals);
      refusals.clear();
      dropped = refusalsDropped;
      refusalsDropped = 0;
    }
    for (Refusals.Refusal refusal : told) {
      LOG.log(Level.DEBUG, refusal.cause().getMessage());
      guarded(() -> listener.refused(refusal.address(), refusal.cause()));
    }
    if (dropped > 0) {
      LOG.log(Level.WARNING, "{0} more refusals came faster than they could be told.", dropped);
    }
  }

  private void tell(State next, String reason) {
    if (state != next) {
      state = next;
      LOG.log(Level.DEBUG, "{0}: {1}", next, reason);
      guarded(() -> listener.stateChanged(next, reason));
    }
  }

  private static void guarded(Runnable call) {
    try {
      call.run();
    } catch (RuntimeException e) {
      LOG.log(Level.ERROR, "A listener failed.", e);
    }
  }

  private boolean isClosing() {
    synchronized (lock) {
      return closing;
    }
  }

  /** Waits on the lock, which is held; 0 waits for a call of notify alone. Every caller loops. */
  @SuppressWarnings("WaitNotInLoop")
  private void await(long millis) {
    try {
      lock.wait(millis);
    } catch (InterruptedException e) {
      closing = true; // nobody else interrupts outside of an attempt
    }
  }

  private static TransportException closed() {
    return new TransportException(BROKEN, "closed", "This transport is closed: open another.");
  }
}
