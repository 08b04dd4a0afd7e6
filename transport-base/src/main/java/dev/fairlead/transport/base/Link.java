// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.transport.base;

import dev.fairlead.transport.api.Message;
import java.io.IOException;
import java.time.Duration;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeoutException;
import org.jspecify.annotations.Nullable;
import org.osgi.annotation.versioning.ConsumerType;

/**
 * One connection to a broker, from its opening to its end. It is never connected again: what
 * follows a loss is a new link, made from settings that are read anew.
 */
@ConsumerType
public interface Link {

  /** Told by threads of a link, which it does not hold up. */
  interface Owner {
    /** The broker has refused something, while connected or while connecting. */
    void refused(Link link, Refusal refusal);

    /** The connection is gone for good. */
    void lost(Link link, String reason);
  }

  /** Makes links. */
  interface Maker {
    /**
     * Makes one that is not open yet.
     *
     * @param threads daemon threads, as many as it takes, which end with the transport
     * @param timer one daemon thread, which must not be blocked
     */
    Link make(Owner owner, ExecutorService threads, ScheduledExecutorService timer);
  }

  /**
   * Reads the settings and connects; blocks until that is done or has failed. An interrupt ends it
   * early.
   *
   * @throws IOException when it failed; {@link #failure()} may know more
   * @throws dev.fairlead.transport.api.TransportException {@code REFUSED} for a bad setting
   */
  void open() throws IOException, InterruptedException, TimeoutException;

  /** The refusal for which it could not be opened; null where the peer is merely not there. */
  @Nullable Refusal failure();

  /**
   * Asks the broker for a pattern's messages, for as long as this link lives. Does not block.
   *
   * @return ends it; null where it came too late for this connection
   */
  @Nullable Runnable subscribe(KeptSubscription subscription);

  /** As {@code Transport.send} on this connection alone. */
  CompletionStage<Void> send(Message message);

  /**
   * As {@code Transport.sendStored} on this connection alone; where brokers store nothing, null.
   */
  default @Nullable CompletionStage<Void> sendStored(Message message) {
    return null;
  }

  /**
   * Waits until the broker has answered everything that was asked and handed over before.
   *
   * @throws TimeoutException when it did not in time
   */
  void flush(Duration timeout) throws TimeoutException, InterruptedException;

  /** How long connecting may take, and how long the subscriptions after it. */
  Duration connectTimeout();

  /** How many messages are on their way to the broker. */
  long underWay();

  /** Nothing more is received for handlers from now on, and nothing is told to the owner. */
  void detach();

  /** Ends the connection and lets go of its threads. Blocks while it does so. Idempotent. */
  void close() throws InterruptedException;
}
