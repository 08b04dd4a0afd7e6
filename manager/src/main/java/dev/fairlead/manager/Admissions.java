// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.manager;

import static java.lang.System.Logger.Level.DEBUG;
import static java.lang.System.Logger.Level.WARNING;

import dev.fairlead.transport.access.PeerAdmission;
import dev.fairlead.transport.access.PeerAdmission.Admission;
import dev.fairlead.transport.api.TransportException;
import java.net.URI;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.atomic.AtomicBoolean;

/**
 * Lets VMs in at those transports that know their peers by where they connect from. Services and
 * VMs come and go in any order: each VM is let in at each service for as long as both are there.
 * Safe for use by several threads, one at a time; blocks for as long as a service takes.
 */
final class Admissions implements AutoCloseable {

  private static final System.Logger LOG = System.getLogger(Admissions.class.getName());

  private final List<PeerAdmission> services = new ArrayList<>();
  private final Map<String, Peer> peers = new HashMap<>();

  /** Where a VM connects from, and where it is let in. */
  private record Peer(URI uri, Map<PeerAdmission, Admission> admissions, AtomicBoolean complained) {

    void close() {
      admissions.values().forEach(Admission::close);
      admissions.clear();
    }
  }

  /** A service is there: whoever is known is let in. */
  synchronized void add(PeerAdmission service) {
    services.add(service);
    settle();
  }

  /** A service goes, and its admissions with it. */
  synchronized void remove(PeerAdmission service) {
    services.remove(service);
    for (Peer peer : peers.values()) {
      Admission gone = peer.admissions().remove(service);
      if (gone != null) {
        gone.close();
      }
    }
  }

  /**
   * A VM is about to start.
   *
   * @throws TransportException when a service does not let it in; then none does
   */
  synchronized void open(String computation, URI uri) {
    Peer peer = enter(computation, uri);
    try {
      for (PeerAdmission service : services) {
        admit(service, computation, peer);
      }
    } catch (TransportException e) {
      close(computation);
      throw e;
    }
  }

  /** A VM runs already. What does not let it in now is asked again by {@link #settle}. */
  synchronized void adopt(String computation, URI uri) {
    var unused = enter(computation, uri);
    settle();
  }

  /** A VM has ended. Nothing happens where there was none. */
  synchronized void close(String computation) {
    Peer gone = peers.remove(computation);
    if (gone != null) {
      gone.close();
    }
  }

  /** Asks again where somebody was not let in. */
  synchronized void settle() {
    peers.forEach(
        (computation, peer) -> {
          for (PeerAdmission service : services) {
            try {
              admit(service, computation, peer);
            } catch (TransportException e) {
              // Said once; asked every second.
              LOG.log(
                  peer.complained().compareAndSet(false, true) ? WARNING : DEBUG,
                  "The VM of {0} is not let in by {1}, which is tried again: {2}",
                  computation,
                  service.transport(),
                  e.getMessage());
            }
          }
        });
  }

  private Peer enter(String computation, URI uri) {
    Peer before = peers.get(computation);
    if (before != null && before.uri().equals(uri)) {
      return before;
    }
    close(computation);
    Peer peer = new Peer(uri, new IdentityHashMap<>(), new AtomicBoolean());
    peers.put(computation, peer);
    return peer;
  }

  private static void admit(PeerAdmission service, String computation, Peer peer) {
    if (!peer.admissions().containsKey(service)) {
      peer.admissions().put(service, service.admit(computation, peer.uri()));
    }
  }

  /** Lets nobody in any more. */
  @Override
  public synchronized void close() {
    peers.values().forEach(Peer::close);
    peers.clear();
  }
}
