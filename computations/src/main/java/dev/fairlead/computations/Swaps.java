// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.computations;

import static dev.fairlead.computations.ComputationException.Category.REFUSED;
import static dev.fairlead.computations.ComputationException.Category.RETRY;
import static java.lang.System.Logger.Level.INFO;
import static java.lang.System.Logger.Level.WARNING;
import static java.util.Objects.requireNonNull;

import dev.fairlead.computations.liveness.AgentState;
import dev.fairlead.computations.liveness.Liveness;
import dev.fairlead.computations.registry.Computation;
import dev.fairlead.computations.registry.Registry;
import dev.fairlead.computations.registry.Swap;
import dev.fairlead.computations.registry.VmState;
import dev.fairlead.delivery.SwapCounts;
import dev.fairlead.protocol.Addresses;
import dev.fairlead.protocol.Command;
import dev.fairlead.protocol.Heartbeat;
import dev.fairlead.protocol.TransportFact;
import dev.fairlead.transport.access.Credential;
import dev.fairlead.transport.api.Message;
import dev.fairlead.transport.api.TransportException;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.Map;
import java.util.Optional;
import java.util.UUID;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.LongAdder;
import java.util.function.Function;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;

/**
 * Changes the transports of agents. An order is written down before it is given, and decided by
 * what the agent says of itself: that it is on the new transport, or why it is not. So whoever dies
 * in the middle, this service or the agent, it is decided later by the next sign of life. The
 * credential that is of no more use then is revoked when the connection has had time to drain; the
 * old one never before the agent is on the new transport.
 *
 * <p>{@link #heard} may be called by any thread and does not block; {@link #check} is called by one
 * thread at a time; {@link #begin} by any, and blocks for as long as database and issuer take.
 */
final class Swaps implements Mover {

  private static final System.Logger LOG = System.getLogger(Swaps.class.getName());

  /** An order that may not have been heard is given again. Its id makes sure it counts once. */
  private static final Duration AGAIN = Duration.ofSeconds(2);

  /** How long the order is given, over and over; what an agent hears after that it may yet try. */
  private static final Duration SAID = Duration.ofSeconds(15);

  /**
   * An agent gives a new transport 15 s. What it says of itself after this is of a time when it has
   * ended trying.
   */
  private static final Duration DEADLINE = SAID.plusSeconds(20);

  /** A transport that is left drains within 5 s. */
  private static final Duration DRAIN = Duration.ofSeconds(6);

  private static final int MAX_REASON = 512;

  private final String fleet;
  private final Access access;
  private final Registry registry;
  private final Liveness liveness;
  private final Renewals renewals;
  private final Refusals refusals;
  private final Sender sender;
  private final Predicate<String> connected;
  private final Predicate<String> changing;
  private final Function<String, @Nullable String> spoken;
  private final Runnable soon;
  private final InstantSource clock;

  /** Orders that nobody knows the outcome of, by computation. */
  private final Map<String, Order> orders = new ConcurrentHashMap<>();

  /** What is decided and left to be cleaned, by order. */
  private final Map<String, Swap> leftovers = new ConcurrentHashMap<>();

  private final Object cleaning = new Object();
  private final LongAdder done = new LongAdder();
  private final LongAdder failed = new LongAdder();

  /** One order. */
  private static final class Order {
    final Swap swap;
    final Instant deadline;
    final CompletableFuture<Void> outcome = new CompletableFuture<>();

    /** Null before it can be given, and after a restart, when its credential is not known. */
    volatile @Nullable Message message;

    volatile @Nullable Heartbeat heard;
    volatile Instant heardAt = Instant.MIN;
    Instant sayAt = Instant.MIN;

    Order(Swap swap, Instant deadline) {
      this.swap = swap;
      this.deadline = deadline;
    }
  }

