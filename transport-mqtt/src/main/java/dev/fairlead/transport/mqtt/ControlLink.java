// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.transport.mqtt;

import static dev.fairlead.transport.api.TransportException.Category.RETRY;
import static java.util.concurrent.TimeUnit.MILLISECONDS;
import static java.util.concurrent.TimeUnit.SECONDS;

import dev.fairlead.transport.api.TransportException;
import java.io.IOException;
import java.security.SecureRandom;
import java.time.Duration;
import java.util.HexFormat;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ScheduledThreadPoolExecutor;
import java.util.concurrent.SynchronousQueue;
import java.util.concurrent.ThreadFactory;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeoutException;
import java.util.function.Function;
import java.util.function.Predicate;
import org.eclipse.paho.mqttv5.client.IMqttToken;
import org.eclipse.paho.mqttv5.client.MqttCallback;
import org.eclipse.paho.mqttv5.client.MqttDisconnectResponse;
import org.eclipse.paho.mqttv5.common.MqttException;
import org.eclipse.paho.mqttv5.common.MqttMessage;
import org.eclipse.paho.mqttv5.common.MqttSubscription;
import org.eclipse.paho.mqttv5.common.packet.MqttProperties;
import org.jspecify.annotations.Nullable;

/**
 * Requests on a topic of the broker's own, for the access side. A connection is made at the first
 * request and kept for the next; one that breaks is made anew. One request at a time.
 */
public final class ControlLink implements AutoCloseable {

  private static final int MAX_ANSWER = 16 << 20;

  private final Function<String, @Nullable String> settings;
  private final String requests;
  private final String answers;
  private final ThreadPoolExecutor threads;
  private final ScheduledThreadPoolExecutor timer;
  private @Nullable MqttConnection connection;
  private volatile Callback callback = new Callback();
  private volatile @Nullable Waiting waiting;
  private boolean closed;

  /** Who waits for which answer. */
  private record Waiting(Predicate<byte[]> mine, CompletableFuture<byte[]> answer) {}

  /**
   * Prepares one; nothing is connected yet.
   *
   * @param settings as for a transport
   * @param requests the topic to which requests go
   * @param answers the topic at which answers arrive
   */
  public ControlLink(Function<String, @Nullable String> settings, String requests, String answers) {
    this.settings = settings;
    this.requests = requests;
    this.answers = answers;
    ThreadFactory factory =
        task -> {
          Thread thread = new Thread(task, "fairlead-mqtt-control");
          thread.setDaemon(true);
          return thread;
        };
    this.threads =
        new ThreadPoolExecutor(0, Integer.MAX_VALUE, 1, SECONDS, new SynchronousQueue<>(), factory);
    this.timer = new ScheduledThreadPoolExecutor(1, factory);
    this.timer.setRemoveOnCancelPolicy(true);
  }

  /**
   * Asks, and waits for the answer.
   *
   * @param mine tells this request's answer from those to others
   * @throws TransportException {@code RETRY}, code {@code broker-silent}, when none came; {@code
   *     REFUSED} when the broker does not let us in or may not be asked
   */
  public synchronized byte[] request(byte[] body, Predicate<byte[]> mine, Duration timeout) {
    if (closed) {
      throw silent(null);
    }
    boolean done = false;
    try {
      MqttConnection to = connected();
      CompletableFuture<byte[]> answer = new CompletableFuture<>();
      waiting = new Waiting(mine, answer);
      CompletableFuture<IMqttToken> sent = new CompletableFuture<>();
      to.client()
          .publish(
              requests,
              new MqttMessage(body, 1, false, new MqttProperties()),
              null,
              MqttConnection.completing(sent));
      requirePermitted(sent, requests, timeout);
      byte[] bytes = answer.get(timeout.toMillis(), MILLISECONDS);
      done = true;
      return bytes;
    } catch (IOException | MqttException | ExecutionException | TimeoutException e) {
      throw silent(e);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new TransportException(RETRY, "interrupted", "The request was interrupted.", e);
    } finally {
      waiting = null;
      if (!done) {
        disconnect();
      }
    }
  }

  private MqttConnection connected()
      throws IOException,
          MqttException,
          ExecutionException,
          TimeoutException,
          InterruptedException {
    if (callback.broken) {
      disconnect();
    }
    MqttConnection there = connection;
    if (there != null) {
      return there;
    }
    callback = new Callback();
    MqttConnection made =
        MqttConnection.prepare(
            MqttSettings.read(settings),
            "fl-control-" + HexFormat.of().toHexDigits(new SecureRandom().nextLong()),
            callback,
            callback::silent,
            threads,
            timer);
    connection = made;
    made.connect();
    CompletableFuture<IMqttToken> granted = new CompletableFuture<>();
    made.client()
        .subscribe(
            new MqttSubscription[] {new MqttSubscription(answers, 1)},
            null,
            MqttConnection.completing(granted),
            new MqttProperties());
    requirePermitted(granted, answers, MqttConnection.CONNECT_TIMEOUT);
    return made;
  }

  private static void requirePermitted(
      CompletableFuture<IMqttToken> action, String topic, Duration timeout)
      throws ExecutionException, TimeoutException, InterruptedException {
    int code = Refusals.code(action.get(timeout.toMillis(), MILLISECONDS));
    if (code >= Refusals.FIRST_ERROR) {
      throw new TransportException(
          TransportException.Category.REFUSED,
          "control-not-permitted",
          "The broker does not let this user at '"
              + topic
              + "': give it the rights to manage dynamic security.");
    }
  }

  private void disconnect() {
    MqttConnection there = connection;
    connection = null;
    if (there != null) {
      there.close(!callback.broken);
    }
  }

  private static TransportException silent(@Nullable Throwable cause) {
    return new TransportException(
        RETRY,
        "broker-silent",
        "The broker does not answer: see whether it runs, and whether its plugin for dynamic security is loaded.",
        cause);
  }

  @Override
  public synchronized void close() {
    closed = true;
    disconnect();
    timer.shutdownNow();
    threads.shutdown();
  }

  /** Told by Paho. */
  private final class Callback implements MqttCallback {

    private volatile boolean broken;

    @Override
    public void messageArrived(String topic, MqttMessage message) {
      Waiting asked = waiting;
      byte[] payload = message.getPayload();
      if (asked != null && payload.length <= MAX_ANSWER && asked.mine().test(payload)) {
        asked.answer().complete(payload);
      }
    }

    @Override
    public void disconnected(MqttDisconnectResponse response) {
      silent();
    }

    /** The connection is gone, or the broker says nothing. */
    void silent() {
      broken = true;
      Waiting asked = waiting;
      if (asked != null && this == callback) {
        asked.answer().completeExceptionally(new IOException("The connection is lost."));
      }
    }

    @Override
    public void mqttErrorOccurred(MqttException exception) {
      broken = true;
    }

    @Override
    public void deliveryComplete(IMqttToken token) {}

    @Override
    public void connectComplete(boolean reconnect, String serverUri) {}

    @Override
    public void authPacketArrived(int reasonCode, MqttProperties properties) {}
  }
}
