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
import dev.fairlead.computations.registry.VmState;
import dev.fairlead.delivery.Requester;
import dev.fairlead.delivery.SwapCounts;
import dev.fairlead.protocol.Addresses;
import dev.fairlead.protocol.BundleRequest;
import dev.fairlead.protocol.Command;
import dev.fairlead.protocol.json.JsonObject;
import dev.fairlead.protocol.json.ProtocolException;
import dev.fairlead.transport.api.Message;
import java.nio.ByteBuffer;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.UUID;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.LongAdder;
import java.util.function.Function;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;

/**
 * Orders agents to take newer versions of transports' bundles, and hands the bytes out to those who
 * were ordered to. Whether a jar may come in is the agent's to say, by its VM's measured facts.
 * What is under way is in memory alone: an agent whose orderer dies is given no more pieces, and
 * stays with what it has; one that has them all goes on. What became of it is an event of the
 * agent's in any case.
 *
 * <p>Safe for use by several threads. {@link #asked} does not block; {@link #list} does.
 */
final class GuestBundles {

  private static final System.Logger LOG = System.getLogger(GuestBundles.class.getName());

  /** An order that may not have been heard is given again. Its id makes sure it counts once. */
  private static final Duration AGAIN = Duration.ofSeconds(2);

  /** Within which an agent begins to ask. */
  private static final Duration HEARD = Duration.ofSeconds(30);

  /** How long an agent may be silent that is fetching, or changing; its steps take a minute. */
  private static final Duration SILENT = Duration.ofMinutes(5);

  /** How long a change may take in all, whatever the agent says: it gives up fetching in 5 min. */
  private static final Duration LONGEST = Duration.ofMinutes(15);

  private static final Duration LIST = Duration.ofSeconds(10);

  /** Of all jars that are being handed out. */
  private static final long MOST_BYTES = 64 << 20;

  /** Who is silent altogether for so long is not fetching: it gives up a piece sooner. */
  private static final Duration AWAY = Duration.ofSeconds(75);

  /** Of those that are over, so many are remembered: the newest. */
  private static final int REMEMBERED = 1000;

  private final String fleet;
  private final Registry registry;
  private final Liveness liveness;
  private final Refusals refusals;
  private final Sender sender;
  private final Predicate<String> swapping;
  private final Function<String, Reception.Said> said;
  private final InstantSource clock;
  private final LongAdder done = new LongAdder();
  private final LongAdder failed = new LongAdder();

  private final GuestChanges changes = new GuestChanges(MOST_BYTES, REMEMBERED);

  /** Who waits for a listing, by command. */
  private final Map<String, Waiting> listings = new ConcurrentHashMap<>();

  private record Waiting(String computation, CompletableFuture<BundleRequest.Listing> answer) {}

  /**
   * Makes one.
   *
   * @param swapping whether an agent is just changing its transport
   * @param said what an agent said last
   */
  GuestBundles(
      String fleet,
      Registry registry,
      Liveness liveness,
      Refusals refusals,
      Sender sender,
      Predicate<String> swapping,
      Function<String, Reception.Said> said,
      InstantSource clock) {
    this.fleet = requireNonNull(fleet, "fleet is null");
    this.registry = requireNonNull(registry, "registry is null");
    this.liveness = requireNonNull(liveness, "liveness is null");
    this.refusals = requireNonNull(refusals, "refusals is null");
    this.sender = requireNonNull(sender, "sender is null");
    this.swapping = requireNonNull(swapping, "swapping is null");
    this.said = requireNonNull(said, "said is null");
    this.clock = requireNonNull(clock, "clock is null");
  }

