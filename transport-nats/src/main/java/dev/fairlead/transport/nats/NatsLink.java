// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.transport.nats;

import static dev.fairlead.transport.api.TransportException.Category.REFUSED;
import static java.nio.charset.StandardCharsets.US_ASCII;

import dev.fairlead.transport.api.Message;
import dev.fairlead.transport.api.TransportException;
import dev.fairlead.transport.base.HeaderLimits;
import dev.fairlead.transport.base.KeptSubscription;
import dev.fairlead.transport.base.KeptTransport;
import dev.fairlead.transport.base.Link;
import dev.fairlead.transport.base.Refusal;
import io.nats.client.Connection;
import io.nats.client.ConnectionListener;
import io.nats.client.Consumer;
import io.nats.client.ErrorListener;
import io.nats.client.Nats;
import io.nats.client.Options;
import io.nats.client.Subscription;
import io.nats.client.impl.Headers;
import java.io.IOException;
import java.lang.System.Logger.Level;
import java.nio.ByteBuffer;
import java.security.SecureRandom;
import java.time.Duration;
import java.util.HashMap;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.ScheduledFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/** One connection of jnats, from its opening to its end. */
final class NatsLink implements Link, ErrorListener, ConnectionListener {

  private static final System.Logger LOG = System.getLogger("dev.fairlead.transport.nats");

  /** Long enough for a first TLS handshake in an emulated guest. */
  private static final Duration CONNECT_TIMEOUT = Duration.ofSeconds(10);

  /**
   * A peer that has stopped is given up at the fourth interval in the worst case: at the first,
   * jnats is content since something came before it, then it sends its two pings. That is 3.2 s,
   * and an answer has 1.6 s.
   */
  private static final Duration PING_INTERVAL = Duration.ofMillis(800);

  private static final Duration WRITE_TIMEOUT = Duration.ofSeconds(5);
  private static final int PENDING_MESSAGES = 64 * 1024;
  private static final long PENDING_BYTES = 32L << 20;

  /** Behind the prefix of replies: where JetStream's answers to what was sent come. */
  private static final String ANSWERS = "stored.";

  private static final byte[] DONE = "+ACK".getBytes(US_ASCII);
  private static final byte[] AGAIN = "-NAK {\"delay\":500000000}".getBytes(US_ASCII);
  private static final byte[] NEVER = "+TERM".getBytes(US_ASCII);

  private final Owner owner;
  private final OutgoingWindow window = new OutgoingWindow();
  private final Function<String, @Nullable String> source;
  private final ExecutorService threads;
  private final ScheduledExecutorService timer;
  private final SecureRandom random;
  private @Nullable Connection connection;
  private @Nullable Inbound inbound;
  private @Nullable Inbound fromStore;
  private volatile @Nullable String inboxPrefix;
  private volatile @Nullable StoredSends stored;
  private @Nullable ScheduledFuture<?> expiry;
  private volatile @Nullable Exception failure;
  private volatile boolean live = true;

  NatsLink(
      Function<String, @Nullable String> source,
      Owner owner,
      ExecutorService threads,
      ScheduledExecutorService timer,
      SecureRandom random) {
    this.source = source;
    this.owner = owner;
    this.threads = threads;
    this.timer = timer;
    this.random = random;
  }

  @Override
  public void open() throws IOException, InterruptedException {
    NatsSettings settings = NatsSettings.read(source);
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
    inbound = inbound(opened);
    inboxPrefix = settings.inboxPrefix();
  }

  private static Inbound inbound(Connection from) {
    return new Inbound(from::createDispatcher, PENDING_MESSAGES, PENDING_BYTES);
  }

  /** One of its own, so that what is stored pushes nothing else out; made when wanted first. */
  private synchronized @Nullable Inbound fromStore() {
    Connection open = connection;
    if (fromStore == null && open != null) {
      fromStore = inbound(open);
    }
    return fromStore;
  }

  /** Where what is to be stored waits for its answer; made when it is wanted first. */
  private synchronized StoredSends stored() {
    StoredSends known = stored;
    Inbound from = inbound;
    if (known != null) {
      return known;
    }
    if (from == null || !live) {
      throw KeptTransport.notConnected(null);
    }
    String inbox = inboxPrefix;
    if (inbox == null) {
      throw new TransportException(
          REFUSED,
          "no-replies",
          "The broker's answer would find nobody: give the setting 'replies'.");
    }
    String prefix = inbox + ANSWERS + nonce() + ".";
    StoredSends sends = new StoredSends(prefix, this::publish);
    try {
      from.subscribe(
          prefix + "*",
          message -> sends.answered(message.getSubject(), message.getData(), System.nanoTime()));
      expiry =
          timer.scheduleWithFixedDelay(
              () -> sends.expire(System.nanoTime()), 1, 1, TimeUnit.SECONDS);
    } catch (IllegalStateException | RejectedExecutionException e) {
      throw KeptTransport.notConnected(e);
    }
    stored = sends;
    return sends;
  }

  /**
   * Whoever may publish anything can have JetStream answer at any subject, and an earlier
   * connection's answers may still be on their way: neither finds this one.
   */
  private String nonce() {
    byte[] bits = new byte[16];
    random.nextBytes(bits);
    return HexFormat.of().formatHex(bits);
  }

  @Override
  public @Nullable Refusal failure() {
    return Refusals.ofFailure(failure);
  }

