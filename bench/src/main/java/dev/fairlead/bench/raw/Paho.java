// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.bench.raw;

import dev.fairlead.transport.access.Endpoint;
import java.io.IOException;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import org.eclipse.paho.mqttv5.client.IMqttToken;
import org.eclipse.paho.mqttv5.client.MqttActionListener;
import org.eclipse.paho.mqttv5.client.MqttAsyncClient;
import org.eclipse.paho.mqttv5.client.MqttCallback;
import org.eclipse.paho.mqttv5.client.MqttConnectionOptions;
import org.eclipse.paho.mqttv5.client.MqttDisconnectResponse;
import org.eclipse.paho.mqttv5.client.persist.MemoryPersistence;
import org.eclipse.paho.mqttv5.common.MqttException;
import org.eclipse.paho.mqttv5.common.MqttMessage;
import org.eclipse.paho.mqttv5.common.packet.MqttProperties;
import org.jspecify.annotations.Nullable;

/**
 * Eclipse Paho for MQTT 5 as it comes, but for two things without which it cannot be used so: what
 * is under way is bounded from outside, since it throws otherwise, and Nagle's delay is off.
 */
final class Paho implements RawClient {

  private static final String TOPIC = "bench/raw";
  private static final int UNDER_WAY = 10_000;
  private static final long PATIENCE_MS = 10_000;

  private final int qos;

  Paho(int qos) {
    this.qos = qos;
  }

  private static MqttAsyncClient connect(Endpoint to, String name, @Nullable MqttCallback callback)
      throws IOException {
    MqttConnectionOptions options = new MqttConnectionOptions();
    options.setCleanStart(true);
    options.setAutomaticReconnect(true);
    String ca = to.caSha256();
    options.setSocketFactory(ca == null ? new NoDelaySockets() : new TlsSockets(ca));
    options.setHttpsHostnameVerificationEnabled(ca != null);
    try {
      MqttAsyncClient client =
          new MqttAsyncClient(
              (ca == null ? "tcp://" : "ssl://") + to.uri().getHost() + ":" + to.uri().getPort(),
              name,
              new MemoryPersistence());
      if (callback != null) {
        client.setCallback(callback);
      }
      client.connect(options).waitForCompletion(PATIENCE_MS);
      return client;
    } catch (MqttException e) {
      throw new IOException("Paho does not connect.", e);
    }
  }

  private static void end(MqttAsyncClient client) throws IOException {
    try {
      client.disconnectForcibly(0, 100, false);
      client.close(true);
    } catch (MqttException e) {
      throw new IOException("Paho does not end its connection.", e);
    }
  }

  @Override
  public Sender sender(Endpoint to) throws IOException, InterruptedException {
    MqttAsyncClient client = connect(to, "sender", null);
    Semaphore underWay = new Semaphore(UNDER_WAY);
    MqttActionListener done =
        new MqttActionListener() {
          @Override
          public void onSuccess(IMqttToken token) {
            underWay.release();
          }

          @Override
          public void onFailure(IMqttToken token, Throwable problem) {
            underWay.release();
          }
        };
    return new Sender() {
      @Override
      public void send(byte[] record) throws IOException, InterruptedException {
        underWay.acquire();
        try {
          client.publish(TOPIC, record, qos, false, null, done);
        } catch (MqttException e) {
          underWay.release();
          throw new IOException("Paho does not take a message.", e);
        }
      }

      @Override
      public void finish() throws IOException, InterruptedException {
        boolean all = underWay.tryAcquire(UNDER_WAY, PATIENCE_MS, TimeUnit.MILLISECONDS);
        end(client);
        if (!all) {
          throw new IOException("Not all messages were sent.");
        }
      }
    };
  }

  @Override
  public Receiver receive(Endpoint to, Consumer<byte[]> each)
      throws IOException, InterruptedException {
    MqttAsyncClient client = connect(to, "receiver", new Receiving(each));
    try {
      client.subscribe(TOPIC, qos).waitForCompletion(PATIENCE_MS);
    } catch (MqttException e) {
      throw new IOException("The broker does not let Paho subscribe.", e);
    }
    return () -> end(client);
  }

  private record Receiving(Consumer<byte[]> each) implements MqttCallback {

    @Override
    public void messageArrived(String topic, MqttMessage message) {
      each.accept(message.getPayload());
    }

    @Override
    public void disconnected(MqttDisconnectResponse response) {}

    @Override
    public void mqttErrorOccurred(MqttException problem) {}

    @Override
    public void deliveryComplete(IMqttToken token) {}

    @Override
    public void connectComplete(boolean again, String server) {}

    @Override
    public void authPacketArrived(int reason, MqttProperties properties) {}
  }
}
