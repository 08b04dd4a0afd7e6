// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.transport.vsock.hub;

import dev.fairlead.lib.junixsocket.Vsock;
import dev.fairlead.transport.api.TransportException;
import dev.fairlead.transport.vsock.wire.Place;
import dev.fairlead.transport.vsock.wire.Wire;
import java.io.IOException;
import java.lang.System.Logger.Level;
import java.nio.channels.SocketChannel;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ScheduledFuture;
import java.util.concurrent.ScheduledThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/**
 * A small broker: passes messages on between the ends that are connected to it, to those whose
 * grants permit it, and keeps nothing. It listens on a socket for the host's own ends, on one more
 * for each admitted VM, and at a port of AF_VSOCK when there are VMs that are known by their
 * number.
 *
 * <p>It bounds what it holds. A sender has a window of bytes without acknowledgement. A receiver
 * that takes part on the host (the collector, a relay) is waited for: when more than a lane's worth
 * of a sender waits for it, that sender's acknowledgements do; when it takes nothing at all for
 * {@link #STUCK_MILLIS}, it is cut off. Nobody waits for a guest, nor for who may only listen: when
 * a queue's worth waits for one, it is cut off. So neither can hold up anybody, and no message is
 * lost but with the connection of who should have had it.
 */
public final class Hub implements AutoCloseable {

  /** An end asks for signs of life every second: one that has not for so long may be gone. */
  private static final long QUIET_NANOS = TimeUnit.MILLISECONDS.toNanos(2 * Wire.PING_MILLIS);

  /** How long a receiver that is waited for may take nothing, in milliseconds. */
  static final long STUCK_MILLIS = 5_000;

  private static final System.Logger LOG = System.getLogger("dev.fairlead.transport.vsock");

  private static final long TICK_MILLIS = 200;
  private static final long COMPLAIN_TICKS = 50;

  private final Gate gate;
  private final Limits limits;
  private final int port;
  private final Door hostDoor;
  private final ScheduledThreadPoolExecutor ticker;
  private final Set<Session> sessions = ConcurrentHashMap.newKeySet();
  private final Map<Sender, Presence> presences = new HashMap<>();
  private final AtomicLong version = new AtomicLong();
  private final AtomicLong held = new AtomicLong();
  private final AtomicLong complaints = new AtomicLong();
  private final ReentrantLock relieving = new ReentrantLock();
  private volatile String complaint = "";
  private volatile boolean closed;
  private long ticks;

  // Guarded by doors.
  private final Map<Place, Door> doors = new HashMap<>();
  private @Nullable Door machineDoor;
  private final Map<Place, Peer> peers = new ConcurrentHashMap<>();

  private Hub(Gate gate, Limits limits, int port, Place.Unix host) throws IOException {
    this.gate = gate;
    this.limits = limits;
    this.port = port;
    Peer itself = Peer.host();
    this.hostDoor = Door.open(host, channel -> enter(channel, itself));
    this.ticker =
        new ScheduledThreadPoolExecutor(1, work -> thread("-ticker", work), (work, ended) -> {});
  }

  /**
   * Starts one.
   *
   * @param port of AF_VSOCK, also what is added to the sockets of VMs
   * @param host the socket for the host's own ends; its folder must be closed to others
   * @throws IOException when nobody can listen there
   */
  public static Hub start(Gate gate, Limits limits, int port, Place.Unix host) throws IOException {
    Hub hub = new Hub(gate, limits, port, host);
    ScheduledFuture<?> unused =
        hub.ticker.scheduleAtFixedRate(hub::tick, 0, TICK_MILLIS, TimeUnit.MILLISECONDS);
    return hub;
  }

  Gate gate() {
    return gate;
  }

  Limits limits() {
    return limits;
  }

  AtomicLong held() {
    return held;
  }

  long now() {
    return System.nanoTime();
  }

  long version() {
    return version.get();
  }

