// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.transport.nats;

import static dev.fairlead.transport.api.TransportException.Category.REFUSED;
import static dev.fairlead.transport.api.TransportException.Category.RETRY;

import dev.fairlead.transport.api.Message;
import dev.fairlead.transport.api.TransportException;
import io.nats.client.Connection;
import io.nats.client.ConnectionListener;
import io.nats.client.Consumer;
import io.nats.client.Dispatcher;
import io.nats.client.ErrorListener;
import io.nats.client.Nats;
import io.nats.client.Options;
import io.nats.client.Subscription;
import io.nats.client.impl.Headers;
import java.io.IOException;
import java.lang.System.Logger.Level;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeoutException;
import org.jspecify.annotations.Nullable;

/**
 * One connection of jnats, from its opening to its end. It is never connected again: what follows a
 * loss is a new link, made from settings that are read anew.
 */
final class NatsLink implements ErrorListener, ConnectionListener {

  /** Told by a thread of jnats, which must not be held up. */
  interface Owner {
    /** The broker has refused something, while connected or while connecting. */
    void refused(NatsLink link, Refusals.Refusal refusal);

    /** The connection is gone for good. */
    void lost(NatsLink link, String reason);
  }

  private static final System.Logger LOG = System.getLogger("dev.fairlead.transport.nats");

  /** Long enough for a first TLS handshake in an emulated guest. */
  private static final Duration CONNECT_TIMEOUT = Duration.ofSeconds(10);

  private static final Duration PING_INTERVAL = Duration.ofSeconds(2);
  private static final Duration WRITE_TIMEOUT = Duration.ofSeconds(5);
  private static final int PENDING_MESSAGES = 64 * 1024;
  private static final long PENDING_BYTES = 32L << 20;
  private static final int MAX_HEADERS = 16;

  private final Owner owner;
  private final OutgoingWindow window = new OutgoingWindow();
  private final ExecutorService threads;
  private @Nullable Connection connection;
  private @Nullable Dispatcher dispatcher;
  private volatile @Nullable Exception failure;
  private volatile boolean live = true;

  NatsLink(Owner owner, ExecutorService threads) {
    this.owner = owner;
    this.threads = threads;
  }

  /**
   * Connects; blocks until that is done or has failed. An interrupt ends it early.
   *
   * @throws IOException when it failed; {@link #failure()} may know more
   */
  void open(NatsSettings settings, ScheduledExecutorService timer)
      throws IOException, InterruptedException {
    Options.Builder options =
        new Options.Builder()
            .server(settings.server())
            .hostnameResolveMode(Options.HostnameResolveMode.ResolveToAllIncludeIPV6)
            .ignoreDiscoveredServers()
            .noReconnect()
            .noNoResponders()
            .reconnectBufferSize(0)
            .connectionTimeout(CONNECT_TIMEOUT)
            .pingInterval(PING_INTERVAL)
            .maxPingsOut(2)
            .socketWriteTimeout(WRITE_TIMEOUT)
            .writeQueuePushTimeout(Duration.ofMillis(50))
            .dataPortType(TlsDataPort.class.getName())
            .statisticsCollector(window)
            .executor(threads)
            .connectExecutor(threads)
            .callbackExecutor(new DirectExecutor())
            .scheduledExecutor(timer)
            .errorListener(this)
            .connectionListener(this);
    if (settings.credential() != null) {
      options.authHandler(settings.credential());
    }
    if (settings.tls() != null) {
      options.sslContext(settings.tls());
    }
    if (settings.inboxPrefix() != null) {
      options.inboxPrefix(settings.inboxPrefix());
    }
    Connection opened = Nats.connect(options.build());
    connection = opened;
    Dispatcher made = opened.createDispatcher();
    made.setPendingLimits(PENDING_MESSAGES, PENDING_BYTES);
    dispatcher = made;
  }

  /** Why connecting failed, as far as jnats said. */
  @Nullable Exception failure() {
    return failure;
  }

  /** Asks the broker for a pattern's messages, for as long as this link lives. */
  @Nullable Subscription subscribe(NatsSubscription subscription) {
    Dispatcher to = dispatcher;
    if (to == null) {
      return null;
    }
    try {
      return to.subscribe(
          Subjects.of(subscription.pattern()),
          message -> {
            Message received = live && !message.isStatusMessage() ? received(message) : null;
            if (received != null) {
              subscription.deliver(received);
            }
          });
    } catch (IllegalStateException e) {
      LOG.log(Level.DEBUG, "A subscription came too late for its connection.", e);
      return null;
    }
  }

  void unsubscribe(Subscription subscription) {
    Dispatcher from = dispatcher;
    try {
      if (from != null && live) {
        from.unsubscribe(subscription);
      }
    } catch (IllegalStateException e) {
      LOG.log(Level.DEBUG, "A subscription had ended with its connection.", e);
    }
  }

