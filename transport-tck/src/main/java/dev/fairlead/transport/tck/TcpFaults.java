// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.transport.tck;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.URI;
import java.net.URISyntaxException;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicBoolean;

/**
 * Faults of a peer that is reached over TCP. Each subject connects through a relay of its own, on
 * the loopback interface, so that its link can be cut, and all of them stalled; to kill and start
 * the peer is left to two actions.
 */
public final class TcpFaults implements Faults, AutoCloseable {

  private final URI peer;
  private final Runnable kill;
  private final Runnable start;
  private final Map<String, TcpRelay> relays = new ConcurrentHashMap<>();
  private final AtomicBoolean dead = new AtomicBoolean();
  private final Set<String> partitioned = ConcurrentHashMap.newKeySet();
  private volatile boolean stalled;

  /**
   * Makes one for a peer that is running.
   *
   * @param peer where it listens: host and port
   * @param kill ends it at once; returns when it has ended. It may come back by itself: its end is
   *     kept from the subjects until it is wanted
   * @param start starts it again at the same port; returns when it listens
   */
  public TcpFaults(URI peer, Runnable kill, Runnable start) {
    this.peer = peer;
    this.kill = kill;
    this.start = start;
  }

  /** Where a subject connects: the peer's URI, with a relay's port. */
  public URI endpoint(String subject) {
    int port = relays.computeIfAbsent(subject, this::relay).port();
    try {
      return new URI(
          peer.getScheme(),
          peer.getUserInfo(),
          peer.getHost(),
          port,
          peer.getPath(),
          peer.getQuery(),
          peer.getFragment());
    } catch (URISyntaxException e) {
      throw new IllegalStateException("A port fits every URI.", e);
    }
  }

  private TcpRelay relay(String subject) {
    try {
      TcpRelay relay = new TcpRelay(peer.getHost(), peer.getPort(), subject);
      relay.stall(stalled);
      relay.cut(isCut(subject));
      return relay;
    } catch (IOException e) {
      throw new UncheckedIOException("There is no free port for a relay.", e);
    }
  }

  @Override
  public void kill() {
    if (dead.compareAndSet(false, true)) {
      kill.run();
      resume();
      cutWhereDue();
    }
  }

  @Override
  public void restart() {
    if (dead.compareAndSet(true, false)) {
      start.run();
      cutWhereDue();
    }
  }

  @Override
  public void stall() {
    stalled = true;
    relays.values().forEach(relay -> relay.stall(true));
  }

  @Override
  public void resume() {
    stalled = false;
    relays.values().forEach(relay -> relay.stall(false));
  }

  @Override
  public void partition(String subject) {
    partitioned.add(subject);
    cutWhereDue();
  }

  @Override
  public void heal(String subject) {
    partitioned.remove(subject);
    cutWhereDue();
  }

  @Override
  public void mend() {
    partitioned.clear();
    restart();
    resume();
    cutWhereDue();
  }

  private void cutWhereDue() {
    relays.forEach((subject, relay) -> relay.cut(isCut(subject)));
  }

  private boolean isCut(String subject) {
    return dead.get() || partitioned.contains(subject);
  }

  /** Ends the relays. The peer is left to whoever started it. */
  @Override
  public void close() {
    relays.values().forEach(TcpRelay::close);
    relays.clear();
  }
}