  /**
   * Makes one, and takes up the orders that an earlier process of this service has left.
   *
   * @param connected whether this service listens on a transport
   * @param changing whether a bundle of an agent is just being changed
   * @param spoken the transport that an agent says it is on; null where it did not say
   * @param soon asks for a {@link #check} soon
   */
  Swaps(
      String fleet,
      Access access,
      Registry registry,
      Liveness liveness,
      Renewals renewals,
      Refusals refusals,
      Sender sender,
      Predicate<String> connected,
      Predicate<String> changing,
      Function<String, @Nullable String> spoken,
      Runnable soon,
      InstantSource clock) {
    this.fleet = requireNonNull(fleet, "fleet is null");
    this.access = requireNonNull(access, "access is null");
    this.registry = requireNonNull(registry, "registry is null");
    this.liveness = requireNonNull(liveness, "liveness is null");
    this.renewals = requireNonNull(renewals, "renewals is null");
    this.refusals = requireNonNull(refusals, "refusals is null");
    this.sender = requireNonNull(sender, "sender is null");
    this.connected = requireNonNull(connected, "connected is null");
    this.changing = requireNonNull(changing, "changing is null");
    this.spoken = requireNonNull(spoken, "spoken is null");
    this.soon = requireNonNull(soon, "soon is null");
    this.clock = requireNonNull(clock, "clock is null");
    Instant deadline = clock.instant().plus(DEADLINE);
    for (Swap swap : registry.swapsLeft()) {
      if (swap.state() == Swap.State.UNDER_WAY) {
        orders.put(swap.computation(), new Order(swap, deadline));
      } else {
        leftovers.put(swap.command(), swap);
      }
    }
  }

  /**
   * Orders an agent to another transport.
   *
   * @return the order, and what completes when the agent is there; it fails with a {@link
   *     ComputationException} when the agent stays where it is, or its run is over
   * @throws ComputationException {@code REFUSED} with code {@code unknown-computation}, {@code
   *     run-is-over}, {@code unknown-transport}, {@code swap-under-way}, {@code change-under-way},
   *     {@code relayed} or {@code same-transport}; {@code RETRY} with {@code agent-away} or {@code
   *     not-listening}
   * @throws TransportException when no credential can be issued
   */
  Given begin(String id, String to) {
    Computation computation = registry.find(id).orElseThrow(() -> Registry.unknown(id));
    int run = computation.run().number();
    if (computation.run().vm() == VmState.ENDED) {
      throw new ComputationException(
          REFUSED,
          "run-is-over",
          "The VM of %s has ended: there is nothing to move.".formatted(id));
    }
    if (!access.ready(to)) {
      throw new ComputationException(
          REFUSED,
          "unknown-transport",
          "Nothing here issues credentials for a transport '%s': GET /health lists those there are."
              .formatted(to));
    }
    if (!connected.test(to)) {
      throw new ComputationException(
          RETRY,
          "not-listening",
          "This service is not connected over '%s' itself: see whether its broker runs."
              .formatted(to));
    }
    Liveness.View view = liveness.view(id).orElse(null);
    if (view == null
        || liveness.run(id) != run
        || !(view.state() == AgentState.CONNECTED || view.state() == AgentState.LATE)) {
      throw new ComputationException(
          RETRY, "agent-away", "The agent of %s is not heard now: wait until it is.".formatted(id));
    }
    String from =
        Optional.ofNullable(spoken.apply(id))
            .or(() -> Optional.ofNullable(computation.run().transport()))
            .orElse(access.first());
    if (!access.ready(from) && !from.equals(view.transport())) {
      throw new ComputationException(
          REFUSED,
          "relayed",
          "The agent of %s speaks over '%s', which a relay carries on: it can be nowhere else. Start it anew by a deployment that has both transports."
              .formatted(id, from));
    }
    if (from.equals(to)) {
      throw new ComputationException(
          REFUSED, "same-transport", "The agent of %s is on '%s' already.".formatted(id, to));
    }
    if (changing.test(id)) {
      throw new ComputationException(
          REFUSED,
          "change-under-way",
          "A bundle of %s is just being changed: wait for the outcome.".formatted(id));
    }
    Swap swap =
        new Swap(
            UUID.randomUUID().toString(),
            id,
            run,
            from,
            to,
            clock.instant(),
            Swap.State.UNDER_WAY,
            null,
            null,
            null,
            null,
            null);
    Order order = new Order(swap, swap.started().plus(DEADLINE));
    if (orders.putIfAbsent(id, order) != null) {
      throw new ComputationException(
          REFUSED,
          "swap-under-way",
          "The agent of %s is just changing its transport: wait for the outcome.".formatted(id));
    }
    try {
      clean(id, to); // what is revoked ends all that was issued before, and nothing after
      registry.swap(swap); // first, so that a credential is never forgotten
      Credential credential = access.agent(id, to);
      Swap whole = swap.with(credential.sha256(), credential.expiresAt());
      registry.swap(whole);
      Order given = new Order(whole, order.deadline);
      TransportFact fact = access.transport(to);
      given.message =
          new Message(
              Addresses.ofComputation(fleet, id).commands(),
              new Command.Swap(
                      whole.command(),
                      to,
                      fact.caSha256() == null ? null : fact.uri(),
                      fact.caSha256(),
                      credential.content(),
                      credential.expiresAt())
                  .toJson());
      if (!orders.replace(id, order, given)) {
        throw new ComputationException(RETRY, "agent-away", "The run of %s is over.".formatted(id));
      }
      say(given);
      LOG.log(INFO, "{0} is to go from {1} to {2}.", id, from, to);
      return new Given(whole, given.outcome);
    } catch (RuntimeException e) {
      orders.remove(id, order);
      abandon(swap, e);
      throw e;
    }
  }