  /**
   * Hands a message to jnats, without blocking.
   *
   * @throws TransportException what the stage of the send is to fail with
   */
  void send(Message message) {
    Connection to = connection;
    if (to == null || !live) {
      throw notConnected(null);
    }
    String subject = Subjects.of(message.address());
    String reply = message.replyTo() == null ? null : Subjects.of(message.replyTo());
    Headers headers = message.headers().isEmpty() ? null : headers(message.headers());
    byte[] payload = message.bytes();
    long size = size(subject, reply, headers, payload.length);
    if (!window.take(size)) {
      throw busy(null);
    }
    try {
      to.publish(subject, reply, headers, payload);
    } catch (IllegalArgumentException e) {
      window.give(size);
      throw new TransportException(
          REFUSED,
          "payload-too-large",
          "The broker takes no message as large as this: split it.",
          e);
    } catch (IllegalStateException e) {
      window.give(size);
      throw to.getStatus() == Connection.Status.CONNECTED ? busy(e) : notConnected(e);
    }
  }

  /** Waits until the broker has answered everything that was handed over before. */
  void flush(Duration timeout) throws TimeoutException, InterruptedException {
    Connection to = connection;
    if (to != null) {
      to.flush(timeout);
    }
  }

  Duration connectTimeout() {
    return CONNECT_TIMEOUT;
  }

  OutgoingWindow window() {
    return window;
  }

  /** No handler is called from now on, and nothing is told to the owner. */
  void detach() {
    live = false;
  }

  /** Ends the connection and lets go of its threads. Blocks while jnats does so. Idempotent. */
  void close() throws InterruptedException {
    detach();
    Connection open = connection;
    if (open != null) {
      open.close();
    }
  }

  @Override
  public void errorOccurred(Connection conn, String error) {
    Refusals.Refusal refusal = Refusals.ofError(error);
    if (refusal == null) {
      LOG.log(Level.WARNING, "The broker says: {0}", error);
    } else if (live) {
      owner.refused(this, refusal);
    }
  }

  @Override
  public void exceptionOccurred(Connection conn, Exception exp) {
    if (failure == null) {
      failure = exp;
    }
    LOG.log(Level.DEBUG, "jnats reports an exception.", exp);
  }

  @Override
  public void slowConsumerDetected(Connection conn, Consumer consumer) {
    LOG.log(
        Level.WARNING,
        "Messages arrive faster than their handler takes them; jnats drops what it cannot hold: {0} so far.",
        consumer.getDroppedCount());
  }

  @Override
  @SuppressWarnings("deprecation") // the other form only adds what is not needed here
  public void connectionEvent(Connection conn, Events type) {
    if (live && (type == Events.DISCONNECTED || type == Events.CLOSED)) {
      Exception cause = failure;
      owner.lost(
          this,
          cause == null || cause.getMessage() == null
              ? "The broker has closed the connection."
              : "The connection is lost: " + cause.getMessage());
    }
  }

  private static Headers headers(Map<String, String> values) {
    Headers headers = new Headers();
    values.forEach((name, value) -> headers.put(name, HeaderText.encode(value)));
    return headers;
  }

  /** As jnats reckons it, so that what goes out balances what came in. */
  private static long size(
      String subject, @Nullable String reply, @Nullable Headers headers, int payload) {
    int header = headers == null ? 0 : headers.serializedLength();
    long line = (header > 0 ? 5 : 4) + subject.length() + 1L + digits(header + payload);
    line += reply == null ? 0 : reply.length() + 1;
    line += header > 0 ? digits(header) + 1 : 0;
    return line + 2 + header + payload + 2;
  }

  private static int digits(int number) {
    int digits = 1;
    for (int rest = number; rest >= 10; rest /= 10) {
      digits++;
    }
    return digits;
  }

  /** What arrived as a message of ours, null where it is none: anybody may send anything. */
  private static @Nullable Message received(io.nats.client.Message message) {
    String address = Subjects.address(message.getSubject());
    byte[] payload = message.getData();
    if (address == null || payload.length > Message.MAX_PAYLOAD) {
      LOG.log(Level.DEBUG, "Ignored a message to {0}: it is none of ours.", message.getSubject());
      return null;
    }
    String reply = message.getReplyTo() == null ? null : Subjects.address(message.getReplyTo());
    return new Message(address, values(message.getHeaders()), ByteBuffer.wrap(payload), reply);
  }

  /** The headers that fit the limits of a message; others are for others. */
  private static Map<String, String> values(@Nullable Headers headers) {
    if (headers == null || headers.isEmpty()) {
      return Map.of();
    }
    Map<String, String> values = new HashMap<>();
    for (Map.Entry<String, List<String>> entry : headers.entrySet()) {
      String value = HeaderText.decode(entry.getValue().get(0));
      if (values.size() < MAX_HEADERS && HeaderText.fits(entry.getKey(), value)) {
        values.put(entry.getKey(), value);
      }
    }
    return values;
  }

  private static TransportException busy(@Nullable Throwable cause) {
    return new TransportException(
        RETRY, "busy", "As much as may be is already on its way to the broker: try again.", cause);
  }

  static TransportException notConnected(@Nullable Throwable cause) {
    return new TransportException(
        RETRY, "not-connected", "There is no connection to the broker: try again later.", cause);
  }
}