  /**
   * Orders an agent to take a jar.
   *
   * @param bundle its symbolic name, as its manifest says it
   * @param version likewise
   * @param sha256 that it must have
   * @param jar its bytes; not copied
   * @return the change as it stands
   * @throws ComputationException {@code REFUSED} with code {@code unknown-computation}, {@code
   *     run-is-over}, {@code wrong-digest}, {@code change-under-way} or {@code swap-under-way};
   *     {@code RETRY} with {@code agent-away} or {@code too-many-changes}
   * @throws ProtocolException when name, version, digest or size are none
   */
  JsonObject begin(String id, String bundle, String version, String sha256, byte[] jar) {
    int run = requireHeard(id);
    Command.Bundle order =
        new Command.Bundle(UUID.randomUUID().toString(), bundle, version, jar.length, sha256);
    if (!sha256.equals(digest(jar))) {
      throw new ComputationException(
          REFUSED,
          "wrong-digest",
          "The jar's SHA-256 is %s, and %s was said: send it again."
              .formatted(digest(jar), sha256));
    }
    if (swapping.test(id)) {
      throw new ComputationException(
          REFUSED,
          "swap-under-way",
          "The agent of %s is just changing its transport: wait for the outcome.".formatted(id));
    }
    GuestChange change = new GuestChange(id, run, order, jar, clock.instant(), said.apply(id));
    changes.begin(change);
    LOG.log(INFO, "{0} is to take {1} {2}.", id, bundle, version);
    say(change);
    return change.toJson();
  }

  /**
   * The newest change of a computation's agent since this service started; empty also where so many
   * others have begun since that it is forgotten.
   */
  Optional<JsonObject> newest(String id) {
    return Optional.ofNullable(changes.get(id)).map(GuestChange::toJson);
  }

  /** Whether a bundle of an agent is just being changed. */
  boolean isUnderWay(String id) {
    GuestChange change = changes.get(id);
    return change != null && change.isUnderWay();
  }

  /** Changes that were decided since this process began; what was given up has failed. */
  SwapCounts counts() {
    return new SwapCounts(done.sum(), failed.sum());
  }

  /**
   * Asks an agent which bundles it has, and waits for its answer.
   *
   * @throws ComputationException as {@link #begin}; {@code RETRY} with {@code no-answer}
   */
  List<JsonObject> list(String id) throws InterruptedException {
    int run = requireHeard(id);
    Command.Bundles command = new Command.Bundles(UUID.randomUUID().toString());
    Waiting waiting = new Waiting(id, new CompletableFuture<>());
    listings.put(command.id(), waiting);
    try {
      for (Duration waited = Duration.ZERO;
          waited.compareTo(LIST) < 0;
          waited = waited.plus(AGAIN)) {
        send(id, command);
        try {
          return waiting.answer.get(AGAIN.toMillis(), TimeUnit.MILLISECONDS).bundles().stream()
              .map(BundleRequest.Listing.Standing::toJson)
              .toList();
        } catch (TimeoutException e) {
          LOG.log(INFO, "{0}, run {1}, has not said its bundles yet.", id, run);
        }
      }
      throw new ComputationException(
          RETRY, "no-answer", "The agent of %s did not say its bundles: ask again.".formatted(id));
    } catch (ExecutionException e) {
      throw new IllegalStateException("A listing never fails.", e);
    } finally {
      listings.remove(command.id());
    }
  }

  /** A message came to {@code up/bundles}; called by transports' threads. */
  void asked(Message message) {
    Addresses from =
        Addresses.parse(message.address()).filter(Addresses::isComputation).orElse(null);
    String request = message.headers().get(Requester.HEADER);
    if (from == null || request == null) {
      return;
    }
    String id = from.party();
    try {
      if (message.payload().remaining() > BundleRequest.MAX_BYTES) {
        throw new ProtocolException("too-large", "No question about bundles is that large.");
      }
      ByteBuffer answer = answer(id, BundleRequest.parse(message.bytes()));
      if (answer != null) {
        // Asked again where it does not arrive.
        var unused =
            sender.send(new Message(from.replies(), Map.of(Requester.HEADER, request), answer));
      }
    } catch (ProtocolException e) {
      refusals.count("bad-bundle-request", id, String.valueOf(e.getMessage()));
    }
  }

  private @Nullable ByteBuffer answer(String id, BundleRequest request) {
    if (request instanceof BundleRequest.Listing listing) {
      Waiting waiting = listings.get(listing.command());
      if (waiting != null && waiting.computation.equals(id)) {
        waiting.answer.complete(listing);
      }
      return ByteBuffer.allocate(0);
    }
    GuestChange change = changes.get(id);
    if (change == null || !change.order().id().equals(request.command())) {
      return ByteBuffer.allocate(0); // it is of a service before this one, or of nobody
    }
    change.heard(clock.instant());
    if (request instanceof BundleRequest.Outcome outcome) {
      if (change.decide(outcome)) {
        tell(change, outcome);
      }
      return ByteBuffer.allocate(0);
    }
    BundleRequest.Piece wanted = (BundleRequest.Piece) request;
    ByteBuffer piece = change.piece(wanted, clock.instant());
    if (piece == null && change.isGreedy(wanted)) {
      refusals.count("too-many-pieces", id, "It asks for more than there is.");
    }
    return piece;
  }