  @Override
  public CompletionStage<Void> move(String computation, String transport) {
    return begin(computation, transport).outcome();
  }

  /**
   * An order that was given.
   *
   * @param outcome see {@link #begin}
   */
  record Given(Swap swap, CompletionStage<Void> outcome) {}

  private void abandon(Swap swap, RuntimeException why) {
    Swap never =
        swap.decided(Swap.State.FAILED, clock.instant(), "not-given", cut(why.getMessage()));
    failed.increment();
    try {
      registry.swap(never);
      leftovers.put(never.command(), never);
    } catch (ComputationException e) {
      why.addSuppressed(e); // it is found under way at the next start
    }
  }

  /** An agent gave a sign of life. */
  void heard(String id, Heartbeat heartbeat) {
    Order order = orders.get(id);
    if (order != null && heartbeat.transport() != null) {
      order.heard = heartbeat;
      order.heardAt = clock.instant();
      if (isAnswer(order, heartbeat)) {
        soon.run();
      }
    }
  }

  private static boolean isAnswer(Order order, Heartbeat heartbeat) {
    Heartbeat.Swap said = heartbeat.swap();
    return order.swap.to().equals(heartbeat.transport())
        || (said != null && said.command().equals(order.swap.command()));
  }

  /** What became of the newest order to an agent; empty where there was none. */
  Optional<Swap> newest(String id) {
    Order order = orders.get(id);
    return order == null ? registry.newestSwap(id) : Optional.of(order.swap);
  }

  /** Whether an agent is just changing its transport. */
  boolean isUnderWay(String id) {
    return orders.containsKey(id);
  }

  /** Orders that were decided since this process began. */
  SwapCounts counts() {
    return new SwapCounts(done.sum(), failed.sum());
  }

  /** Does what is due; to be called every second. Blocks for as long as issuers take. */
  void check() {
    orders.values().forEach(this::look);
    Instant now = clock.instant();
    for (Swap swap : leftovers.values()) {
      Instant ended = swap.ended();
      if (ended == null || !now.isBefore(ended.plus(DRAIN))) {
        clean(swap);
      }
    }
  }

