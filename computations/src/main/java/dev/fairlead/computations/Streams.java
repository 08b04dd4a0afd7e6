// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.computations;

import static java.util.Objects.requireNonNull;

import dev.fairlead.computations.liveness.Liveness;
import dev.fairlead.delivery.Route;
import dev.fairlead.delivery.StreamId;
import dev.fairlead.protocol.Addresses;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;

/**
 * Says whose streams are taken: those of registered computations, and of managers; and of each no
 * more numberings than an honest sender ever begins. Safe for use by several threads.
 */
final class Streams implements Route {

  /** Numberings of one stream over all its runs, after which no new ones are taken. */
  static final int MAX_EPOCHS = 4096;

  /** Managers whose streams are taken. */
  static final int MAX_HOSTS = 1024;

  private final String fleet;
  private final Liveness liveness;
  private final Map<String, Set<String>> epochs = new ConcurrentHashMap<>();
  private final Set<String> hosts = ConcurrentHashMap.newKeySet();

  Streams(String fleet, Liveness liveness) {
    this.fleet = requireNonNull(fleet, "fleet is null");
    this.liveness = requireNonNull(liveness, "liveness is null");
  }

  @Override
  public Optional<String> acks(StreamId stream) {
    return Addresses.parse(stream.address())
        .filter(from -> from.fleet().equals(fleet) && isTaken(from, stream))
        .map(from -> from.acks(name(stream)));
  }

  private boolean isTaken(Addresses from, StreamId stream) {
    String name = name(stream);
    boolean known =
        from.isHost()
            ? name.equals(Addresses.EVENTS) && isKnownHost(from.party())
            : from.isComputation()
                && (name.equals(Addresses.EVENTS) || name.equals(Addresses.LOGS))
                && liveness.run(from.party()) > 0;
    if (!known) {
      return false;
    }
    Set<String> begun =
        epochs.computeIfAbsent(stream.address(), absent -> ConcurrentHashMap.newKeySet());
    return begun.contains(stream.epoch())
        || (begun.size() < MAX_EPOCHS && begun.add(stream.epoch()));
  }

  private boolean isKnownHost(String party) {
    return hosts.contains(party) || (hosts.size() < MAX_HOSTS && hosts.add(party));
  }

  private static String name(StreamId stream) {
    return stream.address().substring(stream.address().lastIndexOf('/') + 1);
  }
}
