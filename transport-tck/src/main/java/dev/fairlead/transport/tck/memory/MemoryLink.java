// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.transport.tck.memory;

import dev.fairlead.transport.access.Grant;
import dev.fairlead.transport.api.Message;
import java.time.Instant;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicLong;
import org.jspecify.annotations.Nullable;

/** One connection between a transport and the hub, with all that ends when it ends. */
final class MemoryLink {

  /** A message which the hub has not yet acknowledged. */
  record Sent(CompletableFuture<Void> stage, int size) {
    @Override
    public boolean equals(Object other) {
      return this == other;
    }

    @Override
    public int hashCode() {
      return System.identityHashCode(this);
    }
  }

  /** What each message weighs beside its payload. */
  static final int OVERHEAD = 512;

  /** The most that may wait to be acknowledged, in bytes. */
  private static final long MAX_OUT = 16 << 20;

  /**
   * The most that may wait for this end's handlers, in bytes: who is slower than that is dropped.
   */
  private static final long MAX_IN = 64 << 20;

  private final MemoryHub hub;
  private final MemoryTransport transport;
  private final Grant grant;
  private final Instant expiresAt;
  private final @Nullable Message lastWill;
  private final CopyOnWriteArrayList<MemorySubscription> subscriptions =
      new CopyOnWriteArrayList<>();
  private final Set<Sent> unacknowledged = ConcurrentHashMap.newKeySet();
  private final AtomicLong out = new AtomicLong();
  private final AtomicLong in = new AtomicLong();
  private final AtomicBoolean open = new AtomicBoolean(true);

  MemoryLink(
      MemoryHub hub,
      MemoryTransport transport,
      Grant grant,
      Instant expiresAt,
      @Nullable Message lastWill) {
    this.hub = hub;
    this.transport = transport;
    this.grant = grant;
    this.expiresAt = expiresAt;
    this.lastWill = lastWill;
  }

  MemoryHub hub() {
    return hub;
  }

  MemoryTransport transport() {
    return transport;
  }

  Grant grant() {
    return grant;
  }

  Instant expiresAt() {
    return expiresAt;
  }

  /** What is to be said when this end is gone, where its grant permits that; null for nothing. */
  @Nullable Message lastWill() {
    return lastWill != null && grant.sends().stream().anyMatch(lastWill::matches) ? lastWill : null;
  }

  String subject() {
    return grant.subject();
  }

  boolean isOpen() {
    return open.get();
  }

  /** Ends it; true for the one call that did. */
  boolean shut() {
    return open.compareAndSet(true, false);
  }

  void add(MemorySubscription subscription) {
    subscriptions.add(subscription);
  }

  void remove(MemorySubscription subscription) {
    subscriptions.remove(subscription);
  }

  /** Takes note of a message on its way; false when the window is full. */
  boolean take(Sent sent) {
    if (out.addAndGet(sent.size()) > MAX_OUT) {
      out.addAndGet(-sent.size());
      return false;
    }
    unacknowledged.add(sent);
    return true;
  }

  /** Ends the wait for a message; true for the one call that did. */
  boolean settle(Sent sent) {
    if (unacknowledged.remove(sent)) {
      out.addAndGet(-sent.size());
      return true;
    }
    return false;
  }

  Set<Sent> unacknowledged() {
    return unacknowledged;
  }

  /** Hands a message to the handlers that want it; false when this end has too many waiting. */
  boolean deliver(Message message) {
    for (MemorySubscription subscription : subscriptions) {
      if (message.matches(subscription.pattern())) {
        int size = OVERHEAD + message.payload().remaining();
        if (in.addAndGet(size) > MAX_IN) {
          return false;
        }
        transport.told(
            () -> {
              in.addAndGet(-size);
              subscription.call(message);
            });
      }
    }
    return true;
  }
}
