// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.transport.base;

import static dev.fairlead.transport.api.TransportException.Category.BROKEN;
import static dev.fairlead.transport.api.TransportException.Category.RETRY;
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
import java.util.LinkedHashMap;
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
 * connection is lost or this is closed; after each loss it begins anew, with a new link. Everything
 * that a link's threads report is only noted for that thread.
 */
public final class KeptTransport implements Transport, Link.Owner {

  private static final System.Logger LOG = System.getLogger("dev.fairlead.transport.base");

  private static final CompletionStage<Void> DONE = CompletableFuture.completedStage(null);

  /** Of the five seconds that closing may take; the rest is for a socket that does not let go. */
  private static final Duration QUIESCE = Duration.ofMillis(3_500);

  private static final int MAX_REFUSALS = 256;

  /** A connection that held this long is no sign of a broker that throws us out at once. */
  private static final long STEADY_NANOS = SECONDS.toNanos(2);

  private final Link.Maker links;
  private final TransportListener listener;
  private final Backoff backoff;
  private final ExecutorService threads;
  private final ScheduledThreadPoolExecutor timer;
  private final Thread driver;

  private volatile State state = State.CONNECTING;
  private volatile @Nullable Link sending;

  private final Object lock = new Object();
  // All below are guarded by lock. A subscription's value ends it on the present link.
  private final Map<KeptSubscription, @Nullable Runnable> subscriptions = new LinkedHashMap<>();
  private final Deque<Refusal> refusals = new ArrayDeque<>();
  private long refusalsDropped;
  private @Nullable Link attempt;
  private @Nullable Link link;
  private @Nullable String lost;
  private boolean connectionRefused;
  private boolean closing;

  /** A thread of one transport. */
  private static final class Own extends Thread {
    final KeptTransport transport;

    Own(KeptTransport transport, Runnable task, String name) {
      super(task, name);
      this.transport = transport;
    }
  }

