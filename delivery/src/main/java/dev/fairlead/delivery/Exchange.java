// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.delivery;

import static dev.fairlead.transport.api.TransportException.Category.BROKEN;
import static dev.fairlead.transport.api.TransportException.Category.RETRY;
import static java.util.Objects.requireNonNull;

import dev.fairlead.transport.api.Message;
import dev.fairlead.transport.api.Transport.State;
import dev.fairlead.transport.api.Transport.Subscription;
import dev.fairlead.transport.api.TransportException;
import dev.fairlead.transport.api.TransportProvider;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.BiConsumer;
import java.util.function.BiFunction;
import java.util.function.Consumer;
import java.util.function.Function;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;

/**
 * Several transports at once, each by its name, and each in a {@link Switchboard} of its own: what
 * comes is heard on all of them, what goes leaves as the {@link Ways} say. Transports come and go
 * while messages flow; what is subscribed stands on each that comes.
 *
 * <p>Safe for use by several threads. No method blocks, but for those that close.
 */
public final class Exchange implements Link, AutoCloseable {

  private static final CompletionStage<Void> DONE = CompletableFuture.completedStage(null);
  private static final CompletionStage<Void> CLOSED =
      CompletableFuture.failedStage(
          new TransportException(BROKEN, "closed", "The exchange has been closed."));
  private static final CompletionStage<Void> NOT_CONNECTED =
      CompletableFuture.failedStage(
          new TransportException(
              RETRY, "not-connected", "No transport is connected; it will be sent later."));

  private final Runner runner;
  private final SwitchboardListener listener;
  private final Ways ways;
  private final Arrivals arrivals;
  private final List<Standing> standing = new ArrayList<>();
  private final List<Consumer<Predicate<String>>> movedActions = new CopyOnWriteArrayList<>();

  /** Guards {@link #standing}, and the coming and going of boards; sending needs no lock. */
  private final Object changes = new Object();

  /** What those have done that are used no more, by name; guarded by {@link #changes}. */
  private final SortedMap<String, SwapCounts> before = new TreeMap<>();

  /** By name; never changed, only replaced. */
  private volatile SortedMap<String, Switchboard> boards = Collections.emptySortedMap();

  private volatile boolean closed;

  /**
   * Makes one, without a transport yet.
   *
   * @param runner on which the listener and the actions are called
   * @param listener told what happens to each transport
   * @param ways by which messages leave
   * @param arrivals told of each message that comes
   */
  public Exchange(Runner runner, SwitchboardListener listener, Ways ways, Arrivals arrivals) {
    this.runner = requireNonNull(runner, "runner is null");
    this.listener = requireNonNull(listener, "listener is null");
    this.ways = requireNonNull(ways, "ways is null");
    this.arrivals = requireNonNull(arrivals, "arrivals is null");
  }

  /**
   * Uses a transport beside those that are used, or in place of that of the same name: then the old
   * one is closed when the new one has connected.
   *
   * @return as {@link Switchboard#use} returns it
   */
  public CompletionStage<Void> use(
      TransportProvider provider, Function<String, @Nullable String> settings, Duration patience) {
    Switchboard board;
    synchronized (changes) {
      if (closed) {
        return CLOSED;
      }
      board = boards.get(provider.name());
      if (board == null) {
        board = open(provider.name());
      }
    }
    return board.use(provider, settings, patience);
  }

  /** Opens a transport anew through another provider of its name, as {@link Switchboard#reopen}. */
  public CompletionStage<Void> reopen(
      TransportProvider old, TransportProvider next, Duration patience) {
    Switchboard board = boards.get(old.name());
    return board == null ? DONE : board.reopen(old, next, patience);
  }

