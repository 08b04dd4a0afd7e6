// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.bench.raw;

import dev.fairlead.transport.api.TransportException;
import dev.fairlead.transport.base.broker.ServerProcess;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

/**
 * The broker of a raw client: the same programs as ours, without TLS and without rights. It is
 * started again by itself when it dies.
 */
public final class PlainBroker implements AutoCloseable {

  private static final String HOST = "127.0.0.1";
  private static final String REMEDY = "apt-get install -y --no-install-recommends ";

  private final ServerProcess server;
  private final URI endpoint;

  private PlainBroker(ServerProcess server, URI endpoint) {
    this.server = server;
    this.endpoint = endpoint;
  }

  /**
   * Starts one, and waits until it answers.
   *
   * @param transport {@code nats} or {@code mqtt}
   * @param folder an empty one
   * @throws TransportException when the program is missing, or does not start
   */
  public static PlainBroker start(String transport, Path folder) throws IOException {
    Files.createDirectories(folder);
    int port = ServerProcess.freePort(HOST);
    boolean nats = transport.equals("nats");
    String name = nats ? "nats-server" : "mosquitto";
    ServerProcess server =
        new ServerProcess(
            ServerProcess.find(null, name, REMEDY + name),
            () -> nats ? nats(port, folder) : mosquitto(port, folder),
            folder.resolve("broker.log"),
            () -> answers(port));
    server.start();
    return new PlainBroker(
        server, URI.create((nats ? "nats" : "mqtt") + "://" + HOST + ":" + port));
  }

  private static List<String> nats(int port, Path folder) {
    return List.of(
        "-a",
        HOST,
        "-p",
        Integer.toString(port),
        "-js",
        "-sd",
        folder.resolve("jetstream").toString());
  }

  private static List<String> mosquitto(int port, Path folder) throws IOException {
    Path file = folder.resolve("mosquitto.conf");
    Files.writeString(
        file,
        """
        listener %d %s
        allow_anonymous true
        user %s
        persistence false
        max_inflight_messages 0
        max_queued_messages 0
        set_tcp_nodelay true
        """
            .formatted(port, HOST, System.getProperty("user.name")));
    return List.of("-c", file.toString());
  }

  private static boolean answers(int port) throws IOException {
    try (Socket socket = new Socket()) {
      socket.connect(new InetSocketAddress(InetAddress.getLoopbackAddress(), port), 1000);
      return true;
    }
  }

  /** Where to connect. */
  public URI endpoint() {
    return endpoint;
  }

  /** Its process; 0 while it is down. */
  public long pid() {
    return server.pid();
  }

  @Override
  public void close() {
    server.close();
  }
}
