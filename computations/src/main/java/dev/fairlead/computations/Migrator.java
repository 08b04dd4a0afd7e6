// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.computations;

import static dev.fairlead.computations.ComputationException.Category.REFUSED;
import static java.lang.System.Logger.Level.INFO;
import static java.lang.System.Logger.Level.WARNING;
import static java.util.Objects.requireNonNull;

import dev.fairlead.computations.liveness.AgentState;
import dev.fairlead.computations.liveness.Liveness;
import dev.fairlead.computations.migration.Guard;
import dev.fairlead.computations.migration.Migration;
import dev.fairlead.computations.migration.Migration.Wanted;
import dev.fairlead.computations.migration.Phase;
import dev.fairlead.computations.parity.Arrival;
import dev.fairlead.computations.parity.Parity;
import dev.fairlead.computations.parity.ParityLimits;
import dev.fairlead.computations.parity.StreamKey;
import dev.fairlead.computations.parity.Verdict;
import dev.fairlead.computations.registry.Computation;
import dev.fairlead.computations.registry.Registry;
import dev.fairlead.computations.registry.Swap;
import dev.fairlead.delivery.Arrivals;
import dev.fairlead.delivery.ArrivedBatch;
import dev.fairlead.protocol.Addresses;
import dev.fairlead.protocol.Command;
import dev.fairlead.protocol.Command.Inject;
import dev.fairlead.protocol.TransportFact;
import dev.fairlead.protocol.json.JsonObject;
import dev.fairlead.transport.access.Credential;
import dev.fairlead.transport.api.Message;
import dev.fairlead.transport.api.TransportException;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.UUID;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;

/**
 * Carries a migration out: has agents send copies, has what comes compared, moves them, stops by
 * itself. What was decided is in the registry, so it goes on with it after a restart; what each
 * agent does now is seen from what comes, so nothing depends on an answer.
 *
 * <p>{@link #arrived} is called by threads of transports, {@link #check} by one thread at a time
 * and blocks as long as database and issuers take; so do the others.
 */
final class Migrator implements Arrivals {

  private static final System.Logger LOG = System.getLogger(Migrator.class.getName());

  /** An order that was not followed is given again. */
  private static final long AGAIN = Duration.ofSeconds(5).toNanos();

  /** Who speaks and sends no copies for so long after the first order does not follow. */
  private static final long PATIENCE = Duration.ofSeconds(60).toNanos();

  /** A computation that could not be moved is tried again after this. */
  private static final long MOVE_AGAIN = Duration.ofSeconds(15).toNanos();

  /** A credential for copies is revoked so long after their end. */
  private static final long REVOKE_AFTER = Duration.ofSeconds(10).toNanos();

  private static final int AT_ONCE = 8;
  private static final int MOST_STRAYS = 1024;

  private final String fleet;
  private final Access access;
  private final Registry registry;
  private final Liveness liveness;
  private final Sender sender;
  private final Mover mover;
  private final Comparison comparison;
  private final InstantSource clock;
  private final LongSupplier nanos;

  private volatile @Nullable Parity parity;

  /** Who sends copies that nobody asked for, or no longer asks for. */
  private final Set<String> strays = ConcurrentHashMap.newKeySet();

  // All below is guarded by this.
  private @Nullable Migration migration;

  /** Until when copies may have been flowing before anybody compared them; null where none may. */
  private @Nullable Instant resumed;

  private final Map<String, Order> orders = new HashMap<>();
  private final Map<String, Long> straysTold = new HashMap<>();
  private final Map<String, Revocation> revocations = new HashMap<>();
  private final Map<String, Move> moves = new HashMap<>();
  private final Map<String, String> failures = new TreeMap<>();

  /**
   * The order to send copies over a transport, as it was given to one agent.
   *
   * @param first when it was given, or seen to be followed last
   * @param last when it was given last
   */
  private record Order(
      int run, String transport, Message message, Instant renewAt, long first, long last) {

    /** It is followed. */
    Order seen(long time) {
      return new Order(run, transport, message, renewAt, time, last);
    }

    /** It is given again. */
    Order again(long time) {
      return new Order(run, transport, message, renewAt, first, time);
    }
  }