  Collection<Session> sessions() {
    return sessions;
  }

  /** How many ends are connected. */
  public int connections() {
    return (int) sessions.stream().filter(session -> session.pass() != null).count();
  }

  /** How many bytes wait for receivers. */
  public long bytes() {
    return held.get();
  }

  Thread thread(String role, Runnable work) {
    Thread thread = new Thread(work, "fairlead-hub" + role);
    thread.setDaemon(true);
    return thread;
  }

  private void enter(SocketChannel channel, @Nullable Peer peer) {
    if (closed || peer == null || !peer.enter(now())) {
      complain("Somebody is turned away: " + (peer == null ? "no VM of ours" : peer.toString()));
      close(channel);
      return;
    }
    Session session = new Session(this, channel, peer);
    sessions.add(session);
    if (closed) {
      session.close();
    }
    session.start();
  }

  private void enterByNumber(SocketChannel channel) {
    try {
      enter(channel, peers.get(new Place.Machine(Vsock.peer(channel), -1)));
    } catch (IOException e) {
      LOG.log(Level.DEBUG, "A connection was gone before it was known whose it was.", e);
      close(channel);
    }
  }

  private static void close(SocketChannel channel) {
    try {
      channel.close();
    } catch (IOException e) {
      LOG.log(Level.DEBUG, "A channel did not close well.", e);
    }
  }

  /** Whether a last will is still to be said: not when the hub itself ends, nor for the revoked. */
  boolean speaksFor(Gate.Pass pass) {
    return !closed && gate.holds(pass) == null;
  }

  /** One more connection of an end is let in; to be given back when it has ended. */
  Presence come(Sender sender) {
    synchronized (presences) {
      Presence presence = presences.computeIfAbsent(sender, Presence::new);
      presence.connections++;
      return presence;
    }
  }

  void gone(Presence presence) {
    synchronized (presences) {
      if (--presence.connections == 0) {
        presences.remove(presence.sender());
      }
    }
  }

  /** How many bytes of one sender wait, for all receivers. */
  long waiting(Sender sender) {
    long bytes = 0;
    for (Session session : sessions) {
      Outflow outflow = session.outflow();
      bytes += outflow == null ? 0 : outflow.bytes(sender);
    }
    return bytes;
  }

  /**
   * An end comes in: connections of its own that show no life are ended first, so that their last
   * wills are said before what it says now. Waits for that, a little.
   */
  void endQuiet(Sender sender) {
    long now = now();
    for (Session session : sessions) {
      if (sender.equals(session.sender()) && now - session.heardAt() > QUIET_NANOS) {
        session.close();
        session.awaitEnd(QUIET_NANOS);
      }
    }
  }

  void joined(Session session) {
    LOG.log(Level.DEBUG, "Connected: {0}", session.peer());
    changed();
  }

  void left(Session session) {
    if (sessions.remove(session)) {
      session.peer().leave();
      changed();
    }
  }

  /** Subscriptions have changed: routes must be found anew. */
  void changed() {
    version.incrementAndGet();
  }

  /** Notes what an end did wrong; told now and then, since a guest could fill the log. */
  void complain(String what) {
    complaint = what;
    complaints.incrementAndGet();
    LOG.log(Level.DEBUG, what);
  }

  /** Cuts off whoever holds up most, when too much is held in all. */
  void relieve() {
    if (held.get() > limits.memory() && relieving.tryLock()) {
      try {
        Session most = null;
        long bytes = 0;
        for (Session session : sessions) {
          Outflow outflow = session.outflow();
          if (outflow != null && outflow.bytes() > bytes) {
            bytes = outflow.bytes();
            most = session;
          }
        }
        if (most != null) {
          complain(most.peer() + " is cut off: too much waits in all, and most of it for it.");
          most.close();
        }
      } finally {
        relieving.unlock();
      }
    }
  }

