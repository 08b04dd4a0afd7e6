// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.transport.tck.memory;

import static dev.fairlead.transport.api.TransportException.Category.REFUSED;

import dev.fairlead.transport.access.Grant;
import dev.fairlead.transport.api.Message;
import dev.fairlead.transport.api.TransportException;
import dev.fairlead.transport.tck.Faults;
import java.net.URI;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/**
 * What memory transports connect to: passes messages on within the JVM, to those whose grants
 * permit it. One thread does all its work, in the order in which it was asked. It can be killed,
 * stalled, and cut off from single subjects.
 */
public final class MemoryHub implements Faults, AutoCloseable {

  /** Whom a token lets in, and until when. */
  private record Pass(Grant grant, Instant expiresAt, boolean revoked) {}

  private static final long SWEEP_MILLIS = 100;

  /** How long an expired token is remembered, to say that it has expired. */
  private static final Duration REMEMBER = Duration.ofMinutes(1);

  private static final Map<String, MemoryHub> HUBS = new ConcurrentHashMap<>();

  private final String name;
  private final InstantSource clock;
  private final Loop loop;
  private final Map<String, Pass> passes = new ConcurrentHashMap<>();
  private final Set<String> cut = ConcurrentHashMap.newKeySet();
  private final Set<MemoryLink> links = ConcurrentHashMap.newKeySet();
  private final ReentrantLock lock = new ReentrantLock();
  private final Condition changed = lock.newCondition();

  // Guarded by the lock, as are revocations and cuts: what ends a link sees each that was made.
  private boolean up = true;
  private boolean stalled;

  private MemoryHub(String name, InstantSource clock) {
    this.name = name;
    this.clock = clock;
    this.loop = new Loop("fairlead-memory-hub-" + name);
  }

  /**
   * Starts a hub.
   *
   * @param name one segment of an address, under which transports of this JVM find it
   * @throws TransportException {@code REFUSED} when a hub of that name is running
   */
  public static MemoryHub start(String name, InstantSource clock) {
    Message.requireAddress("hub/" + name);
    MemoryHub hub = new MemoryHub(name, clock);
    if (HUBS.putIfAbsent(name, hub) != null) {
      hub.loop.stop();
      throw new TransportException(
          REFUSED, "hub-exists", "A hub named '%s' is running: choose another.".formatted(name));
    }
    hub.loop.every(SWEEP_MILLIS, hub::sweep);
    return hub;
  }

  static @Nullable MemoryHub find(String name) {
    return HUBS.get(name);
  }

  /** Where its transports connect. */
  public URI uri() {
    return URI.create("memory:" + name);
  }

  /** How many connections it has. */
  public int connections() {
    return links.size();
  }

  @Override
  public void kill() {
    locked(() -> up = false);
    letGo();
    List.copyOf(links).forEach(link -> drop(link, "The hub was killed."));
  }

  @Override
  public void restart() {
    locked(() -> up = true);
  }

  @Override
  public void stall() {
    locked(() -> stalled = true);
  }

  @Override
  public void resume() {
    letGo();
  }

  private void letGo() {
    locked(
        () -> {
          stalled = false;
          changed.signalAll();
        });
  }

  @Override
  public void partition(String subject) {
    locked(() -> cut.add(subject));
    for (MemoryLink link : List.copyOf(links)) {
      if (link.subject().equals(subject)) {
        drop(link, "The link was cut.");
      }
    }
  }

  @Override
  public void heal(String subject) {
    cut.remove(subject);
  }

  @Override
  public void mend() {
    cut.clear();
    resume();
    restart();
  }

  /** Ends the hub, and every connection to it. Idempotent. */
  @Override
  public void close() {
    HUBS.remove(name, this);
    kill();
    loop.end();
  }

  String admit(Grant grant, Instant expiresAt) {
    String token = "memory." + UUID.randomUUID().toString().replace("-", "");
    passes.put(token, new Pass(grant, expiresAt, false));
    return token;
  }

  void revoke(String subject) {
    locked(
        () ->
            passes.replaceAll(
                (token, pass) ->
                    pass.grant().subject().equals(subject)
                        ? new Pass(pass.grant(), pass.expiresAt(), true)
                        : pass));
    for (MemoryLink link : List.copyOf(links)) {
      if (link.subject().equals(subject)) {
        expel(link, "credential-revoked", "The credential was revoked: ask for a new one.");
      }
    }
  }