  /** Copies over a transport have ended, and with them the use of their credential. */
  private record Revocation(String transport, long since) {}

  /** A move that was ordered; over when it is no longer under way. */
  private record Move(long at, boolean underWay) {}

  /**
   * How is compared.
   *
   * @param redelivers whether transports' peers give again what they store
   */
  record Comparison(ParityLimits limits, boolean redelivers) {}

  Migrator(
      String fleet,
      Access access,
      Registry registry,
      Liveness liveness,
      Sender sender,
      Mover mover,
      Comparison comparison,
      InstantSource clock,
      LongSupplier nanos) {
    this.fleet = requireNonNull(fleet, "fleet is null");
    this.access = requireNonNull(access, "access is null");
    this.registry = requireNonNull(registry, "registry is null");
    this.liveness = requireNonNull(liveness, "liveness is null");
    this.sender = requireNonNull(sender, "sender is null");
    this.mover = requireNonNull(mover, "mover is null");
    this.comparison = requireNonNull(comparison, "comparison is null");
    this.clock = requireNonNull(clock, "clock is null");
    this.nanos = requireNonNull(nanos, "nanos is null");
    registry.migration().map(Migration::parse).ifPresent(this::resume);
  }

  private void resume(Migration known) {
    migration = known;
    resumed = clock.instant();
    if (known.shadow() && !known.phase().isOver()) {
      parity = compare();
    }
    LOG.log(INFO, "Migration {0} is {1}.", Integer.toString(known.number()), known.phase().word());
  }

  private Parity compare() {
    return new Parity(comparison.limits(), comparison.redelivers(), clock, nanos);
  }

  // --- what comes ---

  @Override
  public void arrived(String transport, long line, Message message) {
    Parity now = parity;
    boolean copy = ArrivedBatch.isCopy(message);
    if (now == null && !copy) {
      return;
    }
    Optional<Addresses> from = Addresses.parse(message.address());
    if (from.isEmpty() || !from.get().isComputation()) {
      return;
    }
    String id = from.get().party();
    if (now == null || !now.follows(id)) {
      if (copy && strays.size() < MOST_STRAYS) {
        strays.add(id);
      }
      return;
    }
    ArrivedBatch.read(message)
        .ifPresent(
            batch ->
                now.take(
                    new Arrival(
                        new StreamKey(id, name(message.address()), batch.stream().epoch()),
                        transport,
                        line,
                        batch.first(),
                        batch.count(),
                        batch.payload(),
                        batch.gap(),
                        batch.turn(),
                        batch.copiedFrom())));
  }

  private static String name(String address) {
    return address.substring(address.lastIndexOf('/') + 1);
  }

  /** This service's own link over a transport was lost. */
  void interrupted(String transport) {
    Parity now = parity;
    if (now != null) {
      now.interrupted(transport);
    }
  }

  // --- what is asked ---

  /** Begins a migration. */
  synchronized JsonObject start(
      String from, String to, int percent, boolean shadow, Inject inject) {
    Migration before = migration;
    if (before != null && !before.phase().isOver()) {
      throw new ComputationException(
          REFUSED,
          "migration-under-way",
          "Migration %d from %s to %s is %s: cut over or roll back first."
              .formatted(before.number(), before.from(), before.to(), before.phase().word()));
    }
    requireTransport(from);
    requireTransport(to);
    int number = before == null ? 1 : before.number() + 1;
    Migration fresh = Migration.start(number, from, to, percent, shadow, inject, clock.instant());
    keep(fresh);
    endCopies();
    failures.clear();
    moves.clear();
    resumed = null;
    parity = shadow ? compare() : null;
    return status();
  }

  private void requireTransport(String name) {
    List<String> permitted = access.transports().stream().map(TransportFact::name).toList();
    if (!permitted.contains(name)) {
      throw new ComputationException(
          REFUSED,
          "unknown-transport",
          "This service is on no transport '%s', only on %s. VMs whose transport a relay carries on stay on it until they end."
              .formatted(name, String.join(", ", permitted)));
    }
  }

