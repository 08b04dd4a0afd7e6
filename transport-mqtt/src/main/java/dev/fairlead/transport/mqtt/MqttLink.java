// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.transport.mqtt;

import static dev.fairlead.transport.api.TransportException.Category.REFUSED;
import static java.util.concurrent.TimeUnit.NANOSECONDS;

import dev.fairlead.transport.api.Message;
import dev.fairlead.transport.api.TransportException;
import dev.fairlead.transport.base.KeptSubscription;
import dev.fairlead.transport.base.KeptTransport;
import dev.fairlead.transport.base.Link;
import dev.fairlead.transport.base.Refusal;
import java.io.IOException;
import java.lang.System.Logger.Level;
import java.time.Duration;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.Function;
import org.eclipse.paho.mqttv5.client.IMqttToken;
import org.eclipse.paho.mqttv5.client.MqttActionListener;
import org.eclipse.paho.mqttv5.client.MqttCallback;
import org.eclipse.paho.mqttv5.client.MqttDisconnectResponse;
import org.eclipse.paho.mqttv5.common.MqttException;
import org.eclipse.paho.mqttv5.common.MqttMessage;
import org.eclipse.paho.mqttv5.common.MqttSubscription;
import org.eclipse.paho.mqttv5.common.packet.MqttProperties;
import org.jspecify.annotations.Nullable;

/** One connection to an MQTT broker, from its opening to its end. */
final class MqttLink implements Link, MqttCallback {

  private static final System.Logger LOG = System.getLogger("dev.fairlead.transport.mqtt");

  private final Function<String, @Nullable String> source;
  private final String clientId;
  private final Owner owner;
  private final ExecutorService threads;
  private final ScheduledExecutorService timer;
  private final SubscriptionTable table = new SubscriptionTable();
  private final Map<Long, CompletableFuture<?>> open = new ConcurrentHashMap<>(); // by number
  private final AtomicLong actions = new AtomicLong();
  private final Object publishing = new Object(); // Paho gives out topic aliases without a lock
  private volatile @Nullable MqttConnection connection;
  private volatile @Nullable IOException failure;
  private volatile boolean live = true;
  private volatile boolean lost;
  private volatile Window window = new Window(null);
  private volatile Batches batches = new Batches(1);
  private volatile long mostBytes = Long.MAX_VALUE;

  MqttLink(
      Function<String, @Nullable String> source,
      String clientId,
      Owner owner,
      ExecutorService threads,
      ScheduledExecutorService timer) {
    this.source = source;
    this.clientId = clientId;
    this.owner = owner;
    this.threads = threads;
    this.timer = timer;
  }

  @Override
  public void open() throws IOException, InterruptedException, TimeoutException {
    MqttSettings settings = MqttSettings.read(source);
    MqttConnection made =
        MqttConnection.prepare(settings, clientId, this, this::silent, threads, timer);
    connection = made;
    MqttProperties broker;
    try {
      broker = made.connect();
    } catch (IOException e) {
      failure = e;
      throw e;
    }
    if (!broker.isSubscriptionIdentifiersAvailable()
        || !broker.isWildcardSubscriptionsAvailable()) {
      throw new TransportException(
          REFUSED,
          "broker-unsuitable",
          "The broker lacks wildcards or subscription identifiers: use one that has both.");
    }
    window = new Window(broker.getReceiveMaximum());
    batches = new Batches(settings.batchQos());
    Long most = broker.getMaximumPacketSize();
    mostBytes = most == null ? Long.MAX_VALUE : most;
  }

  @Override
  public @Nullable Refusal failure() {
    return Refusal.untrusted(failure);
  }

  @Override
  public @Nullable Runnable subscribe(KeptSubscription subscription) {
    MqttConnection to = connection;
    if (to == null || !live || lost) {
      return null;
    }
    String pattern = subscription.pattern();
    MqttSubscription wanted = new MqttSubscription(Topics.filter(pattern), 1);
    wanted.setRetainHandling(2); // nothing from before the subscription
    MqttProperties properties = new MqttProperties();
    properties.setSubscriptionIdentifier(table.add(subscription));
    CompletableFuture<IMqttToken> granted = new CompletableFuture<>();
    long action = actions.incrementAndGet();
    open.put(action, granted);
    CompletableFuture<Void> told =
        granted.thenAccept(
            token -> {
              int code = Refusals.code(token);
              if (code >= Refusals.FIRST_ERROR && live) {
                owner.refused(this, Refusals.ofSubscription(code, pattern));
              }
            });
    var unused = told.whenComplete((nothing, failed) -> open.remove(action));
    try {
      to.client()
          .subscribe(
              new MqttSubscription[] {wanted},
              null,
              MqttConnection.completing(granted),
              properties);
    } catch (MqttException e) {
      granted.completeExceptionally(e);
      table.remove(subscription);
      LOG.log(Level.DEBUG, "A subscription came too late for its connection.", e);
      return null;
    }
    return () -> unsubscribe(subscription);
  }

  private void unsubscribe(KeptSubscription subscription) {
    MqttConnection from = connection;
    if (table.remove(subscription) && from != null && live && !lost) {
      try {
        from.client().unsubscribe(Topics.filter(subscription.pattern()));
      } catch (MqttException e) {
        LOG.log(Level.DEBUG, "A subscription had ended with its connection.", e);
      }
    }
  }

