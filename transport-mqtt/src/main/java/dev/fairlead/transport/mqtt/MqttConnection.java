// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.transport.mqtt;

import static java.nio.charset.StandardCharsets.US_ASCII;
import static java.util.concurrent.TimeUnit.MILLISECONDS;

import dev.fairlead.transport.api.Message;
import dev.fairlead.transport.api.TransportException;
import dev.fairlead.transport.base.Refusal;
import java.io.IOException;
import java.lang.System.Logger.Level;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeoutException;
import org.eclipse.paho.mqttv5.client.IMqttToken;
import org.eclipse.paho.mqttv5.client.MqttActionListener;
import org.eclipse.paho.mqttv5.client.MqttAsyncClient;
import org.eclipse.paho.mqttv5.client.MqttCallback;
import org.eclipse.paho.mqttv5.client.MqttConnectionOptions;
import org.eclipse.paho.mqttv5.client.persist.MemoryPersistence;
import org.eclipse.paho.mqttv5.common.MqttException;
import org.eclipse.paho.mqttv5.common.MqttMessage;
import org.eclipse.paho.mqttv5.common.packet.MqttProperties;
import org.jspecify.annotations.Nullable;

/**
 * One client of Paho and its one connection: a clean start, nothing on disk, nothing carried over
 * to the next. Only so are Paho's topic aliases harmless, which outlive a connection in the client
 * but not in the broker.
 */
final class MqttConnection {

  /** Long enough for a first TLS handshake in an emulated guest. */
  static final Duration CONNECT_TIMEOUT = Duration.ofSeconds(10);

  /** A broker that says nothing for so long is pinged; it gives us half as much more. */
  static final Duration KEEP_ALIVE = Duration.ofSeconds(2);

  private static final System.Logger LOG = System.getLogger("dev.fairlead.transport.mqtt");
  private static final long FAREWELL_MILLIS = 300;
  private static final long BEGINNING_MILLIS = 2_000;

  private final MqttAsyncClient client;
  private final MqttSettings settings;
  private final Wire wire;
  private final Beginning beginning;
  private final CompletableFuture<IMqttToken> done = new CompletableFuture<>();

  private MqttConnection(
      MqttAsyncClient client, MqttSettings settings, Wire wire, Beginning beginning) {
    this.client = client;
    this.settings = settings;
    this.wire = wire;
    this.beginning = beginning;
  }

  /**
   * Prepares one; nothing is sent yet.
   *
   * @param silent called when the broker is given up that says nothing
   */
  static MqttConnection prepare(
      MqttSettings settings,
      String clientId,
      MqttCallback callback,
      Runnable silent,
      ExecutorService threads,
      ScheduledExecutorService timer)
      throws IOException {
    Beginning beginning = new Beginning();
    Wire wire =
        new Wire(settings.host(), settings.port(), settings.tls(), CONNECT_TIMEOUT, beginning);
    LinkThreads linkThreads = new LinkThreads(threads, timer, beginning);
    try {
      MqttAsyncClient client =
          new MqttAsyncClient(
              wire.getServerURI(),
              clientId,
              new MemoryPersistence(),
              new Pinger(linkThreads, wire::heardAt, silent, System::nanoTime),
              linkThreads);
      client.setCallback(callback);
      return new MqttConnection(client, settings, wire, beginning);
    } catch (MqttException e) {
      throw new IOException("The client cannot be made.", e);
    }
  }

  /**
   * Connects, once; blocks until that is done, has failed, or this is closed.
   *
   * @return what the broker says of itself
   * @throws TransportException {@code REFUSED} when it turned us down
   */
  MqttProperties connect() throws IOException, InterruptedException, TimeoutException {
    try {
      client.connect(options(), null, completing(done));
      MqttProperties said =
          done.get(CONNECT_TIMEOUT.toMillis(), MILLISECONDS).getResponseProperties();
      return said == null ? new MqttProperties() : said;
    } catch (MqttException e) {
      throw failed(e);
    } catch (ExecutionException e) {
      throw failed(e.getCause() == null ? e : e.getCause());
    }
  }

  private static IOException failed(Throwable failure) {
    if (failure instanceof MqttException mqtt) {
      Refusal refusal = Refusals.ofConnect(mqtt.getReasonCode());
      if (refusal != null) {
        throw refusal.cause();
      }
    }
    return new IOException("The broker cannot be connected to.", failure);
  }

  private MqttConnectionOptions options() {
    MqttConnectionOptions options = new MqttConnectionOptions();
    options.setCleanStart(true);
    options.setAutomaticReconnect(false);
    options.setKeepAliveInterval((int) KEEP_ALIVE.toSeconds());
    options.setConnectionTimeout((int) CONNECT_TIMEOUT.toSeconds());
    options.setMaximumPacketSize((long) Wire.MAX_PACKET);
    options.setSocketFactory(wire);
    MqttCredential credential = settings.credential();
    if (credential != null) {
      options.setUserName(credential.user());
      options.setPassword(credential.password().getBytes(US_ASCII));
    }
    Message will = settings.will();
    if (will != null) {
      options.setWill(
          will.address(), new MqttMessage(will.bytes(), 1, false, new MqttProperties()));
    }
    return options;
  }

  /** Completes a future when an action is done, whatever its reason code says. */
  static MqttActionListener completing(CompletableFuture<IMqttToken> done) {
    return new MqttActionListener() {
      @Override
      public void onSuccess(IMqttToken token) {
        done.complete(token);
      }

      @Override
      public void onFailure(IMqttToken token, @Nullable Throwable failure) {
        done.completeExceptionally(
            failure == null ? new IOException("The connection is lost.") : failure);
      }
    };
  }

  /** For tests of faults: breaks the connection as a network would. */
  void cut() {
    wire.cut();
  }

  MqttAsyncClient client() {
    return client;
  }

  /**
   * Ends it; Paho takes a few tenths of a second for that.
   *
   * @param farewell whether to tell the broker, which then does not publish the last will
   */
  void close(boolean farewell) {
    done.completeExceptionally(new IOException("The connection is closed."));
    if (!beginning.isOverWithin(0)) {
      wire.cut(); // Paho cannot end what it is beginning, but that can fail
      if (!beginning.isOverWithin(BEGINNING_MILLIS)) {
        LOG.log(Level.WARNING, "A connection that is given up does not end its beginning.");
      }
    }
    try {
      if (!farewell) {
        wire.stop();
      }
      client.disconnectForcibly(0, FAREWELL_MILLIS, farewell);
    } catch (MqttException | RuntimeException e) {
      LOG.log(Level.DEBUG, "A connection had ended before it was closed.", e);
    } finally {
      wire.stop();
      try {
        client.close(true);
      } catch (MqttException | RuntimeException e) {
        LOG.log(Level.DEBUG, "A client had been closed before.", e);
      }
    }
  }
}
