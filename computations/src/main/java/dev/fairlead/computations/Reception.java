// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.computations;

import static java.lang.System.Logger.Level.WARNING;
import static java.util.Objects.requireNonNull;

import dev.fairlead.computations.liveness.Liveness;
import dev.fairlead.computations.registry.Epoch;
import dev.fairlead.computations.registry.Registry;
import dev.fairlead.protocol.Addresses;
import dev.fairlead.protocol.AgentState;
import dev.fairlead.protocol.Heartbeat;
import dev.fairlead.protocol.Hello;
import dev.fairlead.protocol.Lost;
import dev.fairlead.protocol.ManifestEnvelope;
import dev.fairlead.protocol.json.ProtocolException;
import dev.fairlead.transport.api.Message;
import java.time.Duration;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.BiConsumer;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;

/**
 * Hears agents' hellos and heartbeats, and sends each agent its manifest until it has it: at a
 * hello, and at a heartbeat of one that still waits, since a hello may have come while nobody
 * listened.
 *
 * <p>Safe for use by several threads. {@link #hello} and {@link #heartbeat} are called by a
 * transport's threads and do not block.
 */
final class Reception {

  private static final System.Logger LOG = System.getLogger(Reception.class.getName());

  /** An agent that says hello in a loop gets its manifest no more often than this. */
  private static final long PAUSE_NANOS = Duration.ofMillis(500).toNanos();

  /** A manifest that was sent and did not arrive is sent again no sooner than this. */
  private static final long AGAIN_NANOS = Duration.ofSeconds(4).toNanos();

  private final Registry registry;
  private final Liveness liveness;
  private final Refusals refusals;
  private final Worker worker;
  private final Sender sender;
  private final LongSupplier nanos;
  private final BiConsumer<String, Heartbeat> heartbeats;
  private final String fleet;
  private final Map<String, Guest> guests = new ConcurrentHashMap<>();

  /** What is known of an agent beyond its liveness. Guarded by itself. */
  private static final class Guest {
    final Map<String, Integer> epochs = new ConcurrentHashMap<>();
    @Nullable Heartbeat heartbeat;
    @Nullable Hello hello;
    boolean owed;
    boolean queued;
    boolean sent;
    boolean tried;
    long triedAt;
  }

  /**
   * What an agent said last.
   *
   * @param hello its newest hello; null when none came since this service started
   * @param heartbeat its newest heartbeat; null when none came since this service started
   */
  record Said(@Nullable Hello hello, @Nullable Heartbeat heartbeat) {}

  /**
   * Makes one.
   *
   * @param heartbeats told of each heartbeat that counts; must not block
   */
  Reception(
      String fleet,
      Registry registry,
      Liveness liveness,
      Refusals refusals,
      Worker worker,
      Sender sender,
      LongSupplier nanos,
      BiConsumer<String, Heartbeat> heartbeats) {
    this.fleet = requireNonNull(fleet, "fleet is null");
    this.registry = requireNonNull(registry, "registry is null");
    this.liveness = requireNonNull(liveness, "liveness is null");
    this.refusals = requireNonNull(refusals, "refusals is null");
    this.worker = requireNonNull(worker, "worker is null");
    this.sender = requireNonNull(sender, "sender is null");
    this.nanos = requireNonNull(nanos, "nanos is null");
    this.heartbeats = requireNonNull(heartbeats, "heartbeats is null");
  }

  /** A message came to {@code up/hello}. */
  void hello(String transport, Message message) {
    Optional<Addresses> from = computation(message);
    if (from.isEmpty()) {
      return; // a manager's: it has other ways to make itself known
    }
    String id = from.get().party();
    try {
      Hello hello = Hello.parse(limited(message, Hello.MAX_BYTES));
      if (accept(id, transport, hello.computationId(), hello.epoch(), null)) {
        Guest guest = guest(id);
        boolean hasIt;
        synchronized (guest) {
          guest.hello = hello;
          hasIt = hello.manifestSha256() != null;
          guest.owed = !hasIt;
        }
        if (!hasIt) {
          offerManifest(id, guest, PAUSE_NANOS);
        }
      }
    } catch (ProtocolException e) {
      refusals.count("bad-hello", id, String.valueOf(e.getMessage()));
    }
  }

  /** A message came to {@code up/heartbeat}. */
  void heartbeat(String transport, Message message) {
    Optional<Addresses> from = computation(message);
    if (from.isEmpty()) {
      return;
    }
    String id = from.get().party();
    try {
      Heartbeat heartbeat = Heartbeat.parse(limited(message, Heartbeat.MAX_BYTES));
      if (accept(
          id, transport, heartbeat.computationId(), heartbeat.epoch(), heartbeat.interval())) {
        Guest guest = guest(id);
        boolean waits =
            heartbeat.state() == AgentState.IDLE
                || heartbeat.state() == AgentState.RECEIVING_MANIFEST;
        synchronized (guest) {
          guest.heartbeat = heartbeat;
          guest.owed = waits;
        }
        heartbeats.accept(id, heartbeat);
        if (waits) {
          offerManifest(id, guest, AGAIN_NANOS);
        }
      }
    } catch (ProtocolException e) {
      refusals.count("bad-heartbeat", id, String.valueOf(e.getMessage()));
    }
  }

