// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.delivery;

import static dev.fairlead.transport.api.TransportException.Category.BROKEN;
import static dev.fairlead.transport.api.TransportException.Category.REFUSED;
import static dev.fairlead.transport.api.TransportException.Category.RETRY;
import static java.lang.System.Logger.Level.WARNING;
import static java.util.Objects.requireNonNull;

import dev.fairlead.transport.api.Message;
import dev.fairlead.transport.api.Transport;
import dev.fairlead.transport.api.Transport.State;
import dev.fairlead.transport.api.Transport.Subscription;
import dev.fairlead.transport.api.TransportException;
import dev.fairlead.transport.api.TransportListener;
import dev.fairlead.transport.api.TransportProvider;
import java.lang.ref.WeakReference;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.Consumer;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * Holds the current transport in one place, and changes it while messages flow: opens the new one,
 * subscribes on it, sends on it as soon as it is connected, lets the old one drain, closes it.
 * Messages may come twice meanwhile, and what the old one lost is sent again by the outbox, which
 * is told by {@link #onConnected}.
 *
 * <p>Safe for use by several threads. Opening and closing happens on threads of its own: a provider
 * that blocks harms nobody else.
 */
public final class Switchboard implements Link, AutoCloseable {

  private static final System.Logger LOG = System.getLogger(Switchboard.class.getName());

  /** A transport that is closed drains within 5 s. */
  private static final Duration DRAIN = Duration.ofSeconds(10);

  private static final CompletionStage<Void> NO_TRANSPORT =
      CompletableFuture.failedStage(
          new TransportException(
              RETRY, "no-transport", "No transport has been chosen yet; it will be sent later."));
  private static final CompletionStage<Void> DONE = CompletableFuture.completedStage(null);
  private static final CompletionStage<Void> CLOSED =
      CompletableFuture.failedStage(
          new TransportException(BROKEN, "closed", "The switchboard has been closed."));

  private final Runner runner;
  private final SwitchboardListener listener;
  private final List<Standing> standing = new ArrayList<>();

  /** What was replaced or given up and is being closed; guarded by {@link #changes}. */
  private final List<Line> draining = new ArrayList<>();

  private final List<Runnable> connectedActions = new CopyOnWriteArrayList<>();

  /** Guards {@link #standing}, and the coming and going of lines; sending needs no lock. */
  private final Object changes = new Object();

  private final AtomicLong opens = new AtomicLong();
  private final AtomicLong swapsDone = new AtomicLong();
  private final AtomicLong swapsFailed = new AtomicLong();

  private volatile @Nullable Line current;
  private @Nullable Line candidate;
  private volatile boolean closed;

  /**
   * Makes one, without a transport yet.
   *
   * @param runner on which the listener and the {@link #onConnected} actions are called
   */
  public Switchboard(Runner runner, SwitchboardListener listener) {
    this.runner = requireNonNull(runner, "runner is null");
    this.listener = requireNonNull(listener, "listener is null");
  }

  /**
   * Makes a transport the current one. The first is so at once, connected or not; a later one when
   * it has connected, and if it does not within the patience, it is closed again and the old one
   * stays.
   *
   * @param settings as the provider's {@code open} takes them
   * @param patience how long to wait for a later one to connect
   * @return completes when it is the current one; fails with a {@link TransportException}: {@code
   *     REFUSED} when the settings are bad or another change is under way, {@code RETRY} when it
   *     did not connect in time, {@code BROKEN} after {@link #close()}
   */
  public CompletionStage<Void> use(
      TransportProvider provider, Function<String, @Nullable String> settings, Duration patience) {
    Line line = new Line(provider, settings);
    synchronized (changes) {
      if (closed) {
        return CLOSED;
      }
      if (candidate != null) {
        return CompletableFuture.failedStage(
            new TransportException(
                REFUSED, "change-under-way", "Another transport is just being opened; wait."));
      }
      candidate = line;
    }
    start("fairlead-switch-" + line.name, () -> open(line, patience));
    return line.installed;
  }

  /**
   * Opens the current transport anew through another provider of its name, as {@link #use} does,
   * with the settings that it has.
   *
   * @param old whose transport is replaced, or that of another provider of its class: a component's
   *     provider may be made anew; where there is none, there is nothing to do
   * @param patience how long to wait for the new one to connect
   * @return completes when the old one has drained and is closed; fails as {@link #use} does, and
   *     the old one stays
   */
  public CompletionStage<Void> reopen(
      TransportProvider old, TransportProvider next, Duration patience) {
    Line line;
    CompletionStage<Void> change;
    synchronized (changes) {
      line = current;
      Line coming = candidate;
      if (coming != null && coming.provider != next) {
        return CompletableFuture.failedStage(
            new TransportException(
                RETRY, "change-under-way", "Another transport is just being opened; wait."));
      }
      change = coming == null ? DONE : coming.installed;
    }
    if (change == DONE && line != null && line.isOf(old, next)) {
      change = use(next, line.settings, patience);
    }
    return change.thenCompose(unused -> drained(old, next));
  }

  /** Completes when nothing that a provider opened, and that was replaced, is open any more. */
  private CompletionStage<Void> drained(TransportProvider old, TransportProvider next) {
    synchronized (changes) {
      return CompletableFuture.allOf(
          draining.stream()
              .filter(line -> line.isOf(old, next))
              .map(line -> line.ended)
              .toArray(CompletableFuture<?>[]::new));
    }
  }

  /** How many transports took the place of another; the first does not count. */
  public long swaps() {
    return swapsDone.get();
  }

  /** How many did not, so that the old one stayed. */
  public long failedSwaps() {
    return swapsFailed.get();
  }

  /** The name of the current transport; empty before the first. */
  public Optional<String> transport() {
    return Optional.ofNullable(current).map(line -> line.name);
  }

  /** The state of the current transport; {@code CONNECTING} before the first. */
  public State state() {
    if (closed) {
      return State.CLOSED;
    }
    Line line = current;
    return line == null ? State.CONNECTING : line.state;
  }

  @Override
  public boolean connected() {
    Line line = current;
    return line != null && line.state == State.CONNECTED;
  }

  @Override
  public CompletionStage<Void> send(Message message) {
    Line line = current;
    if (line == null) {
      return closed ? CLOSED : NO_TRANSPORT;
    }
    return line.transport().send(message);
  }

  @Override
  public CompletionStage<Void> sendStored(Message message) {
    Line line = current;
    if (line == null) {
      return closed ? CLOSED : NO_TRANSPORT;
    }
    return line.transport().sendStored(message);
  }

  @Override
  public Subscription subscribe(String pattern, Consumer<Message> handler) {
    requireNonNull(handler, "handler is null");
    return listen(
        pattern,
        (line, message) -> {
          handler.accept(message);
          return DONE;
        },
        false);
  }

  @Override
  public Subscription subscribeStored(
      String pattern, Function<Message, CompletionStage<Void>> handler) {
    requireNonNull(handler, "handler is null");
    return listen(pattern, (line, message) -> handler.apply(message), true);
  }

  /** As the two before, and tells the handler the number of the line that brought a message. */
  Subscription listen(String pattern, Handler handler, boolean stored) {
    return stand(new Standing(pattern, handler, stored));
  }

  /** Takes what comes. */
  @FunctionalInterface
  interface Handler {

    /**
     * A message has come.
     *
     * @param line counts what this switchboard has opened
     */
    CompletionStage<Void> take(long line, Message message);
  }

  private Subscription stand(Standing wanted) {
    Message.requirePattern(wanted.pattern);
    synchronized (changes) {
      if (closed) {
        throw new TransportException(BROKEN, "closed", "The switchboard has been closed.");
      }
      standing.add(wanted);
      wanted.add(current);
      wanted.add(candidate);
    }
    return () -> {
      synchronized (changes) {
        standing.remove(wanted);
      }
      wanted.close();
    };
  }

  @Override
  public Subscription onConnected(Runnable action) {
    connectedActions.add(action);
    return () -> connectedActions.remove(action);
  }

  /**
   * Closes the transport, draining it, and waits until that is done; also for those that it has
   * replaced, as long as they may take to drain. Idempotent.
   */
  @Override
  public void close() {
    Line line;
    Line coming;
    List<Line> before;
    synchronized (changes) {
      closed = true;
      line = current;
      coming = candidate;
      before = List.copyOf(draining);
      current = null;
      candidate = null;
    }
    if (coming != null) {
      coming.installed.completeExceptionally(
          new TransportException(BROKEN, "closed", "The switchboard has been closed."));
      coming.close();
    }
    if (line != null) {
      line.close();
    }
    awaitEnd(before);
    List<Standing> ended;
    synchronized (changes) {
      ended = List.copyOf(standing);
      standing.clear();
    }
    ended.forEach(Standing::close);
  }

  private static void awaitEnd(List<Line> lines) {
    long until = System.nanoTime() + DRAIN.toNanos();
    try {
      for (Line line : lines) {
        if (!line.gone.await(until - System.nanoTime(), TimeUnit.NANOSECONDS)) {
          LOG.log(WARNING, "The transport {0} that was replaced does not close.", line.name);
        }
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  private void open(Line line, Duration patience) {
    Transport transport;
    try {
      transport = line.provider.open(line.settings, line);
    } catch (RuntimeException e) {
      // A provider may be anybody's; whatever it throws belongs to who asked for it.
      give(line, e);
      return;
    }
    boolean wanted;
    boolean first;
    synchronized (changes) {
      line.opened = transport;
      wanted = !closed && candidate == line; // from here on, it may be cut over to at any time
      first = wanted && current == null;
      if (wanted) {
        standing.forEach(one -> one.add(line));
      }
      if (first) {
        current = line;
        candidate = null;
      }
    }
    line.placed();
    if (first) {
      line.installed.complete(null);
      runner.execute(() -> tellConnected(line));
    } else if (!wanted) {
      transport.close();
    } else {
      // Whoever has connected is not held by what might have been: its classes may go before.
      WeakReference<Line> waiting = new WeakReference<>(line);
      runner.after(patience, () -> giveUp(waiting.get(), patience));
    }
  }

  private void giveUp(@Nullable Line line, Duration patience) {
    if (line != null) {
      give(
          line,
          new TransportException(
              RETRY,
              "change-timed-out",
              "The transport %s did not connect within %s; the old one stays. %s"
                  .formatted(line.name, patience, line.reason)
                  .trim()));
    }
  }

  /** Gives a candidate up, unless it has become the current one. */
  private void give(Line line, RuntimeException reason) {
    synchronized (changes) {
      if (candidate != line) {
        return;
      }
      candidate = null;
      standing.forEach(wanted -> wanted.forget(line));
      draining.add(line);
    }
    Line stays = current;
    if (stays != null) {
      swapsFailed.incrementAndGet();
      line.swap.end(stays.name, line.name, code(reason));
    }
    line.installed.completeExceptionally(reason);
    start("fairlead-close-" + line.name, () -> end(line));
  }

  /**
   * Makes a connected candidate the current one.
   *
   * @return ends the one before; null where it was no candidate
   */
  private @Nullable Runnable cutOver(Line line) {
    Line old;
    synchronized (changes) {
      if (candidate != line || line.opened == null || line.state != State.CONNECTED) {
        return null;
      }
      old = current;
      current = line;
      candidate = null;
      if (old != null) {
        draining.add(old);
      }
    }
    if (old != null) {
      swapsDone.incrementAndGet();
      line.swap.end(old.name, line.name, "");
    }
    return () -> {
      if (old != null) {
        start("fairlead-close-" + old.name, () -> end(old));
      }
    };
  }

  /** Called on the runner; whoever is told that a line is connected finds it so. */
  private void tell(Line line, State next, String reason) {
    Runnable ending = next == State.CONNECTED ? cutOver(line) : null;
    listener.stateChanged(line.name, next, reason);
    if (ending != null) {
      line.installed.complete(null);
    }
    if (next == State.CONNECTED) {
      tellConnected(line);
    }
    if (ending != null) {
      ending.run();
    }
  }

  /** Its subscriptions stand until it has drained: an answer may still come this way. */
  private void end(Line line) {
    try {
      line.close();
    } finally {
      synchronized (changes) {
        standing.forEach(wanted -> wanted.forget(line));
        draining.remove(line);
      }
      line.gone.countDown(); // first: who waits for it may hold what the others need
      line.ended.complete(null);
    }
  }

  private void tellConnected(Line line) {
    if (line == current && line.state == State.CONNECTED) {
      connectedActions.forEach(Runnable::run);
    }
  }

  private static String code(RuntimeException reason) {
    return reason instanceof TransportException told ? told.code() : "provider-failed";
  }

  private static void start(String name, Runnable task) {
    Thread thread = new Thread(task, name);
    thread.setDaemon(true);
    thread.start();
  }

  /** One transport, from the call of its provider to its end. */
  private final class Line implements TransportListener {

    private final TransportProvider provider;
    private final Function<String, @Nullable String> settings;
    private final String name;
    private final CompletableFuture<Void> installed = new CompletableFuture<>();
    private final CompletableFuture<Void> ended = new CompletableFuture<>();
    private final CountDownLatch gone = new CountDownLatch(1);
    private final long number = opens.incrementAndGet();
    private final SwapRecord swap = SwapRecord.begin();
    private volatile State state = State.CONNECTING;
    private volatile String reason = "";
    private volatile @Nullable Transport opened;

    /** What it has told before it was in its place; guarded by itself. */
    private final List<Runnable> early = new ArrayList<>();

    /** Guarded by the above. */
    private boolean placed;

    Line(TransportProvider provider, Function<String, @Nullable String> settings) {
      this.provider = provider;
      this.settings = settings;
      this.name = provider.name();
    }

    /** Whether one provider's class opened it, and not another provider. */
    boolean isOf(TransportProvider some, TransportProvider other) {
      return provider != other
          && name.equals(some.name())
          && provider.getClass() == some.getClass();
    }

    Transport transport() {
      return requireNonNull(opened, "transport is null");
    }

    @Override
    public void stateChanged(State next, String reason) {
      state = next;
      this.reason = reason;
      Runnable told = () -> tell(this, next, reason);
      synchronized (early) {
        if (placed) {
          runner.execute(told);
        } else {
          early.add(told); // else whoever hears of it would not find it connected
        }
      }
    }

    /** It can be found now, unless another has taken its place. */
    void placed() {
      synchronized (early) {
        placed = true;
        early.forEach(runner::execute);
        early.clear();
      }
    }

    @Override
    public void refused(@Nullable String address, TransportException refusal) {
      runner.execute(
          () -> {
            listener.refused(name, address, refusal);
            Line used = current;
            if (address == null && used != null && used != this) {
              give(this, refusal); // it will not be let in, and another is there
            }
          });
    }

    void close() {
      Transport transport = opened;
      if (transport != null) {
        transport.close();
      }
    }
  }

  /** A subscription that outlives transports; its map is guarded by {@link #changes}. */
  private final class Standing {

    private final String pattern;
    private final Handler handler;
    private final boolean stored;
    private final Map<Line, Subscription> subscriptions = new HashMap<>();
    private final Object turn = new Object();
    private volatile boolean ended;

    Standing(String pattern, Handler handler, boolean stored) {
      this.pattern = pattern;
      this.handler = handler;
      this.stored = stored;
    }

    void add(@Nullable Line line) {
      Transport transport = line == null ? null : line.opened;
      if (line != null && transport != null && !ended) {
        subscriptions.computeIfAbsent(line, any -> subscribe(transport, line.number));
      }
    }

    private Subscription subscribe(Transport transport, long line) {
      return stored
          ? transport.subscribeStored(pattern, message -> handle(line, message))
          : transport.subscribe(
              pattern,
              message -> {
                var unused = handle(line, message);
              });
    }

    void forget(Line line) {
      subscriptions.remove(line);
    }

    void close() {
      synchronized (turn) {
        ended = true;
      }
      List<Subscription> all;
      synchronized (changes) {
        all = new ArrayList<>(subscriptions.values());
        subscriptions.clear();
      }
      all.forEach(Subscription::close);
    }

    /** Two transports may speak at a time while one follows the other. */
    private CompletionStage<Void> handle(long line, Message message) {
      synchronized (turn) {
        return ended ? CLOSED : handler.take(line, message);
      }
    }
  }
}