  private void tick() {
    try {
      long now = now();
      for (Session session : sessions) {
        look(session, now);
      }
      reconcile();
      if (++ticks % COMPLAIN_TICKS == 0) {
        long count = complaints.getAndSet(0);
        if (count > 0) {
          LOG.log(Level.WARNING, "{0} times ends did wrong; the last: {1}", count, complaint);
        }
      }
    } catch (RuntimeException e) {
      LOG.log(Level.ERROR, "The hub's watch failed; it goes on.", e);
    }
  }

  private void look(Session session, long now) {
    if (session.isOverdue(now)
        || now - session.heardAt() > TimeUnit.MILLISECONDS.toNanos(Wire.SILENCE_MILLIS)) {
      session.close();
      return;
    }
    Gate.Pass pass = session.pass();
    TransportException gone = pass == null ? null : gate.holds(pass);
    if (gone != null) {
      session.goodbye(true, gone.code(), String.valueOf(gone.getMessage()));
    }
    Outflow outflow = session.outflow();
    if (outflow != null) {
      long progress = outflow.progress();
      if (progress != session.lastProgress || outflow.bytes() == 0) {
        session.lastProgress = progress;
        session.lastProgressAt = now;
      } else if (now - session.lastProgressAt > TimeUnit.MILLISECONDS.toNanos(STUCK_MILLIS)) {
        session.goodbye(false, "too-slow", "This end has taken nothing for too long.");
      }
    }
  }

  /**
   * Brings doors and connections in line with what the gate says now. Called every so often, and by
   * whoever has changed something.
   */
  public void reconcile() {
    Map<Place, String> admitted = gate.admitted();
    List<Peer> gone = new ArrayList<>();
    synchronized (doors) {
      if (closed) {
        return;
      }
      peers.forEach(
          (place, peer) -> {
            if (!Objects.equals(admitted.get(place), peer.subject())) {
              gone.add(peer);
              peers.remove(place);
              Door door = doors.remove(place);
              if (door != null) {
                door.close();
              }
            }
          });
      admitted.forEach((place, subject) -> admit(place, subject));
      boolean anyMachine = peers.keySet().stream().anyMatch(Place.Machine.class::isInstance);
      if (!anyMachine && machineDoor != null) {
        machineDoor.close();
        machineDoor = null;
      }
    }
    for (Session session : sessions) {
      Gate.Pass pass = session.pass();
      if (gone.contains(session.peer())) {
        session.close();
      } else if (pass != null && gate.holds(pass) != null) {
        look(session, now());
      }
    }
  }

  private void admit(Place place, String subject) {
    if (isOpen(place)) {
      return;
    }
    Peer peer = peers.computeIfAbsent(place, at -> Peer.vm(at, subject));
    try {
      if (place instanceof Place.Unix unix) {
        doors.put(place, Door.open(unix.port(port), channel -> enter(channel, peer)));
      } else if (machineDoor == null || !machineDoor.isOpen()) {
        machineDoor = Door.open(Place.Machine.any(port), this::enterByNumber);
      }
    } catch (IOException e) {
      peers.remove(place);
      complain("Nobody can listen for " + place + ": " + e.getMessage());
    }
  }

  /** Whether a peer can connect. */
  public boolean isOpen(Place place) {
    synchronized (doors) {
      Door door = place instanceof Place.Unix ? doors.get(place) : machineDoor;
      return door != null && door.isOpen() && peers.containsKey(place);
    }
  }

  /** Ends every connection, and lets go of every thread and socket. Idempotent. */
  @Override
  public void close() {
    List<Door> open = new ArrayList<>();
    synchronized (doors) {
      closed = true;
      open.add(hostDoor);
      open.addAll(doors.values());
      doors.clear();
      if (machineDoor != null) {
        open.add(machineDoor);
        machineDoor = null;
      }
    }
    open.forEach(Door::close);
    sessions.forEach(Session::close);
    ticker.shutdownNow();
  }
}