  @Override
  public CompletionStage<Void> send(Message message) {
    MqttConnection to = connection;
    if (to == null || !live || lost) {
      return CompletableFuture.failedStage(KeptTransport.notConnected(null));
    }
    byte[] payload = message.bytes();
    long size = WireMessage.size(message);
    if (size > mostBytes) {
      return CompletableFuture.failedStage(Refusals.tooLarge());
    }
    CompletableFuture<Void> stage = new CompletableFuture<>();
    long action = actions.incrementAndGet();
    Window room = window;
    synchronized (publishing) {
      if (!room.take(size)) {
        return CompletableFuture.failedStage(KeptTransport.busy(null));
      }
      open.put(action, stage);
      int qos = batches.qos(message);
      try {
        to.client()
            .publish(
                message.address(),
                new MqttMessage(payload, qos, false, WireMessage.properties(message)),
                null,
                new Sent(message.address(), qos, size, room, action));
      } catch (MqttException | RuntimeException e) {
        room.give(size);
        end(action, KeptTransport.notConnected(e));
      }
    }
    if (!live) {
      end(action, KeptTransport.notConnected(null)); // detached meanwhile
    }
    return stage;
  }

  /** Told what became of a message. */
  private final class Sent implements MqttActionListener {
    private final String address;
    private final int qos;
    private final long size;
    private final Window room;
    private final long action;

    Sent(String address, int qos, long size, Window room, long action) {
      this.address = address;
      this.qos = qos;
      this.size = size;
      this.room = room;
      this.action = action;
    }

    @Override
    public void onSuccess(IMqttToken token) {
      room.give(size);
      int code = Refusals.code(token);
      if (code < Refusals.FIRST_ERROR) {
        if (qos > 0) {
          batches.permitted(address);
        }
        end(action, null);
        return;
      }
      batches.refused(address);
      TransportException why = Refusals.ofSend(code, address);
      if (live && why.category() == REFUSED) {
        owner.refused(MqttLink.this, new Refusal(address, why));
      }
      end(action, why);
    }

    @Override
    public void onFailure(IMqttToken token, @Nullable Throwable cause) {
      room.give(size);
      end(action, KeptTransport.notConnected(cause));
    }
  }

  private void end(long action, @Nullable TransportException why) {
    CompletableFuture<?> stage = open.remove(action);
    if (stage == null) {
      return;
    }
    if (why == null) {
      stage.complete(null);
    } else {
      stage.completeExceptionally(why);
    }
  }

  @Override
  public void flush(Duration timeout) throws TimeoutException, InterruptedException {
    long until = System.nanoTime() + timeout.toNanos();
    for (CompletableFuture<?> each : open.values()) {
      try {
        each.get(Math.max(0, until - System.nanoTime()), NANOSECONDS);
      } catch (ExecutionException e) {
        LOG.log(Level.TRACE, "An action failed, which its own owner hears.", e);
      }
    }
  }

  @Override
  public Duration connectTimeout() {
    return MqttConnection.CONNECT_TIMEOUT;
  }

  @Override
  public long underWay() {
    return window.messages();
  }

  @Override
  public void detach() {
    live = false;
    TransportException why = KeptTransport.notConnected(null);
    open.forEach(
        (action, stage) -> {
          open.remove(action);
          stage.completeExceptionally(why);
        });
  }

  /** For tests of faults: breaks the connection as a network would. */
  void cut() {
    MqttConnection broken = connection;
    if (broken != null) {
      broken.cut();
    }
  }

  @Override
  public void close() {
    detach();
    MqttConnection ended = connection;
    if (ended != null) {
      ended.close(!lost);
    }
  }

  // Told by Paho, on its threads.

  @Override
  public void messageArrived(String topic, MqttMessage message) {
    Message received = live ? WireMessage.received(topic, message) : null;
    if (received != null) {
      for (int id : message.getProperties().getSubscriptionIdentifiers()) {
        table.handlers(id).forEach(handler -> handler.deliver(received));
      }
    }
  }

  @Override
  public void disconnected(MqttDisconnectResponse response) {
    lost = true;
    if (!live) {
      return;
    }
    MqttException cause = response.getException();
    int code = response.getReturnCode();
    Refusal refusal = cause == null ? Refusals.ofDisconnect(code) : null;
    if (refusal != null) {
      owner.refused(this, refusal);
    }
    owner.lost(this, refusal != null ? words(refusal.cause()) : reason(cause, code));
  }

  /** Paho would let go of the socket first, which may take a while where the peer stands still. */
  private void silent() {
    lost = true;
    owner.lost(this, "The connection is lost: the broker has said nothing, not even to a ping.");
  }

  private static String reason(@Nullable MqttException cause, int code) {
    if (cause == null) {
      return "The broker has closed the connection (reason code " + code + ").";
    }
    Throwable root = cause;
    while (root.getCause() != null) {
      root = root.getCause();
    }
    return "The connection is lost: " + words(root);
  }

  private static String words(Throwable t) {
    String message = t.getMessage();
    return message == null ? t.getClass().getSimpleName() : Refusal.clip(message);
  }

  @Override
  public void mqttErrorOccurred(MqttException exception) {
    LOG.log(Level.WARNING, "Paho reports an error.", exception);
  }

  @Override
  public void deliveryComplete(IMqttToken token) {}

  @Override
  public void connectComplete(boolean reconnect, String serverUri) {}

  @Override
  public void authPacketArrived(int reasonCode, MqttProperties properties) {}
}