  private KeptTransport(
      Link.Maker links, TransportListener listener, RandomGenerator random, String name) {
    this.links = links;
    this.listener = listener;
    this.backoff = new Backoff(random);
    ThreadFactory factory =
        task -> {
          Thread thread = new Own(this, task, name);
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

  /**
   * Opens one, which connects in the background.
   *
   * @param listener of the transport
   * @param random for the waits between attempts
   * @param name of its threads
   */
  public static KeptTransport open(
      Link.Maker links, TransportListener listener, RandomGenerator random, String name) {
    KeptTransport transport = new KeptTransport(links, listener, random, name);
    transport.driver.start();
    return transport;
  }

  @Override
  public CompletionStage<Void> send(Message message) {
    Link to = sending;
    if (to == null) {
      return CompletableFuture.failedStage(state == State.CLOSED ? closed() : notConnected(null));
    }
    return to.send(message);
  }

  @Override
  public CompletionStage<Void> sendStored(Message message) {
    Link to = sending;
    if (to == null) {
      return CompletableFuture.failedStage(state == State.CLOSED ? closed() : notConnected(null));
    }
    CompletionStage<Void> stored = to.sendStored(message);
    return stored == null ? Transport.super.sendStored(message) : stored;
  }

  @Override
  public Transport.Subscription subscribe(String pattern, Consumer<Message> handler) {
    return subscribe(
        pattern,
        message -> {
          handler.accept(message);
          return DONE;
        },
        false);
  }

  @Override
  public Transport.Subscription subscribeStored(
      String pattern, Function<Message, CompletionStage<Void>> handler) {
    return subscribe(pattern, handler, true);
  }

  private Transport.Subscription subscribe(
      String pattern, Function<Message, CompletionStage<Void>> handler, boolean stored) {
    Message.requirePattern(pattern);
    KeptSubscription subscription = new KeptSubscription(this, pattern, handler, stored);
    synchronized (lock) {
      if (closing) {
        throw closed();
      }
      subscriptions.put(subscription, link == null ? null : link.subscribe(subscription));
    }
    return subscription;
  }

  /** A subscription was closed. */
  void forget(KeptSubscription subscription) {
    synchronized (lock) {
      Runnable there = subscriptions.remove(subscription);
      if (there != null && link != null) {
        there.run();
      }
    }
  }

  @Override
  public State state() {
    return state;
  }

  /** The connection on which messages are sent now, null where there is none. */
  public @Nullable Link link() {
    return sending;
  }

  @Override
  public void refused(Link from, Refusal refusal) {
    synchronized (lock) {
      if (from != link && from != attempt) {
        return; // what a connection of before has to say counts no more
      }
      if (attempt != null && refusal.address() == null) {
        if (connectionRefused) {
          return; // one refusal for one attempt
        }
        connectionRefused = true;
        driver.interrupt(); // a client may wait for its timeout, although the broker has said no
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
  public void lost(Link from, String reason) {
    synchronized (lock) {
      if ((from == link || from == attempt) && lost == null) {
        sending = null;
        lost = reason;
        lock.notifyAll();
      }
    }
  }

  /**
   * {@inheritDoc}
   *
   * <p>A thread of this transport that calls it all the same, in a listener or a handler, is not
   * waited for by itself: the end comes as soon as it has returned.
   */
  @Override
  public void close() {
    synchronized (lock) {
      closing = true;
      if (attempt != null) {
        driver.interrupt();
      }
      lock.notifyAll();
    }
    if (Thread.currentThread() instanceof Own own && own.transport == this) {
      return;
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
        Link opened = connect();
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
  private @Nullable Link connect() {
    Link next = links.make(this, threads, timer);
    synchronized (lock) {
      if (closing) {
        return null;
      }
      attempt = next;
      lost = null;
      connectionRefused = false;
    }
    Exception failure = null;
    try {
      next.open();
      synchronized (lock) {
        link = next;
        subscriptions.replaceAll((subscription, before) -> next.subscribe(subscription));
      }
      // A round trip: the subscriptions stand at the broker, and the connection is truly alive.
      next.flush(next.connectTimeout());
    } catch (TransportException e) {
      refused(next, new Refusal(null, e));
      failure = e;
    } catch (IOException | InterruptedException | TimeoutException | RuntimeException e) {
      failure = e;
    }
    synchronized (lock) {
      attempt = null;
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
        Refusal why = next.failure();
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
  private void attend(Link opened) {
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

  private void drain(Link opened) {
    try {
      opened.flush(QUIESCE);
    } catch (TimeoutException e) {
      LOG.log(
          Level.WARNING,
          "The broker has not taken all messages within {0} ms; {1} may be lost.",
          QUIESCE.toMillis(),
          opened.underWay());
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
    List<KeptSubscription> open;
    synchronized (lock) {
      open = new ArrayList<>(subscriptions.keySet());
      subscriptions.clear();
    }
    open.forEach(KeptSubscription::end);
    timer.shutdownNow();
    threads.shutdown();
    try {
      if (!threads.awaitTermination(2, SECONDS)) {
        threads.shutdownNow();
        if (!threads.awaitTermination(2, SECONDS)) {
          LOG.log(Level.WARNING, "A thread of the connection does not end.");
        }
      }
      timer.awaitTermination(1, SECONDS);
    } catch (InterruptedException e) {
      threads.shutdownNow();
    }
  }

  private static void close(Link link) {
    try {
      link.close();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  private void tellRefusals() {
    List<Refusal> told;
    long dropped;
    synchronized (lock) {
      told = new ArrayList<>(refusals);
      refusals.clear();
      dropped = refusalsDropped;
      refusalsDropped = 0;
    }
    for (Refusal refusal : told) {
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

  /** What a send fails with that finds no connection. */
  public static TransportException notConnected(@Nullable Throwable cause) {
    return new TransportException(
        RETRY, "not-connected", "There is no connection to the broker: try again later.", cause);
  }

  /** What a send fails with that finds no room. */
  public static TransportException busy(@Nullable Throwable cause) {
    return new TransportException(
        RETRY, "busy", "As much as may be is already on its way to the broker: try again.", cause);
  }

  private static TransportException closed() {
    return new TransportException(BROKEN, "closed", "This transport is closed: open another.");
  }
}