  /** Goes a step on; 0 percent for the next usual step. */
  synchronized JsonObject advance(int percent) {
    keep(current().advance(percent, verdict(), clock.instant()));
    return status();
  }

  /** Has all move. */
  synchronized JsonObject cutover(boolean force) {
    keep(current().cutover(verdict(), force, clock.instant()));
    return status();
  }

  /** Has all come back. */
  synchronized JsonObject rollback() {
    Migration now = current();
    keep(now.rollback(now.phase().isOver() ? null : verdict(), clock.instant()));
    endCopies();
    failures.clear();
    moves.clear();
    return status();
  }

  /** How it stands. */
  synchronized JsonObject status() {
    return shown(false).build();
  }

  /** All that is known, as a document that can be kept. */
  synchronized JsonObject report() {
    return shown(true).build();
  }

  private JsonObject.Builder shown(boolean whole) {
    Migration now = current();
    JsonObject.Builder json = JsonObject.builder();
    now.toJson()
        .fields()
        .forEach(
            (name, value) -> {
              if (!name.equals("verdict_then")) {
                json.put(name, value);
              }
            });
    Map<String, Integer> on = new TreeMap<>();
    int chosen = 0;
    int copying = 0;
    Parity comparing = parity;
    for (Computation computation : registry.all()) {
      String id = computation.id();
      String transport = transport(id);
      if (transport != null) {
        on.merge(transport, 1, Integer::sum);
        chosen += now.wanted(id) == Wanted.OLD ? 0 : 1;
        copying += comparing != null && comparing.hasCopies(id) ? 1 : 0;
      }
    }
    JsonObject.Builder counts = JsonObject.builder();
    on.forEach((transport, count) -> counts.put(transport, count));
    json.put(
        "computations",
        JsonObject.builder()
            .put("chosen", chosen)
            .put("copying", copying)
            .put("moved", now.taken().size())
            .put("by_transport", counts.build())
            .build());
    JsonObject.Builder failed = JsonObject.builder();
    failures.forEach(failed::put);
    json.put("failed", failed.build());
    Verdict seen = verdict();
    JsonObject then = now.verdict();
    JsonObject known =
        seen != null && (seen.computations() > 0 || then == null) ? seen.toJson() : then;
    if (known != null && whole) {
      known.fields().forEach(json::put);
    } else if (known != null) {
      json.put("verdict", known.string("verdict")).put("reason", known.string("reason", 1024));
    } else {
      json.put("verdict", "none").put("reason", "Nothing is compared: it began without --shadow.");
    }
    return json;
  }

  private Migration current() {
    Migration now = migration;
    if (now == null) {
      throw new ComputationException(REFUSED, "no-migration", "There is no migration: start one.");
    }
    return now;
  }

  private @Nullable Verdict verdict() {
    Parity now = parity;
    return now == null ? null : now.verdict();
  }

  private void keep(Migration next) {
    if (!next.equals(migration)) {
      registry.migration(next.number(), next.toBytes());
      migration = next;
    }
  }

  // --- what is done ---

  /** Sees to it that each agent does what was decided; to be called about once a second. */
  synchronized void check() {
    tellStrays();
    revoke();
    Migration now = migration;
    if (now == null) {
      return;
    }
    guard(now);
    for (Computation computation : registry.all()) {
      String id = computation.id();
      String on = transport(id);
      if (isOver(id)) {
        runIsOver(id);
      } else if (on != null) {
        try {
          see(current(), computation, on);
        } catch (TransportException | ComputationException e) {
          failed(id, String.valueOf(e.getMessage()));
        }
      }
    }
    Parity comparing = parity;
    boolean follows =
        !current().taken().isEmpty()
            || (comparing != null && comparing.followed().stream().anyMatch(comparing::hasCopies));
    if (follows) {
      keep(current().begun());
    }
  }

