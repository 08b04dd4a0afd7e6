// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.delivery;

import static java.util.Objects.requireNonNull;

import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.LongSupplier;
import java.util.function.UnaryOperator;
import org.jspecify.annotations.Nullable;

/** See {@link Ways#whereHeard}. */
final class WhereHeard implements Ways {

  /** A transport on which a peer is no longer heard is used for this long, in ns. */
  private static final long STAYS = Duration.ofSeconds(10).toNanos();

  /** Peers that are remembered; any other is answered by all transports. */
  private static final int MAX_PEERS = 65_536;

  private final UnaryOperator<String> peer;
  private final LongSupplier nanos;
  private final Map<String, Traces> peers = new ConcurrentHashMap<>();

  WhereHeard(UnaryOperator<String> peer, LongSupplier nanos) {
    this.peer = requireNonNull(peer, "peer is null");
    this.nanos = requireNonNull(nanos, "nanos is null");
  }

  @Override
  public void heard(String address, String transport) {
    String who = peer.apply(address);
    Traces traces = peers.get(who);
    if (traces == null) {
      if (peers.size() >= MAX_PEERS) {
        peers.keySet().stream().findAny().ifPresent(peers::remove);
      }
      traces = peers.computeIfAbsent(who, absent -> new Traces());
    }
    traces.add(transport, nanos.getAsLong());
  }

  @Override
  public List<String> choose(String address, List<String> connected) {
    Traces traces = peers.get(peer.apply(address));
    return traces == null ? connected : traces.among(connected, nanos.getAsLong());
  }

  @Override
  public boolean isMoved(String address, String transport, boolean connected) {
    if (!connected) {
      return false; // who is heard there is not reached elsewhere
    }
    Traces traces = peers.get(peer.apply(address));
    return traces == null || !traces.among(List.of(transport), nanos.getAsLong()).isEmpty();
  }

  /** When one peer was heard last on each transport; its lock is itself. */
  private static final class Traces {

    private @Nullable String last;
    private final Map<String, Long> times = new HashMap<>();

    synchronized void add(String transport, long now) {
      last = transport;
      times.put(transport, now);
    }

    synchronized List<String> among(List<String> some, long now) {
      List<String> found = new ArrayList<>(some.size());
      for (String one : some) {
        Long time = times.get(one);
        if (one.equals(last) || (time != null && now - time < STAYS)) {
          found.add(one);
        }
      }
      return found;
    }
  }
}
