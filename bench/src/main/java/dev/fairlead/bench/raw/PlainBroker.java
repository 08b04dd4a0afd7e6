// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.bench.raw;

import dev.fairlead.transport.access.Endpoint;
import dev.fairlead.transport.api.TransportException;
import dev.fairlead.transport.base.broker.GoMemory;
import dev.fairlead.transport.base.broker.ServerCertificates;
import dev.fairlead.transport.base.broker.ServerProcess;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.SecureRandom;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/**
 * The broker of a raw client: the same programs as ours, without rights, and without TLS unless the
 * client has it. It is started again by itself when it dies.
 */
public final class PlainBroker implements AutoCloseable {

  private static final String HOST = "127.0.0.1";
  private static final String REMEDY = "apt-get install -y --no-install-recommends ";

  private final ServerProcess server;
  private final Endpoint endpoint;

  private PlainBroker(ServerProcess server, Endpoint endpoint) {
    this.server = server;
    this.endpoint = endpoint;
  }

  /**
   * Starts one, and waits until it answers.
   *
   * @param transport {@code nats} or {@code mqtt}
   * @param folder an empty one
   * @param encrypted whether with TLS
   * @throws TransportException when the program is missing, or does not start
   */
  public static PlainBroker start(String transport, Path folder, boolean encrypted)
      throws IOException {
    Files.createDirectories(folder);
    String ca = encrypted ? certificates(folder) : null;
    int port = ServerProcess.freePort(HOST);
    boolean nats = transport.equals("nats");
    String name = nats ? "nats-server" : "mosquitto";
    ServerProcess server =
        new ServerProcess(
            ServerProcess.find(null, name, REMEDY + name),
            nats ? GoMemory.ENVIRONMENT : Map.of(),
            () -> nats ? nats(port, folder, encrypted) : mosquitto(port, folder, encrypted),
            folder.resolve("broker.log"),
            () -> answers(port));
    server.start();
    String scheme = encrypted ? "tls" : nats ? "nats" : "mqtt";
    return new PlainBroker(
        server, new Endpoint(URI.create(scheme + "://" + HOST + ":" + port), ca));
  }

  private static String certificates(Path folder) throws IOException {
    try {
      return ServerCertificates.prepare(folder, List.of(HOST), Instant.now(), new SecureRandom());
    } catch (GeneralSecurityException e) {
      throw new IOException("The broker's certificates cannot be made.", e);
    }
  }

  private static List<String> nats(int port, Path folder, boolean encrypted) {
    List<String> words =
        new ArrayList<>(
            List.of(
                "-a",
                HOST,
                "-p",
                Integer.toString(port),
                "-js",
                "-sd",
                folder.resolve("jetstream").toString()));
    if (encrypted) {
      words.addAll(
          List.of(
              "--tls",
              "--tlscert",
              folder.resolve(ServerCertificates.CHAIN).toString(),
              "--tlskey",
              folder.resolve(ServerCertificates.KEY).toString()));
    }
    return words;
  }

  private static List<String> mosquitto(int port, Path folder, boolean encrypted)
      throws IOException {
    Path file = folder.resolve("mosquitto.conf");
    String tls =
        encrypted
            ? "certfile %s%nkeyfile %s%ntls_version tlsv1.2%n"
                .formatted(
                    folder.resolve(ServerCertificates.CHAIN),
                    folder.resolve(ServerCertificates.KEY))
            : "";
    Files.writeString(
        file,
        """
        listener %d %s
        %sallow_anonymous true
        user %s
        persistence false
        max_inflight_messages 0
        max_queued_messages 0
        set_tcp_nodelay true
        """
            .formatted(port, HOST, tls, System.getProperty("user.name")));
    return List.of("-c", file.toString());
  }

  private static boolean answers(int port) throws IOException {
    try (Socket socket = new Socket()) {
      socket.connect(new InetSocketAddress(InetAddress.getLoopbackAddress(), port), 1000);
      return true;
    }
  }

  /** Where to connect. */
  public Endpoint endpoint() {
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