  /** Uses a transport no more: lets it drain, closes it, and waits for that. */
  public void drop(String transport) {
    Switchboard board;
    synchronized (changes) {
      SortedMap<String, Switchboard> fewer = new TreeMap<>(boards);
      board = fewer.remove(transport);
      boards = fewer;
      if (board != null) {
        before.merge(transport, counts(board), SwapCounts::plus);
      }
    }
    if (board != null) {
      board.close(); // its subscriptions stand until it has drained
      synchronized (changes) {
        standing.forEach(one -> one.subscriptions.remove(board));
      }
    }
  }

  /** Swaps within each transport since the start, by its name; also of those used no more. */
  public SortedMap<String, SwapCounts> swaps() {
    synchronized (changes) {
      SortedMap<String, SwapCounts> all = new TreeMap<>(before);
      boards.forEach((name, board) -> all.merge(name, counts(board), SwapCounts::plus));
      return all;
    }
  }

  private static SwapCounts counts(Switchboard board) {
    return new SwapCounts(board.swaps(), board.failedSwaps());
  }

  private Switchboard open(String name) {
    Switchboard board = new Switchboard(runner, new Watch(name));
    var unused = board.onConnected(() -> moved(name, true)); // ends with the board
    standing.forEach(one -> one.add(name, board));
    SortedMap<String, Switchboard> more = new TreeMap<>(boards);
    more.put(name, board);
    boards = more;
    return board;
  }

  /** The names of the transports that are used, in order. */
  public Set<String> transports() {
    return Collections.unmodifiableSet(boards.keySet());
  }

  /** The state of one of them; empty for one that is not used. */
  public Optional<State> state(String transport) {
    return Optional.ofNullable(boards.get(transport)).map(Switchboard::state);
  }

  /** Whether messages flow over one of them. */
  public boolean connected(String transport) {
    Switchboard board = boards.get(transport);
    return board != null && board.connected();
  }

  @Override
  public boolean connected() {
    return boards.values().stream().anyMatch(Switchboard::connected);
  }

  @Override
  public CompletionStage<Void> send(Message message) {
    List<Switchboard> chosen = choose(message.address());
    if (chosen.size() == 1) {
      return chosen.get(0).send(message);
    }
    if (chosen.isEmpty()) {
      return closed ? CLOSED : NOT_CONNECTED;
    }
    CompletableFuture<Void> any = new CompletableFuture<>();
    AtomicInteger left = new AtomicInteger(chosen.size());
    for (Switchboard board : chosen) {
      board
          .send(message)
          .whenComplete(
              (done, failure) -> {
                if (failure == null) {
                  any.complete(null);
                } else if (left.decrementAndGet() == 0) {
                  any.completeExceptionally(failure);
                }
              });
    }
    return any;
  }

  @Override
  public CompletionStage<Void> sendStored(Message message) {
    List<Switchboard> chosen = choose(message.address());
    return chosen.isEmpty()
        ? (closed ? CLOSED : NOT_CONNECTED)
        : chosen.get(0).sendStored(message); // one peer that stores it is enough
  }

  private List<Switchboard> choose(String address) {
    SortedMap<String, Switchboard> now = boards;
    List<String> connected = new ArrayList<>(now.size());
    now.forEach(
        (name, board) -> {
          if (board.connected()) {
            connected.add(name);
          }
        });
    if (connected.isEmpty()) {
      // What a transport says of itself is better than what we could say.
      return now.size() == 1 ? List.copyOf(now.values()) : List.of();
    }
    List<Switchboard> chosen = new ArrayList<>(connected.size());
    for (String name : ways.choose(address, connected)) {
      Switchboard board = now.get(name);
      if (board != null) {
        chosen.add(board);
      }
    }
    return chosen;
  }

  @Override
  public Subscription subscribe(String pattern, Consumer<Message> handler) {
    requireNonNull(handler, "handler is null");
    return listen(pattern, (transport, message) -> handler.accept(message));
  }

  /** As {@link #subscribe}, and tells the handler which transport brought a message. */
  public Subscription listen(String pattern, BiConsumer<String, Message> handler) {
    requireNonNull(handler, "handler is null");
    return stand(
        new Standing(
            pattern,
            (transport, message) -> {
              handler.accept(transport, message);
              return DONE;
            },
            false));
  }