  /** A message came to {@code up/lost}: a last will, where the transport knows such. */
  void lost(String transport, Message message) {
    Optional<Addresses> from = computation(message);
    if (from.isEmpty()) {
      return;
    }
    String id = from.get().party();
    try {
      Lost lost = Lost.parse(limited(message, Lost.MAX_BYTES));
      if (!lost.computationId().equals(id)) {
        refusals.count("false-name", id, "It called itself %s.".formatted(lost.computationId()));
        return;
      }
      // That of another run, or of an agent that was never heard, says nothing of this one.
      Guest guest = guests.get(id);
      Integer run = guest == null ? null : guest.epochs.get(lost.epoch());
      if (run != null && run == liveness.run(id)) {
        liveness.lost(id, transport);
      }
    } catch (ProtocolException e) {
      refusals.count("bad-lost", id, String.valueOf(e.getMessage()));
    }
  }

  /** Sends again what could not be sent; to be called a few times in a second. */
  void check() {
    guests.forEach(
        (id, guest) -> {
          boolean owed;
          synchronized (guest) {
            owed = guest.owed && !guest.sent;
          }
          if (owed) {
            offerManifest(id, guest, PAUSE_NANOS);
          }
        });
  }

  /**
   * A run has begun, or is known again: what was said in the run before is forgotten, except its
   * epochs, so that a voice from the past is known as such.
   */
  void begin(String id, Iterable<Epoch> epochs) {
    Guest guest = new Guest();
    epochs.forEach(epoch -> guest.epochs.put(epoch.name(), epoch.run()));
    guests.put(id, guest);
  }

  /** What an agent said last. */
  Said said(String id) {
    Guest guest = guests.get(id);
    if (guest == null) {
      return new Said(null, null);
    }
    synchronized (guest) {
      return new Said(guest.hello, guest.heartbeat);
    }
  }

  private boolean accept(
      String id, String transport, String claimed, String epoch, @Nullable Duration interval) {
    if (!claimed.equals(id)) {
      refusals.count("false-name", id, "It called itself %s.".formatted(claimed));
      return false;
    }
    int run = liveness.run(id);
    if (run == 0) {
      refusals.count("unknown-computation", id, "No such computation is registered.");
      return false;
    }
    Guest guest = guest(id);
    Integer known = guest.epochs.get(epoch);
    if (known != null && known != run) {
      refusals.count("stale-epoch", id, "It spoke in the name of run %d.".formatted(known));
      return false;
    }
    if (!liveness.heard(id, transport, interval)) {
      refusals.count("gone", id, "Its run is over.");
      return false;
    }
    if (known == null && begun(guest, run) <= Registry.MAX_EPOCHS) {
      guest.epochs.put(epoch, run);
      worker.offer(() -> note(id, epoch, run));
    }
    return true;
  }

  private static long begun(Guest guest, int run) {
    return guest.epochs.values().stream().filter(one -> one == run).count();
  }

  private void note(String id, String epoch, int run) {
    try {
      guest(id).epochs.put(epoch, registry.epoch(id, epoch, run));
    } catch (ComputationException e) {
      refusals.count(e.code(), id, String.valueOf(e.getMessage()));
    }
  }

  private Guest guest(String id) {
    return guests.computeIfAbsent(id, absent -> new Guest());
  }

  private void offerManifest(String id, Guest guest, long pause) {
    synchronized (guest) {
      long now = nanos.getAsLong();
      long least = guest.sent ? pause : PAUSE_NANOS;
      if (guest.queued || (guest.tried && now - guest.triedAt < least)) {
        return;
      }
      guest.queued = true;
    }
    if (!worker.offer(() -> sendManifest(id, guest))) {
      synchronized (guest) {
        guest.queued = false;
      }
    }
  }

  private void sendManifest(String id, Guest guest) {
    try {
      Optional<byte[]> manifest = registry.manifest(id);
      synchronized (guest) {
        guest.queued = false;
        guest.sent = true;
        guest.tried = true;
        guest.triedAt = nanos.getAsLong();
      }
      if (manifest.isEmpty()) {
        return;
      }
      byte[] envelope = new ManifestEnvelope(id, manifest.get()).toJson();
      String address = Addresses.ofComputation(fleet, id).manifest();
      sender
          .send(new Message(address, envelope))
          .whenComplete(
              (sent, failure) -> {
                if (failure != null) {
                  unsent(guest);
                }
              });
    } catch (ComputationException e) {
      unsent(guest);
      LOG.log(
          WARNING,
          "The manifest of {0} was not sent, which is tried again: {1}",
          id,
          e.getMessage());
    }
  }

  private static void unsent(Guest guest) {
    synchronized (guest) {
      guest.queued = false;
      guest.sent = false;
    }
  }

  private static Optional<Addresses> computation(Message message) {
    return Addresses.parse(message.address()).filter(Addresses::isComputation);
  }

  private static byte[] limited(Message message, int most) {
    if (message.payload().remaining() > most) {
      throw new ProtocolException(
          "too-large",
          "The message has %d bytes; %d is the most."
              .formatted(message.payload().remaining(), most));
    }
    return message.bytes();
  }
}