  /** Does what is due; to be called every second. */
  void check() {
    changes.all().forEach(this::look);
  }

  private void look(GuestChange change) {
    if (!change.isUnderWay()) {
      return;
    }
    Instant now = clock.instant();
    Instant heard = change.heard();
    if (isOver(change)) {
      fail(change, "agent-gone", "The agent's run is over.");
    } else if (change.isForgotten(said.apply(change.computation()))) {
      fail(
          change,
          "agent-restarted",
          "The agent was started anew meanwhile, with what it had at first: order it again.");
    } else if (isAway(change)) {
      fail(
          change,
          "agent-away",
          "The agent is not heard any more: its events say what became of it, when it is.");
    } else if (heard == null && now.isAfter(change.began().plus(HEARD))) {
      fail(change, "no-answer", "The agent did not say whether it takes the bundle.");
    } else if ((heard != null && now.isAfter(heard.plus(SILENT)))
        || now.isAfter(change.began().plus(LONGEST))) {
      fail(change, "no-answer", "The agent did not say what became of it: see its events.");
    } else if (heard == null) {
      say(change);
    }
  }

  private boolean isAway(GuestChange change) {
    return liveness
        .view(change.computation())
        .filter(
            view -> view.state() == AgentState.DISCONNECTED && view.silence().compareTo(AWAY) > 0)
        .isPresent();
  }

  private boolean isOver(GuestChange change) {
    return liveness.run(change.computation()) != change.run()
        || liveness
            .view(change.computation())
            .map(view -> view.state() == AgentState.GONE)
            .orElse(true);
  }

  private void fail(GuestChange change, String code, String message) {
    BundleRequest.Outcome outcome =
        new BundleRequest.Outcome(
            change.order().id(),
            false,
            code,
            message,
            null,
            0,
            Duration.between(change.began(), clock.instant()).toMillis());
    if (change.giveUp(outcome)) {
      tell(change, outcome);
    }
  }

  private void tell(GuestChange change, BundleRequest.Outcome outcome) {
    (outcome.done() ? done : failed).increment();
    LOG.log(
        outcome.done() ? INFO : WARNING,
        "{0}: {1} {2}: {3} {4}",
        change.computation(),
        change.order().bundle(),
        change.order().version(),
        outcome.done() ? "runs now" : outcome.code(),
        outcome.done() ? "" : outcome.message());
  }

  private void say(GuestChange change) {
    if (change.isToBeSaid(clock.instant(), AGAIN)) {
      send(change.computation(), change.order());
    }
  }

  private void send(String id, Command command) {
    // Given again, so its failure needs no answer.
    var unused =
        sender.send(new Message(Addresses.ofComputation(fleet, id).commands(), command.toJson()));
  }

  /** Returns the run of an agent that is heard now. */
  private int requireHeard(String id) {
    Computation computation = registry.find(id).orElseThrow(() -> Registry.unknown(id));
    int run = computation.run().number();
    if (computation.run().vm() == VmState.ENDED) {
      throw new ComputationException(
          REFUSED, "run-is-over", "The VM of %s has ended: it has no bundles.".formatted(id));
    }
    Liveness.View view = liveness.view(id).orElse(null);
    if (view == null
        || liveness.run(id) != run
        || !(view.state() == AgentState.CONNECTED || view.state() == AgentState.LATE)) {
      throw new ComputationException(
          RETRY, "agent-away", "The agent of %s is not heard now: wait until it is.".formatted(id));
    }
    return run;
  }

  private static String digest(byte[] jar) {
    try {
      return HexFormat.of().formatHex(MessageDigest.getInstance("SHA-256").digest(jar));
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException("Every Java platform has SHA-256.", e);
    }
  }
}
