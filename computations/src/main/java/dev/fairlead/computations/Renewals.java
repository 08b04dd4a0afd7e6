// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.computations;

import static java.lang.System.Logger.Level.WARNING;
import static java.util.Objects.requireNonNull;

import dev.fairlead.computations.liveness.AgentState;
import dev.fairlead.computations.liveness.Liveness;
import dev.fairlead.computations.registry.Registry;
import dev.fairlead.protocol.Addresses;
import dev.fairlead.protocol.Command;
import dev.fairlead.transport.access.Credential;
import dev.fairlead.transport.api.Message;
import dev.fairlead.transport.api.TransportException;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.Map;
import java.util.UUID;
import java.util.concurrent.ConcurrentHashMap;
import org.jspecify.annotations.Nullable;

/**
 * Gives each living agent its next credential when two thirds of the present one's lifetime are
 * over. The command is said three times over the following sixth, under one id, since nobody
 * confirms it; an agent that is away gets it when it is back.
 *
 * <p>{@link #check} is called by one thread at a time, the other methods by any.
 */
final class Renewals {

  private static final System.Logger LOG = System.getLogger(Renewals.class.getName());
  private static final int TIMES = 3;

  private final String fleet;
  private final Access access;
  private final Registry registry;
  private final Liveness liveness;
  private final Sender sender;
  private final InstantSource clock;
  private final Map<String, Lease> leases = new ConcurrentHashMap<>();

  /** What an agent has, and what of the next one was said. */
  private record Lease(
      int run,
      String transport,
      Instant renewAt,
      @Nullable Message command,
      int said,
      Instant sayAt) {}

  Renewals(
      String fleet,
      Access access,
      Registry registry,
      Liveness liveness,
      Sender sender,
      InstantSource clock) {
    this.fleet = requireNonNull(fleet, "fleet is null");
    this.access = requireNonNull(access, "access is null");
    this.registry = requireNonNull(registry, "registry is null");
    this.liveness = requireNonNull(liveness, "liveness is null");
    this.sender = requireNonNull(sender, "sender is null");
    this.clock = requireNonNull(clock, "clock is null");
  }

  /** A run has a credential for a transport that ends then. */
  void track(String id, int run, String transport, Instant expiresAt) {
    leases.put(id, new Lease(run, transport, renewAt(expiresAt), null, 0, Instant.MAX));
  }

  /** A run is over. */
  void forget(String id) {
    leases.remove(id);
  }

  /** Does what is due; blocks for as long as the issuer takes. */
  void check() {
    Instant now = clock.instant();
    leases.forEach(
        (id, lease) -> {
          AgentState state = liveness.view(id).map(Liveness.View::state).orElse(AgentState.GONE);
          if (liveness.run(id) != lease.run() || state == AgentState.GONE) {
            leases.remove(id, lease);
          } else if (state == AgentState.CONNECTED || state == AgentState.LATE) {
            if (!now.isBefore(lease.renewAt())) {
              renew(id, lease, now);
            } else if (!now.isBefore(lease.sayAt())) {
              say(id, lease, now);
            }
          }
        });
  }

  private void renew(String id, Lease lease, Instant now) {
    try {
      Credential credential = access.agent(id, lease.transport());
      registry.credential(id, lease.run(), credential.sha256(), credential.expiresAt());
      liveness.credential(id, lease.run(), credential.expiresAt());
      Command command =
          new Command.Credential(
              UUID.randomUUID().toString(),
              lease.transport(),
              credential.content(),
              credential.expiresAt());
      Message message =
          new Message(Addresses.ofComputation(fleet, id).commands(), command.toJson());
      Lease next =
          new Lease(
              lease.run(), lease.transport(), renewAt(credential.expiresAt()), message, 0, now);
      if (leases.replace(id, lease, next)) {
        say(id, next, now);
      }
    } catch (TransportException | ComputationException e) {
      Lease later =
          new Lease(
              lease.run(),
              lease.transport(),
              now.plus(access.lifetime().dividedBy(60)),
              null,
              0,
              Instant.MAX);
      leases.replace(id, lease, later);
      LOG.log(
          WARNING,
          "The credential of {0} was not renewed, which is tried again: {1}",
          id,
          e.getMessage());
    }
  }

  private void say(String id, Lease lease, Instant now) {
    Message message = lease.command();
    if (message == null) {
      return;
    }
    int said = lease.said() + 1;
    Duration pause = access.lifetime().dividedBy(12);
    Lease next =
        said < TIMES
            ? new Lease(
                lease.run(), lease.transport(), lease.renewAt(), message, said, now.plus(pause))
            : new Lease(lease.run(), lease.transport(), lease.renewAt(), null, said, Instant.MAX);
    if (leases.replace(id, lease, next)) {
      var unused = sender.send(message); // said again, so its failure needs no answer
    }
  }

  private Instant renewAt(Instant expiresAt) {
    return expiresAt.minus(access.lifetime().dividedBy(3));
  }
}