  @Override
  public @Nullable Runnable subscribe(KeptSubscription subscription) {
    try {
      Inbound to = subscription.stored() ? fromStore() : inbound;
      if (to == null) {
        return null;
      }
      String subject = Subjects.of(subscription.pattern());
      Subscription there =
          subscription.stored()
              ? to.subscribe(
                  Stored.delivered(subscription.pattern()), message -> give(message, subscription))
              : to.subscribe(
                  subject,
                  message -> {
                    Message received =
                        live && !message.isStatusMessage() ? received(message) : null;
                    if (received != null) {
                      subscription.deliver(received);
                    }
                  });
      return () -> unsubscribe(to, there);
    } catch (IllegalStateException e) {
      LOG.log(Level.DEBUG, "A subscription came too late for its connection.", e);
      return null;
    }
  }

  /** Gives on what JetStream holds, and tells it what becomes of it. */
  private void give(io.nats.client.Message message, KeptSubscription subscription) {
    String reply = message.getReplyTo();
    if (!live || reply == null || !reply.startsWith(Stored.ACKS)) {
      return;
    }
    Message received = message.isStatusMessage() ? null : received(message);
    if (received == null) {
      answer(reply, NEVER); // it would come for ever
      return;
    }
    subscription
        .deliverStored(received)
        .whenComplete((done, problem) -> answer(reply, problem == null ? DONE : AGAIN));
  }

  /** One that is not sent is made good when the message comes again. */
  private void answer(String reply, byte[] word) {
    Connection to = connection;
    long size = size(reply, null, null, word.length);
    if (to == null || !live || !window.take(size)) {
      return;
    }
    try {
      to.publish(reply, word);
    } catch (IllegalStateException e) {
      window.give(size);
      LOG.log(Level.DEBUG, "An answer for a stored message could not be sent.", e);
    }
  }

  private void unsubscribe(Inbound from, Subscription subscription) {
    try {
      if (live) {
        from.unsubscribe(subscription);
      }
    } catch (IllegalStateException e) {
      LOG.log(Level.DEBUG, "A subscription had ended with its connection.", e);
    }
  }

  @Override
  public CompletionStage<Void> send(Message message) {
    try {
      String reply = message.replyTo() == null ? null : Subjects.of(message.replyTo());
      publish(message, reply, -1);
      return CompletableFuture.completedStage(null);
    } catch (TransportException e) {
      return CompletableFuture.failedStage(e);
    }
  }

  @Override
  public CompletionStage<Void> sendStored(Message message) {
    try {
      return stored().send(message, System.nanoTime());
    } catch (TransportException e) {
      return CompletableFuture.failedStage(e);
    }
  }

  /** Hands a message to jnats, without blocking. */
  private void publish(Message message, @Nullable String reply, long expected) {
    Connection to = connection;
    if (to == null || !live) {
      throw KeptTransport.notConnected(null);
    }
    String subject = Subjects.of(message.address());
    Headers headers = headers(message.headers(), expected);
    byte[] payload = message.bytes();
    long size = size(subject, reply, headers, payload.length);
    if (!window.take(size)) {
      throw KeptTransport.busy(null);
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
      throw to.getStatus() == Connection.Status.CONNECTED
          ? KeptTransport.busy(e)
          : KeptTransport.notConnected(e);
    }
  }

  @Override
  public void flush(Duration timeout) throws TimeoutException, InterruptedException {
    Connection to = connection;
    if (to != null) {
      to.flush(timeout);
    }
  }

  @Override
  public Duration connectTimeout() {
    return CONNECT_TIMEOUT;
  }

  @Override
  public long underWay() {
    return window.messages();
  }

  OutgoingWindow window() {
    return window;
  }

  @Override
  public void detach() {
    live = false;
    StoredSends sends;
    synchronized (this) {
      sends = stored;
      if (expiry != null) {
        expiry.cancel(false);
      }
    }
    if (sends != null) {
      sends.end();
    }
  }

  @Override
  public void close() throws InterruptedException {
    detach();
    Connection open = connection;
    if (open != null) {
      open.close();
    }
  }

  @Override
  public void errorOccurred(Connection conn, String error) {
    Refusal refusal = Refusals.ofError(error);
    if (refusal == null) {
      LOG.log(Level.WARNING, "The broker says: {0}", error);
    } else if (live) {
      StoredSends sends = stored;
      if (sends != null && refusal.address() != null) {
        sends.forbidden(refusal.address());
      }
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
        "Messages arrive faster than their handler takes them; jnats drops what it cannot hold: {0}"
            + " so far.",
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

  private static @Nullable Headers headers(Map<String, String> values, long expected) {
    if (values.isEmpty() && expected < 0) {
      return null;
    }
    Headers headers = new Headers();
    values.forEach((name, value) -> headers.put(name, HeaderText.encode(value)));
    if (expected >= 0) {
      headers.put("Nats-Expected-Last-Sequence", Long.toString(expected));
    }
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
    try {
      return new Message(address, values(message.getHeaders()), ByteBuffer.wrap(payload), reply);
    } catch (TransportException e) {
      LOG.log(Level.DEBUG, "Ignored a message to " + address + ".", e);
      return null;
    }
  }

  /** The headers that fit the limits of a message; others are for others. */
  private static Map<String, String> values(@Nullable Headers headers) {
    if (headers == null || headers.isEmpty()) {
      return Map.of();
    }
    Map<String, String> values = new HashMap<>();
    for (Map.Entry<String, List<String>> entry : headers.entrySet()) {
      String value = HeaderText.decode(entry.getValue().get(0));
      if (values.size() < HeaderLimits.MAX_HEADERS && HeaderLimits.fit(entry.getKey(), value)) {
        values.put(entry.getKey(), value);
      }
    }
    return values;
  }
}
