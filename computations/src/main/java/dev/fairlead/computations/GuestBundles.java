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

  private static final Duration LIST = Duration.ofSeconds(10);

  /** Of all jars that are being handed out. */
  private static final long MOST_BYTES = 64 << 20;

  /** How often an agent may ask for the whole jar: pieces get lost, and hosts may be hostile. */
  private static final int MOST_TIMES = 4;

  private final String fleet;
  private final Registry registry;
  private final Liveness liveness;
  private final Refusals refusals;
  private final Sender sender;
  private final Predicate<String> swapping;
  private final InstantSource clock;

  /** The newest change of each computation. */
  private final Map<String, Change> changes = new ConcurrentHashMap<>();

  /** Who waits for a listing, by command. */
  private final Map<String, Waiting> listings = new ConcurrentHashMap<>();

  private record Waiting(String computation, CompletableFuture<BundleRequest.Listing> answer) {}

  /** How a change stands. Guarded by itself. */
  private static final class Change {
    final String computation;
    final int run;
    final Command.Bundle order;
    final Instant began;
    byte @Nullable [] jar;
    long handedOut;
    Instant heard = Instant.MIN;
    Instant sayAt = Instant.MIN;
    BundleRequest.@Nullable Outcome outcome;

    Change(String computation, int run, Command.Bundle order, byte[] jar, Instant began) {
      this.computation = computation;
      this.run = run;
      this.order = order;
      this.jar = jar;
      this.began = began;
    }

    synchronized boolean isUnderWay() {
      return outcome == null;
    }

    synchronized long held() {
      return jar == null ? 0 : jar.length;
    }

    synchronized JsonObject toJson() {
      BundleRequest.Outcome now = outcome;
      JsonObject.Builder json =
          JsonObject.builder()
              .put("command", order.id())
              .put("run", run)
              .put("bundle", order.bundle())
              .put("to", order.version())
              .put("sha256", order.sha256())
              .put("started", began.toString())
              .put("state", now == null ? "under-way" : now.done() ? "done" : "failed");
      if (now != null) {
        json.putIfPresent("from", now.from())
            .putIfPresent("code", now.code())
            .putIfPresent("message", now.message())
            .put("othersRefreshed", now.othersRefreshed())
            .put("millis", now.millis());
      }
      return json.build();
    }
  }

  /**
   * Makes one.
   *
   * @param swapping whether an agent is just changing its transport
   */
  GuestBundles(
      String fleet,
      Registry registry,
      Liveness liveness,
      Refusals refusals,
      Sender sender,
      Predicate<String> swapping,
      InstantSource clock) {
    this.fleet = requireNonNull(fleet, "fleet is null");
    this.registry = requireNonNull(registry, "registry is null");
    this.liveness = requireNonNull(liveness, "liveness is null");
    this.refusals = requireNonNull(refusals, "refusals is null");
    this.sender = requireNonNull(sender, "sender is null");
    this.swapping = requireNonNull(swapping, "swapping is null");
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
    Change change = new Change(id, run, order, jar, clock.instant());
    synchronized (changes) {
      Change before = changes.get(id);
      if (before != null && before.isUnderWay()) {
        throw new ComputationException(
            REFUSED,
            "change-under-way",
            "A bundle of %s is just being changed: wait for the outcome.".formatted(id));
      }
      if (changes.values().stream().mapToLong(Change::held).sum() + jar.length > MOST_BYTES) {
        throw new ComputationException(
            RETRY, "too-many-changes", "Many bundles are being changed: ask again.");
      }
      changes.put(id, change);
    }
    LOG.log(INFO, "{0} is to take {1} {2}.", id, bundle, version);
    say(change);
    return change.toJson();
  }

  /** The newest change of a computation's agent since this service started. */
  Optional<JsonObject> newest(String id) {
    return Optional.ofNullable(changes.get(id)).map(Change::toJson);
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
    Change change = changes.get(id);
    if (change == null || !change.order.id().equals(request.command())) {
      return ByteBuffer.allocate(0); // it is of a service before this one, or of nobody
    }
    synchronized (change) {
      change.heard = clock.instant();
      if (request instanceof BundleRequest.Outcome outcome) {
        decide(change, outcome);
        return ByteBuffer.allocate(0);
      }
      BundleRequest.Piece piece = (BundleRequest.Piece) request;
      byte[] jar = change.jar;
      if (jar == null) {
        return ByteBuffer.allocate(0);
      }
      int length = piece.length(jar.length);
      change.handedOut += length;
      if (change.handedOut > MOST_TIMES * (long) jar.length + BundleRequest.PIECE) {
        refusals.count("too-many-pieces", id, "It asks for more than there is.");
        return null;
      }
      return length == 0
          ? ByteBuffer.allocate(0)
          : ByteBuffer.wrap(jar, (int) piece.offset(), length).slice().asReadOnlyBuffer();
    }
  }

  /** Does what is due; to be called every second. */
  void check() {
    changes.values().forEach(this::look);
  }

  private void look(Change change) {
    synchronized (change) {
      if (change.outcome != null) {
        return;
      }
      Instant now = clock.instant();
      boolean unheard = change.heard.equals(Instant.MIN);
      if (isOver(change)) {
        fail(change, "agent-gone", "The agent's run is over.");
      } else if (unheard && now.isAfter(change.began.plus(HEARD))) {
        fail(change, "no-answer", "The agent did not say whether it takes the bundle.");
      } else if (!unheard && now.isAfter(change.heard.plus(SILENT))) {
        fail(change, "no-answer", "The agent did not say what became of it: see its events.");
      } else if (unheard && !now.isBefore(change.sayAt)) {
        say(change);
      }
    }
  }

  private boolean isOver(Change change) {
    return liveness.run(change.computation) != change.run
        || liveness
            .view(change.computation)
            .map(view -> view.state() == AgentState.GONE)
            .orElse(true);
  }

  private void fail(Change change, String code, String message) {
    decide(
        change,
        new BundleRequest.Outcome(
            change.order.id(),
            false,
            code,
            message,
            null,
            0,
            Duration.between(change.began, clock.instant()).toMillis()));
  }

  /** With the change locked. An agent may yet say what it was given up for. */
  private static void decide(Change change, BundleRequest.Outcome outcome) {
    if (outcome.equals(change.outcome)) {
      return; // said again, since the answer was lost
    }
    change.outcome = outcome;
    change.jar = null;
    LOG.log(
        outcome.done() ? INFO : WARNING,
        "{0}: {1} {2}: {3} {4}",
        change.computation,
        change.order.bundle(),
        change.order.version(),
        outcome.done() ? "runs now" : outcome.code(),
        outcome.done() ? "" : outcome.message());
  }

  private void say(Change change) {
    synchronized (change) {
      change.sayAt = clock.instant().plus(AGAIN);
    }
    send(change.computation, change.order);
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
