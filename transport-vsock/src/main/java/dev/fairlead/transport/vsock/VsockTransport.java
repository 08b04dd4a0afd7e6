// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.transport.vsock;

import static dev.fairlead.transport.api.TransportException.Category.BROKEN;
import static dev.fairlead.transport.api.TransportException.Category.REFUSED;
import static dev.fairlead.transport.api.TransportException.Category.RETRY;
import static java.util.concurrent.TimeUnit.MILLISECONDS;
import static java.util.concurrent.TimeUnit.SECONDS;

import dev.fairlead.transport.api.Message;
import dev.fairlead.transport.api.Transport;
import dev.fairlead.transport.api.TransportException;
import dev.fairlead.transport.api.TransportListener;
import dev.fairlead.transport.vsock.wire.Wire;
import java.lang.System.Logger.Level;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.ThreadFactory;
import java.util.function.Consumer;
import java.util.function.Function;
import java.util.random.RandomGenerator;
import org.jspecify.annotations.Nullable;

/**
 * Keeps one connection up. A thread of its own connects, tells the listener, asks the hub for signs
 * of life, and waits until the connection is lost or this is closed; after each loss it begins
 * anew, with settings read afresh. What the link's threads report is only noted for that thread.
 */
final class VsockTransport implements Transport, Link.Owner {

  private static final System.Logger LOG = System.getLogger("dev.fairlead.transport.vsock");

  /** Of the five seconds that closing may take; the rest is for handlers and sockets. */
  private static final long QUIESCE_NANOS = MILLISECONDS.toNanos(3_000);

  private static final long SILENCE_NANOS = MILLISECONDS.toNanos(Wire.SILENCE_MILLIS);
  private static final long LOOK_MILLIS = 250;
  private static final int MAX_REFUSALS = 256;

  /** A connection that held this long is no sign of a hub that throws us out at once. */
  private static final long STEADY_NANOS = SECONDS.toNanos(2);

  private record Refusal(@Nullable String address, TransportException cause) {}

  private final Function<String, @Nullable String> settings;
  private final TransportListener listener;
  private final Backoff backoff;
  private final String name;
  private final Handlers handlers;
  private final Thread driver;

  private volatile State state = State.CONNECTING;
  private volatile boolean closing;
  private volatile @Nullable Outgoing sending;

  private final Object lock = new Object();
  // All below are guarded by lock.
  private final Map<Integer, VsockSubscription> subscriptions = new LinkedHashMap<>();
  private final Deque<Refusal> refusals = new ArrayDeque<>();
  private int lastNumber;
  private long refusalsDropped;
  private @Nullable Link link;
  private @Nullable String lost;
  private boolean connectionRefused;

  VsockTransport(
      Function<String, @Nullable String> settings,
      TransportListener listener,
      RandomGenerator random,
      String name) {
    this.settings = settings;
    this.listener = listener;
    this.backoff = new Backoff(random);
    this.name = name;
    this.handlers = new Handlers(name + "-handlers");
    this.driver = threads("-driver").newThread(this::run);
  }

  private ThreadFactory threads(String role) {
    return task -> {
      Thread thread = new Thread(task, name + role);
      thread.setDaemon(true);
      return thread;
    };
  }

  void start() {
    handlers.start();
    driver.start();
  }

  // Called by any thread.

  @Override
  public CompletionStage<Void> send(Message message) {
    if (closing) {
      return CompletableFuture.failedStage(closed());
    }
    Outgoing current = sending;
    if (current == null) {
      return CompletableFuture.failedStage(
          new TransportException(
              RETRY, "not-connected", "There is no connection to the hub: send again later."));
    }
    return current.send(message);
  }

  @Override
  public Subscription subscribe(String pattern, Consumer<Message> handler) {
    Message.requirePattern(pattern);
    synchronized (lock) {
      if (closing) {
        throw closed();
      }
      VsockSubscription subscription = new VsockSubscription(this, ++lastNumber, pattern, handler);
      subscriptions.put(subscription.number(), subscription);
      Outgoing current = sending;
      if (current != null) {
        current.put(new Outgoing.Subscribe(subscription.number(), pattern));
      }
      return subscription;
    }
  }

  void forget(VsockSubscription subscription) {
    synchronized (lock) {
      Outgoing current = sending;
      if (subscriptions.remove(subscription.number()) != null && current != null) {
        current.put(new Outgoing.Unsubscribe(subscription.number()));
      }
    }
  }

  @Override
  public State state() {
    return state;
  }

  @Override
  public void close() {
    synchronized (lock) {
      closing = true;
      lock.notifyAll();
    }
    boolean interrupted = false;
    while (Thread.currentThread() != driver) {
      try {
        driver.join();
        break;
      } catch (InterruptedException e) {
        interrupted = true;
      }
    }
    if (interrupted) {
      Thread.currentThread().interrupt();
    }
  }

  // Called by the link's threads.