  /** Answers a transport that wants in, on its own thread. */
  void connect(MemoryTransport transport, @Nullable String token, @Nullable Message lastWill) {
    submit(() -> admit(transport, token, lastWill));
  }

  private void admit(
      MemoryTransport transport, @Nullable String token, @Nullable Message lastWill) {
    lock.lock();
    try {
      Pass pass = token == null ? null : passes.get(token);
      if (!up || (pass != null && cut.contains(pass.grant().subject()))) {
        transport.told(() -> transport.unreachable("The hub does not answer."));
      } else if (pass == null) {
        turnAway(transport, "credential-unknown", "The hub does not know this credential");
      } else if (pass.revoked()) {
        turnAway(transport, "credential-revoked", "The credential was revoked");
      } else if (!clock.instant().isBefore(pass.expiresAt())) {
        turnAway(transport, "credential-expired", "The credential has expired");
      } else {
        MemoryLink link = new MemoryLink(this, transport, pass.grant(), pass.expiresAt(), lastWill);
        links.add(link);
        transport.told(() -> transport.connected(link));
      }
    } finally {
      lock.unlock();
    }
  }

  private static void turnAway(MemoryTransport transport, String code, String what) {
    transport.told(() -> transport.turnedAway(code, what + ": ask for a new one."));
  }

  private void sweep() {
    waitWhileStalled();
    Instant now = clock.instant();
    for (MemoryLink link : List.copyOf(links)) {
      if (!now.isBefore(link.expiresAt())) {
        expel(link, "credential-expired", "The credential has expired: ask for a new one.");
      }
    }
    passes.values().removeIf(pass -> pass.expiresAt().plus(REMEMBER).isBefore(now));
  }

  /** Passes a message on to all who may and want to have it, then says so to the sender. */
  void publish(MemoryLink from, MemoryLink.Sent sent, Message message) {
    submit(
        () -> {
          if (!from.isOpen()) {
            return;
          }
          if (from.grant().sends().stream().noneMatch(message::matches)) {
            from.transport()
                .told(() -> from.transport().sendRefused(from, sent, message.address()));
            return;
          }
          deliver(readOnly(message));
          from.transport().told(() -> from.transport().acknowledged(from, sent));
        });
  }

  private void deliver(Message message) {
    for (MemoryLink link : links) {
      if (!link.deliver(message)) {
        drop(link, "This end reads too slowly.");
      }
    }
  }

  private static Message readOnly(Message message) {
    return new Message(
        message.address(),
        message.headers(),
        ByteBuffer.wrap(message.bytes()).asReadOnlyBuffer(),
        message.replyTo());
  }

  void subscribe(MemoryLink link, MemorySubscription subscription) {
    submit(
        () -> {
          if (Patterns.covered(subscription.pattern(), link.grant().receives())) {
            link.add(subscription);
          } else {
            link.transport().told(() -> link.transport().subscribeRefused(subscription.pattern()));
          }
        });
  }

  void unsubscribe(MemoryLink link, MemorySubscription subscription) {
    submit(() -> link.remove(subscription));
  }

  /** Calls back on the transport's thread once all that was asked before has been done. */
  void ping(MemoryLink link, Runnable pong) {
    submit(
        () -> {
          if (link.isOpen()) {
            link.transport().told(pong);
          }
        });
  }

  /** Forgets a connection that its own end has closed. */
  void forget(MemoryLink link) {
    links.remove(link);
  }

  /** Forgets a connection whose end did not close it, and says its last will. */
  void gone(MemoryLink link) {
    links.remove(link);
    Message lastWill = link.lastWill();
    lock.lock();
    try {
      if (up && lastWill != null) {
        submit(() -> deliver(lastWill));
      }
    } finally {
      lock.unlock();
    }
  }

  private void drop(MemoryLink link, String reason) {
    if (link.shut()) {
      gone(link);
      link.transport().told(() -> link.transport().lost(link, reason));
    }
  }

  private void expel(MemoryLink link, String code, String reason) {
    links.remove(link);
    if (link.shut()) {
      link.transport()
          .told(
              () -> {
                link.transport().turnedAway(code, reason);
                link.transport().lost(link, reason);
              });
    }
  }

  private void submit(Runnable work) {
    loop.execute(
        () -> {
          waitWhileStalled();
          work.run();
        });
  }

  private void waitWhileStalled() {
    locked(
        () -> {
          while (stalled) {
            changed.awaitUninterruptibly();
          }
        });
  }

  private void locked(Runnable action) {
    lock.lock();
    try {
      action.run();
    } finally {
      lock.unlock();
    }
  }
}