  private void guard(Migration now) {
    Verdict seen = verdict();
    if (seen == null || now.phase().isOver()) {
      if (failures.size() > Guard.DEFAULT.failures()) {
        keep(now.hold("errors-rose", "Computations could not follow.", null, clock.instant()));
      }
      return;
    }
    Guard.DEFAULT
        .check(seen, failures.size())
        .ifPresent(
            stop -> {
              Migration held = now.hold(stop.code(), stop.reason(), seen, clock.instant());
              if (!held.equals(now)) {
                keep(held);
                LOG.log(
                    WARNING,
                    "Migration {0} stopped by itself: {1} {2}",
                    Integer.toString(now.number()),
                    stop.code(),
                    stop.reason());
              }
            });
  }

  /** On which transport an agent lives; null where it does not, or nobody knows. */
  private @Nullable String transport(String id) {
    return liveness
        .view(id)
        .filter(view -> view.state() == AgentState.CONNECTED || view.state() == AgentState.LATE)
        .map(Liveness.View::transport)
        .orElse(null);
  }

  /** Whether nothing more comes of a computation, unless it is started again. */
  private boolean isOver(String id) {
    return liveness.view(id).filter(view -> view.state() == AgentState.GONE).isPresent();
  }

  /** It is judged by what came, and nothing is awaited of it; its credentials end with it. */
  private void runIsOver(String id) {
    Parity comparing = parity;
    if (comparing != null) {
      comparing.runIsOver(id);
    }
    orders.remove(id);
    revocations.remove(id);
    moves.remove(id);
    failures.remove(id);
  }

  private void see(Migration now, Computation computation, String on) {
    String id = computation.id();
    Wanted wanted = now.wanted(id);
    Order order = orders.get(id);
    if (order != null && order.run() != liveness.run(id)) {
      runIsOver(id); // and another has begun already
    }
    if (wanted == Wanted.COPIES && on.equals(now.from())) {
      copies(now, computation);
      return;
    }
    endCopies(id);
    if (wanted == Wanted.NEW && on.equals(now.from())) {
      if (now.held() == null || now.phase() == Phase.CUT_OVER) {
        move(now, id, now.to());
      }
    } else if (wanted == Wanted.OLD
        && now.phase() == Phase.ROLLED_BACK
        && on.equals(now.to())
        && now.taken().contains(id)) {
      move(now, id, now.from());
    } else if (moves.get(id) == null) {
      failures.remove(id);
    }
  }

  // --- copies ---

  private void copies(Migration now, Computation computation) {
    String id = computation.id();
    Parity comparing = parity;
    if (comparing == null) {
      return;
    }
    comparing.follow(id, resumed != null && computation.run().started().isBefore(resumed));
    long time = nanos.getAsLong();
    Order order = orders.get(id);
    boolean due = order == null || clock.instant().isAfter(order.renewAt());
    if (comparing.hasCopies(id)) {
      failures.remove(id);
      if (order != null && !due) {
        orders.put(id, order.seen(time));
        return;
      }
    }
    if (order == null || due) {
      if (isMoving(id)) {
        return; // what that leaves over is revoked, and this would be revoked with it
      }
      order = order(now, id, time);
    } else if (time - order.last() < AGAIN) {
      return;
    } else {
      if (time - order.first() > PATIENCE && comparing.isSpeaking(id)) {
        failed(id, "It speaks, and its copies do not come over %s.".formatted(now.to()));
      }
      order = order.again(time);
    }
    orders.put(id, order);
    say(order.message());
  }

  /** What the ids of a migration's orders to send copies begin with; agents' events tell them. */
  static String orderOf(int migration) {
    return "m" + migration + "-";
  }

  private Order order(Migration now, String id, long time) {
    mover.clean(id, now.to()); // what is revoked ends all that was issued before, and nothing after
    Credential credential = access.agent(id, now.to());
    Duration third = Duration.between(clock.instant(), credential.expiresAt()).dividedBy(3);
    Command command =
        new Command.Shadow(
            orderOf(now.number()) + UUID.randomUUID(),
            now.to(),
            credential.content(),
            credential.expiresAt(),
            now.inject());
    revocations.remove(id);
    return new Order(
        liveness.run(id),
        now.to(),
        new Message(commands(id), command.toJson()),
        credential.expiresAt().minus(third),
        time,
        time);
  }

