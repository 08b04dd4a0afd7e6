// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.transport.mqtt;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.fairlead.transport.api.TransportProvider;
import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.net.SocketException;
import java.time.Duration;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledThreadPoolExecutor;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicInteger;
import org.eclipse.paho.mqttv5.client.IMqttToken;
import org.eclipse.paho.mqttv5.client.MqttCallback;
import org.eclipse.paho.mqttv5.client.MqttDisconnectResponse;
import org.eclipse.paho.mqttv5.common.MqttException;
import org.eclipse.paho.mqttv5.common.MqttMessage;
import org.eclipse.paho.mqttv5.common.packet.MqttProperties;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** Connections that end before they have begun. */
class BeginningTest {

  private static final int CONNECTIONS = 60;

  private final ThreadPoolExecutor threads = (ThreadPoolExecutor) Executors.newCachedThreadPool();
  private final ScheduledThreadPoolExecutor timer = new ScheduledThreadPoolExecutor(1);
  private final ExecutorService users = Executors.newFixedThreadPool(8);

  @AfterEach
  void end() {
    users.shutdownNow();
    timer.shutdownNow();
    threads.shutdownNow();
  }

  @Test
  void aBrokerThatHangsUpAtOnceLeavesNoThread() throws Exception {
    long seed = new Random().nextLong();
    System.out.println("seed " + seed);
    try (ServerSocket broker = new ServerSocket(0, 50, InetAddress.getLoopbackAddress())) {
      users.execute(() -> hangUp(broker, new Random(seed)));
      connectAndClose(broker.getLocalPort(), 0);
    }
    await().atMost(Duration.ofSeconds(10)).until(() -> threads.getActiveCount() == 0);
  }

  @Test
  void closingWhileItConnectsLeavesNoThread() throws Exception {
    try (ServerSocket silent = new ServerSocket(0, 200, InetAddress.getLoopbackAddress())) {
      connectAndClose(silent.getLocalPort(), 8);
    }
    await().atMost(Duration.ofSeconds(10)).until(() -> threads.getActiveCount() == 0);
  }

  /** Accepts, and hangs up: at once, or a little later. */
  private void hangUp(ServerSocket broker, Random random) {
    try {
      while (true) {
        Socket socket = broker.accept();
        int millis = random.nextInt(12);
        if (millis < 4) {
          socket.close();
        } else {
          var unused = timer.schedule(() -> close(socket), millis, TimeUnit.MILLISECONDS);
        }
      }
    } catch (SocketException e) {
      assertThat(broker.isClosed()).isTrue();
    } catch (IOException e) {
      throw new IllegalStateException(e);
    }
  }

  private static void close(Socket socket) {
    try {
      socket.close();
    } catch (IOException e) {
      throw new IllegalStateException(e);
    }
  }

  /**
   * Connects to what is no broker, some at a time.
   *
   * @param within closed by another thread so many milliseconds later at most; 0: when it failed
   */
  private void connectAndClose(int port, int within) throws InterruptedException {
    CountDownLatch closed = new CountDownLatch(CONNECTIONS);
    AtomicInteger number = new AtomicInteger();
    for (int i = 0; i < CONNECTIONS; i++) {
      users.execute(
          () -> {
            int mine = number.getAndIncrement();
            try {
              MqttConnection connection =
                  MqttConnection.prepare(
                      MqttSettings.read(
                          Map.of(TransportProvider.ENDPOINT, "mqtt://127.0.0.1:" + port)::get),
                      "fl-%016x".formatted(mine),
                      new Nobody(),
                      () -> {},
                      threads,
                      timer);
              if (within > 0) {
                var unused =
                    timer.schedule(
                        () -> threads.execute(() -> connection.close(false)),
                        mine % within,
                        TimeUnit.MILLISECONDS);
              }
              try {
                connection.connect();
              } catch (IOException | InterruptedException | TimeoutException e) {
                assertThat(e).isNotNull(); // there is no broker
              }
              connection.close(false);
            } catch (IOException e) {
              throw new IllegalStateException(e);
            } finally {
              closed.countDown();
            }
          });
    }
    assertThat(closed.await(60, TimeUnit.SECONDS)).isTrue();
  }

  private static final class Nobody implements MqttCallback {
    @Override
    public void disconnected(MqttDisconnectResponse response) {}

    @Override
    public void mqttErrorOccurred(MqttException exception) {}

    @Override
    public void messageArrived(String topic, MqttMessage message) {}

    @Override
    public void deliveryComplete(IMqttToken token) {}

    @Override
    public void connectComplete(boolean reconnect, String serverUri) {}

    @Override
    public void authPacketArrived(int reasonCode, MqttProperties properties) {}
  }
}