  @Override
  public Subscription subscribeStored(
      String pattern, Function<Message, CompletionStage<Void>> handler) {
    requireNonNull(handler, "handler is null");
    return stand(new Standing(pattern, (transport, message) -> handler.apply(message), true));
  }

  private Subscription stand(Standing wanted) {
    Message.requirePattern(wanted.pattern);
    synchronized (changes) {
      if (closed) {
        throw new TransportException(BROKEN, "closed", "The exchange has been closed.");
      }
      standing.add(wanted);
      boards.forEach(wanted::add);
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
    requireNonNull(action, "action is null");
    return onMoved(any -> action.run());
  }

  @Override
  public Subscription onMoved(Consumer<Predicate<String>> action) {
    movedActions.add(requireNonNull(action, "action is null"));
    return () -> movedActions.remove(action);
  }

  /** Called on the runner. */
  private void moved(String transport, boolean connected) {
    Predicate<String> isMoved = address -> ways.isMoved(address, transport, connected);
    movedActions.forEach(action -> action.accept(isMoved));
  }

  /** Closes all transports, draining them, and waits until that is done. Idempotent. */
  @Override
  public void close() {
    List<Switchboard> all;
    List<Standing> ended;
    synchronized (changes) {
      closed = true;
      all = List.copyOf(boards.values());
      boards = Collections.emptySortedMap();
      ended = List.copyOf(standing);
      standing.clear();
    }
    List<Thread> closing = new ArrayList<>(); // each may take its quiesce time
    for (Switchboard board : all) {
      Thread thread = new Thread(board::close, "fairlead-exchange-close");
      thread.setDaemon(true);
      thread.start();
      closing.add(thread);
    }
    try {
      for (Thread thread : closing) {
        thread.join();
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
    ended.forEach(Standing::close);
  }

  /** Passes on what happens to one transport. */
  private final class Watch implements SwitchboardListener {

    private final String name;

    Watch(String name) {
      this.name = name;
    }

    @Override
    public void stateChanged(String transport, State state, String reason) {
      listener.stateChanged(transport, state, reason);
      if (state != State.CONNECTED && !connected(name) && connected()) {
        moved(name, false);
      }
    }

    @Override
    public void refused(String transport, @Nullable String address, TransportException refusal) {
      listener.refused(transport, address, refusal);
    }
  }

  /** A subscription that outlives transports; its map is guarded by {@link #changes}. */
  private final class Standing {

    private final String pattern;
    private final BiFunction<String, Message, CompletionStage<Void>> handler;
    private final boolean stored;
    private final Map<Switchboard, Subscription> subscriptions = new HashMap<>();
    private final Object turn = new Object();
    private volatile boolean ended;

    Standing(
        String pattern,
        BiFunction<String, Message, CompletionStage<Void>> handler,
        boolean stored) {
      this.pattern = pattern;
      this.handler = handler;
      this.stored = stored;
    }

    void add(String name, Switchboard board) {
      if (!ended) {
        subscriptions.put(
            board, board.listen(pattern, (line, message) -> handle(name, line, message), stored));
      }
    }

    void close() {
      synchronized (turn) {
        ended = true;
      }
      List<Subscription> all;
      synchronized (changes) {
        all = List.copyOf(subscriptions.values());
        subscriptions.clear();
      }
      all.forEach(Subscription::close);
    }

    /** Several transports may speak at a time; who listens hears one after the other. */
    private CompletionStage<Void> handle(String transport, long line, Message message) {
      if (!Headers.isCopy(message)) {
        ways.heard(message.address(), transport); // who copies to a transport has not moved there
      }
      arrivals.arrived(transport, line, message);
      synchronized (turn) {
        return ended ? CLOSED : handler.apply(transport, message);
      }
    }
  }
}
