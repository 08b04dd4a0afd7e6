// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.transport.nats;

import static dev.fairlead.transport.api.TransportException.Category.RETRY;
import static java.nio.charset.StandardCharsets.UTF_8;
import static java.util.concurrent.TimeUnit.SECONDS;

import dev.fairlead.transport.api.TransportException;
import io.nats.client.Connection;
import io.nats.client.ErrorListener;
import io.nats.client.Message;
import io.nats.client.Nats;
import io.nats.client.Options;
import java.io.IOException;
import java.time.Duration;
import java.util.concurrent.ScheduledThreadPoolExecutor;
import java.util.concurrent.SynchronousQueue;
import java.util.concurrent.ThreadFactory;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/** Short connections for the access side: made for one purpose, and closed again. */
public final class SystemLink {

  private static final Duration CONNECT_TIMEOUT = Duration.ofSeconds(5);

  private SystemLink() {}

  /** Asks, as often as it takes, on one connection. */
  public interface Asking {
    /**
     * Asks once.
     *
     * @throws TransportException {@code RETRY}, code {@code broker-silent}, when no answer came
     */
    String ask(String subject, String body) throws InterruptedException;
  }

  /** What is asked on one connection. */
  public interface Talk<T> {
    /** Asks all. */
    T with(Asking asking) throws InterruptedException;
  }

  /** What a connection is for. */
  private interface Use<T> {
    T of(Connection connection) throws InterruptedException;
  }

  /**
   * Connects and closes, which makes the broker read the account of the credential.
   *
   * @param settings as for a transport
   * @throws TransportException {@code RETRY}, code {@code broker-silent}, when it does not connect
   */
  public static void greet(Function<String, @Nullable String> settings) {
    boolean unused = connect(settings, connection -> true);
  }

  /**
   * Connects, talks, and closes.
   *
   * @param settings as for a transport
   * @param timeout of each answer
   * @throws TransportException {@code RETRY}, code {@code broker-silent}, when no answer came
   */
  public static <T> T talk(
      Function<String, @Nullable String> settings, Duration timeout, Talk<T> talk) {
    return connect(
        settings,
        connection ->
            talk.with(
                (subject, body) -> {
                  Message answer = connection.request(subject, body.getBytes(UTF_8), timeout);
                  if (answer == null || answer.isStatusMessage()) {
                    throw silent(null);
                  }
                  return new String(answer.getData(), UTF_8);
                }));
  }

  /**
   * Connects, asks, and closes.
   *
   * @param settings as for a transport
   * @throws TransportException {@code RETRY}, code {@code broker-silent}, when no answer came
   */
  public static Message request(
      Function<String, @Nullable String> settings, String subject, byte[] body, Duration timeout) {
    return connect(
        settings,
        connection -> {
          Message answer = connection.request(subject, body, timeout);
          if (answer == null || answer.isStatusMessage()) {
            throw silent(null);
          }
          return answer;
        });
  }

  private static <T> T connect(Function<String, @Nullable String> settings, Use<T> use) {
    NatsSettings read = NatsSettings.read(settings);
    ThreadFactory factory =
        task -> {
          Thread thread = new Thread(task, "fairlead-nats-access");
          thread.setDaemon(true);
          return thread;
        };
    ThreadPoolExecutor threads =
        new ThreadPoolExecutor(0, Integer.MAX_VALUE, 1, SECONDS, new SynchronousQueue<>(), factory);
    ScheduledThreadPoolExecutor timer = new ScheduledThreadPoolExecutor(1, factory);
    try {
      Options.Builder options =
          new Options.Builder()
              .server(read.server())
              .hostnameResolveMode(Options.HostnameResolveMode.ResolveToAllIncludeIPV6)
              .ignoreDiscoveredServers()
              .noReconnect()
              .connectionTimeout(CONNECT_TIMEOUT)
              .dataPortType(TlsDataPort.class.getName())
              .executor(threads)
              .connectExecutor(threads)
              .callbackExecutor(new DirectExecutor())
              .scheduledExecutor(timer)
              .errorListener(new ErrorListener() {});
      if (read.credential() != null) {
        options.authHandler(read.credential());
      }
      if (read.tls() != null) {
        options.sslContext(read.tls());
      }
      Connection connection = Nats.connect(options.build());
      try {
        return use.of(connection);
      } finally {
        connection.close();
      }
    } catch (IOException e) {
      throw silent(e);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new TransportException(RETRY, "interrupted", "The request was interrupted.", e);
    } finally {
      timer.shutdownNow();
      threads.shutdown();
    }
  }

  private static TransportException silent(@Nullable Throwable cause) {
    return new TransportException(
        RETRY,
        "broker-silent",
        "The broker does not answer: see whether it runs, and whether the system credential is valid.",
        cause);
  }
}