  @Override
  public void up(Link which, Outgoing outgoing) {
    synchronized (lock) {
      if (which == link && lost == null) {
        subscriptions
            .values()
            .forEach(each -> outgoing.put(new Outgoing.Subscribe(each.number(), each.pattern())));
        sending = outgoing;
        lock.notifyAll();
      }
    }
  }

  @Override
  public void down(Link which, String reason, @Nullable TransportException refusal) {
    synchronized (lock) {
      if (which == link) {
        lost = reason;
        sending = null;
        if (refusal != null) {
          connectionRefused = true;
          note(new Refusal(null, refusal));
        }
        lock.notifyAll();
      }
    }
  }

  @Override
  public void refused(String address, TransportException refusal) {
    synchronized (lock) {
      note(new Refusal(address, refusal));
      lock.notifyAll();
    }
  }

  @Override
  public @Nullable VsockSubscription subscription(int number) {
    synchronized (lock) {
      return subscriptions.get(number);
    }
  }

  private void note(Refusal refusal) {
    if (refusals.size() < MAX_REFUSALS) {
      refusals.add(refusal);
    } else {
      refusalsDropped++;
    }
  }

  // From here on: the driver's own.

  private void run() {
    try {
      while (!closing) {
        attempt();
        if (!closing) {
          pause();
        }
      }
    } catch (InterruptedException e) {
      LOG.log(Level.WARNING, "The transport's thread was interrupted: it closes.", e);
      closing = true;
    } finally {
      List<VsockSubscription> open;
      synchronized (lock) {
        open = new ArrayList<>(subscriptions.values());
        subscriptions.clear();
      }
      handlers.close();
      open.forEach(VsockSubscription::end);
      tellRefusals();
      tell(State.CLOSED, "Closed by its owner.");
    }
  }

  /** Makes one connection, and serves it until its end. */
  private void attempt() throws InterruptedException {
    VsockSettings now;
    try {
      now = VsockSettings.read(settings);
    } catch (TransportException e) {
      refuseItself(e);
      return;
    } catch (RuntimeException e) {
      LOG.log(Level.ERROR, "The settings cannot be read.", e);
      refuseItself(
          new TransportException(
              REFUSED, "bad-setting", "The settings cannot be read: see the log.", e));
      return;
    }
    Link opened = new Link(now, this, handlers, threads("-read"), threads("-write"));
    synchronized (lock) {
      link = opened;
      lost = null;
      sending = null;
    }
    opened.start();
    Outgoing outgoing = awaitUp();
    if (outgoing != null) {
      tell(State.CONNECTED, "Connected to the hub at " + now.hub() + ".");
      long connectedAt = System.nanoTime();
      serve(opened, outgoing);
      if (System.nanoTime() - connectedAt > STEADY_NANOS) {
        backoff.reset();
      }
      if (closing && !outgoing.drain(QUIESCE_NANOS)) {
        LOG.log(Level.WARNING, "The hub has not taken all messages in time; the rest fails.");
      }
    }
    opened.end(closing ? "Closed by its owner." : "The hub does not answer.");
    String reason;
    synchronized (lock) {
      link = null;
      reason = lost;
    }
    opened.join();
    if (!closing) {
      tell(State.CONNECTING, reason == null ? "The connection is lost." : reason);
    }
  }

  private void refuseItself(TransportException refusal) {
    synchronized (lock) {
      connectionRefused = true;
      note(new Refusal(null, refusal));
    }
  }

  private @Nullable Outgoing awaitUp() throws InterruptedException {
    long until = System.nanoTime() + SILENCE_NANOS;
    synchronized (lock) {
      while (!closing && lost == null && sending == null) {
        long left = (until - System.nanoTime()) / 1_000_000;
        if (left <= 0) {
          return null;
        }
        lock.wait(left);
      }
      return sending;
    }
  }

  private void serve(Link opened, Outgoing outgoing) throws InterruptedException {
    long pingAt = System.nanoTime() + MILLISECONDS.toNanos(Wire.PING_MILLIS);
    while (true) {
      tellRefusals();
      long now = System.nanoTime();
      if (now - opened.heardAt() > SILENCE_NANOS) {
        opened.end("The hub has said nothing for " + Wire.SILENCE_MILLIS + " ms.");
      } else if (now - pingAt >= 0) {
        outgoing.ping();
        pingAt = now + MILLISECONDS.toNanos(Wire.PING_MILLIS);
      }
      synchronized (lock) {
        if (closing || lost != null) {
          return;
        }
        if (refusals.isEmpty()) {
          lock.wait(LOOK_MILLIS);
        }
      }
    }
  }

  /** Waits before the next attempt, and tells refusals meanwhile. */
  private void pause() throws InterruptedException {
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
          lock.wait(left);
        }
      }
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

  private static TransportException closed() {
    return new TransportException(BROKEN, "closed", "This transport is closed: open another.");
  }
}