  private void endCopies() {
    Parity comparing = parity;
    if (comparing != null) {
      comparing.followed().forEach(this::endCopies);
    }
  }

  private void endCopies(String id) {
    Parity comparing = parity;
    if (comparing != null && comparing.follows(id)) {
      comparing.leave(id);
    }
    Order order = orders.remove(id);
    if (order != null) {
      sayEnd(id);
      revocations.put(id, new Revocation(order.transport(), nanos.getAsLong()));
    }
  }

  private void sayEnd(String id) {
    straysTold.put(id, nanos.getAsLong());
    say(new Message(commands(id), new Command.ShadowEnd(UUID.randomUUID().toString()).toJson()));
  }

  /** An end that was not heard is told again. */
  private void tellStrays() {
    long time = nanos.getAsLong();
    for (String id : Set.copyOf(strays)) {
      strays.remove(id);
      Long told = straysTold.get(id);
      Parity comparing = parity;
      boolean asked = comparing != null && comparing.follows(id);
      if (!asked && (told == null || time - told >= AGAIN)) {
        sayEnd(id);
      }
    }
    straysTold.values().removeIf(at -> time - at >= 2 * AGAIN);
  }

  private void revoke() {
    long time = nanos.getAsLong();
    for (Map.Entry<String, Revocation> due : Map.copyOf(revocations).entrySet()) {
      String id = due.getKey();
      String transport = due.getValue().transport();
      if (time - due.getValue().since() < REVOKE_AFTER || isMoving(id)) {
        continue;
      }
      Liveness.View view = liveness.view(id).orElse(null);
      if (view == null || view.state() == AgentState.GONE || transport.equals(view.transport())) {
        revocations.remove(id); // all of a run's end with it; and what it is on now, it needs
      } else if (transport(id) != null) { // else nobody knows where it is
        revocations.remove(id);
        try {
          access.revoke(id, transport);
        } catch (TransportException | ComputationException e) {
          LOG.log(WARNING, "A credential of {0} was not revoked; it ends by itself.", id, e);
        }
      }
    }
  }

  /** Whether an order to change its transport is under way, by a migration's or another's word. */
  private boolean isMoving(String id) {
    Move move = moves.get(id);
    return (move != null && move.underWay())
        || registry.newestSwap(id).filter(one -> one.state() == Swap.State.UNDER_WAY).isPresent();
  }

  // --- moving ---

  private void move(Migration now, String id, String to) {
    long time = nanos.getAsLong();
    Move before = moves.get(id);
    long underWay = moves.values().stream().filter(Move::underWay).count();
    boolean tried = before != null && (before.underWay() || time - before.at() < MOVE_AGAIN);
    if (tried || underWay >= AT_ONCE) {
      return;
    }
    keep(now.take(id)); // first, so that it is taken back whatever happens
    revocations.remove(id);
    moves.put(id, new Move(time, true));
    try {
      mover.move(id, to).whenComplete((done, failure) -> moved(id, to, failure));
    } catch (TransportException | ComputationException e) {
      moved(id, to, e); // the order could not even be given
    }
  }

  private synchronized void moved(String id, String to, @Nullable Throwable failure) {
    if (failure == null) {
      moves.remove(id);
      failures.remove(id);
      LOG.log(INFO, "{0} is on {1} now.", id, to);
    } else if (isOver(id)) {
      runIsOver(id); // who has ended did not fail to follow
    } else {
      moves.put(id, new Move(nanos.getAsLong(), false));
      failed(id, String.valueOf(failure.getMessage()));
    }
  }

  private void failed(String id, String reason) {
    if (failures.put(id, reason) == null) {
      LOG.log(WARNING, "{0} does not follow the migration: {1}", id, reason);
    }
  }

  private String commands(String id) {
    return Addresses.ofComputation(fleet, id).commands();
  }

  private void say(Message message) {
    var unused = sender.send(message); // what it leads to is seen; it is said again until then
  }
}