  private void look(Order order) {
    Swap swap = order.swap;
    Instant now = clock.instant();
    Heartbeat heard = order.heard;
    if (liveness.run(swap.computation()) != swap.run()
        || liveness
            .view(swap.computation())
            .map(view -> view.state() == AgentState.GONE)
            .orElse(true)) {
      decide(order, Swap.State.FAILED, "agent-gone", "The agent's run is over.");
    } else if (heard != null && swap.to().equals(heard.transport())) {
      decide(order, Swap.State.DONE, null, null);
    } else if (heard != null && isAnswer(order, heard)) {
      Heartbeat.Swap said = heard.swap();
      decide(
          order,
          Swap.State.FAILED,
          said == null || said.code() == null ? "refused" : said.code(),
          said == null || said.reason() == null ? "The agent gave no reason." : said.reason());
    } else if (now.isBefore(order.deadline)) {
      if (!now.isBefore(order.sayAt) && now.isBefore(order.deadline.minus(DEADLINE).plus(SAID))) {
        say(order);
      }
    } else if (order.heardAt.isAfter(order.deadline)) {
      // It lives, on the old one, and is no longer trying.
      decide(
          order,
          Swap.State.FAILED,
          "no-answer",
          "The agent stays, and did not say what became of it.");
    }
  }

  private void say(Order order) {
    Message message = order.message;
    if (message != null) {
      order.sayAt = clock.instant().plus(AGAIN);
      var unused = sender.send(message); // said again, so its failure needs no answer
    }
  }

  private void decide(Order order, Swap.State state, @Nullable String code, @Nullable String why) {
    Swap decided = order.swap.decided(state, clock.instant(), code, cut(why));
    String id = decided.computation();
    try {
      Instant expiresAt = decided.credentialExpiresAt();
      if (state == Swap.State.DONE) {
        registry.swapDone(decided);
        if (expiresAt != null) {
          liveness.credential(id, decided.run(), expiresAt);
          renewals.track(id, decided.run(), decided.to(), expiresAt);
        }
      } else {
        registry.swap(decided);
      }
    } catch (ComputationException e) {
      refusals.count(e.code(), id, String.valueOf(e.getMessage()));
      return; // it is decided again
    }
    leftovers.put(decided.command(), decided);
    orders.remove(id, order);
    if (state == Swap.State.DONE) {
      done.increment();
      LOG.log(INFO, "{0} is on {1} now.", id, decided.to());
      order.outcome.complete(null);
    } else {
      failed.increment();
      LOG.log(WARNING, "{0} stays on {1}: {2} {3}", id, decided.from(), code, why);
      order.outcome.completeExceptionally(
          new ComputationException(REFUSED, String.valueOf(code), String.valueOf(why)));
    }
  }

  @Override
  public void clean(String computation, String transport) {
    for (Swap swap : leftovers.values()) {
      if (swap.computation().equals(computation) && transport.equals(swap.leftover())) {
        revoke(swap);
      }
    }
  }

  private void clean(Swap swap) {
    try {
      revoke(swap);
    } catch (TransportException | ComputationException e) {
      refusals.count(
          e instanceof TransportException told ? told.code() : "revoke-failed",
          swap.computation(),
          String.valueOf(e.getMessage()));
    }
  }

  /** Under a lock, since a credential that is issued meanwhile must not be revoked with it. */
  private void revoke(Swap swap) {
    synchronized (cleaning) {
      String transport = swap.leftover();
      if (transport != null && leftovers.containsKey(swap.command())) {
        // Where the run is over, all of its credentials are revoked in any case.
        if (liveness.run(swap.computation()) == swap.run()) {
          if (!access.ready(transport) || transport.equals(spoken.apply(swap.computation()))) {
            return; // its issuer is away; or the agent is there after all, and needs it
          }
          access.revoke(swap.computation(), transport);
        }
        registry.swapCleaned(swap.command());
        leftovers.remove(swap.command());
      }
    }
  }

  private static @Nullable String cut(@Nullable String text) {
    return text == null || text.length() <= MAX_REASON ? text : text.substring(0, MAX_REASON);
  }
}
