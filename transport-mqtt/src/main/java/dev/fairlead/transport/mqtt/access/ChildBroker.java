// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.transport.mqtt.access;

import static dev.fairlead.transport.api.TransportException.Category.REFUSED;
import static dev.fairlead.transport.api.TransportException.Category.RETRY;

import dev.fairlead.transport.access.Endpoint;
import dev.fairlead.transport.api.TransportException;
import dev.fairlead.transport.api.TransportProvider;
import dev.fairlead.transport.base.PinnedTrust;
import dev.fairlead.transport.base.broker.BrokerSettings;
import dev.fairlead.transport.base.broker.FolderLock;
import dev.fairlead.transport.base.broker.PrivateFiles;
import dev.fairlead.transport.base.broker.ServerCertificates;
import dev.fairlead.transport.base.broker.ServerProcess;
import dev.fairlead.transport.mqtt.ControlLink;
import dev.fairlead.transport.mqtt.MqttCredential;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.System.Logger.Level;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.SecureRandom;
import java.time.Duration;
import java.time.InstantSource;
import java.util.Collection;
import java.util.HexFormat;
import java.util.List;
import java.util.stream.Stream;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLParameters;
import javax.net.ssl.SSLSocket;
import org.jspecify.annotations.Nullable;

/**
 * A broker of our own: mosquitto as a child, with its plugin for dynamic security, and TLS under a
 * CA that is made here. All that it needs lies in one folder. What the plugin reads at a start is
 * written from the book just before: a user whom the book does not name, whoever made it, is gone.
 */
final class ChildBroker implements Users {

  private static final System.Logger LOG = System.getLogger("dev.fairlead.transport.mqtt");
  private static final String REMEDY = "run: apt-get install -y mosquitto";
  private static final String PLUGIN = "mosquitto_dynamic_security.so";
  private static final int PORT_ATTEMPTS = 5;
  private static final int PROBE_MILLIS = 2_000;

  private final Path folder;
  private final Duration patience;
  private final InstantSource clock;
  private final FolderLock lock;
  private final Book book;
  private final Endpoint endpoint;
  private final Path plugin;
  private final Member control;
  private final String controlCredential;
  private final ControlLink link;
  private final Dynsec dynsec;
  private final ServerProcess server;

  private ChildBroker(
      BrokerSettings settings,
      Path program,
      Path plugin,
      int port,
      String caSha256,
      Book book,
      FolderLock lock,
      InstantSource clock,
      SecureRandom random)
      throws GeneralSecurityException {
    this.folder = settings.folder();
    this.patience = settings.patience();
    this.clock = clock;
    this.lock = lock;
    this.book = book;
    this.plugin = plugin;
    this.endpoint =
        new Endpoint(
            URI.create("mqtts://" + BrokerSettings.authority(settings.advertised(), port)),
            caSha256);
    String user = book.name() + ".control";
    String password = Passwords.create(random);
    String salt = Passwords.salt(random);
    this.control =
        new Member(
            user,
            "control",
            Long.MAX_VALUE,
            salt,
            Passwords.hash(password, salt),
            List.of(),
            List.of());
    this.controlCredential = new MqttCredential(user, password).content();
    String local = "mqtts://" + BrokerSettings.authority(settings.localHost(), port);
    this.link =
        new ControlLink(
            name ->
                switch (name) {
                  case TransportProvider.ENDPOINT -> local;
                  case TransportProvider.CA_SHA256 -> caSha256;
                  case TransportProvider.CREDENTIAL -> controlCredential;
                  default -> null;
                },
            Dynsec.REQUESTS,
            Dynsec.ANSWERS);
    this.dynsec = new Dynsec(link, random);
    SSLContext trust = PinnedTrust.context(caSha256, null);
    InetSocketAddress address = new InetSocketAddress(settings.localHost(), port);
    this.server =
        new ServerProcess(
            program,
            () -> List.of("-c", writeConfiguration(settings.host(), port).toString()),
            folder.resolve("mosquitto.log"),
            () -> answers(trust, address));
  }

  /**
   * Starts a broker, or the same one again.
   *
   * @throws TransportException {@code RETRY} when it does not start now
   */
  static ChildBroker open(
      BrokerSettings settings,
      @Nullable String givenPlugin,
      InstantSource clock,
      SecureRandom random) {
    Path program = ServerProcess.find(settings.program(), "mosquitto", REMEDY);
    Path plugin = plugin(givenPlugin);
    Path folder = settings.folder();
    try {
      FolderLock lock = FolderLock.take(folder, "issuer");
      boolean done = false;
      try {
        Book book = Book.open(folder.resolve("book"), newName(random));
        String ca = ServerCertificates.prepare(folder, settings.names(), clock.instant(), random);
        ChildBroker broker = start(settings, program, plugin, ca, book, lock, clock, random);
        done = true;
        return broker;
      } finally {
        if (!done) {
          lock.close();
        }
      }
    } catch (IOException | GeneralSecurityException e) {
      throw new TransportException(
          RETRY,
          "broker-failed",
          "The broker's folder '" + folder + "' cannot be used: " + e.getMessage(),
          e);
    }
  }

  static String newName(SecureRandom random) {
    return "fl-" + HexFormat.of().toHexDigits(random.nextInt());
  }

  private static ChildBroker start(
      BrokerSettings settings,
      Path program,
      Path plugin,
      String ca,
      Book book,
      FolderLock lock,
      InstantSource clock,
      SecureRandom random)
      throws IOException, GeneralSecurityException {
    int port = settings.port() > 0 ? settings.port() : book.port();
    for (int attempt = 1; ; attempt++) {
      if (port == 0 || attempt > 1) {
        port = ServerProcess.freePort(settings.host());
      }
      ChildBroker broker =
          new ChildBroker(settings, program, plugin, port, ca, book, lock, clock, random);
      boolean done = false;
      try {
        broker.server.start();
        book.port(port);
        book.save();
        done = true;
        return broker;
      } catch (TransportException e) {
        // A port of our choice may have been taken meanwhile; one that was given is the owner's
        // affair.
        if (settings.port() > 0 || attempt == PORT_ATTEMPTS || !portTaken(e)) {
          throw e;
        }
        LOG.log(Level.DEBUG, "Port " + port + " is taken; another is tried.", e);
      } finally {
        if (!done) {
          broker.link.close();
        }
      }
    }
  }

  private static boolean portTaken(TransportException e) {
    return e.getMessage() != null && e.getMessage().contains("Address already in use");
  }

  /** The plugin's file, which distributions put beside their libraries. */
  private static Path plugin(@Nullable String given) {
    if (given != null) {
      if (Files.isReadable(Path.of(given))) {
        return Path.of(given);
      }
      throw new TransportException(
          REFUSED, "program-missing", "'" + given + "' cannot be read: correct the setting.");
    }
    for (Path folder : List.of(Path.of("/usr/lib"), Path.of("/usr/lib64"))) {
      try (Stream<Path> found =
          Files.find(folder, 2, (file, attributes) -> file.endsWith(PLUGIN))) {
        List<Path> files = found.sorted().toList();
        if (!files.isEmpty()) {
          return files.get(0);
        }
      } catch (IOException | UncheckedIOException e) {
        LOG.log(Level.DEBUG, "A folder cannot be searched.", e);
      }
    }
    throw new TransportException(
        REFUSED,
        "program-missing",
        "mosquitto's plugin for dynamic security is not installed: " + REMEDY);
  }

  /** Whether it is our server there: nobody else has the key to its certificate. */
  private static boolean answers(SSLContext trust, InetSocketAddress address) throws IOException {
    try (Socket plain = new Socket()) {
      plain.connect(address, PROBE_MILLIS);
      try (SSLSocket secure =
          (SSLSocket)
              trust
                  .getSocketFactory()
                  .createSocket(plain, address.getHostString(), address.getPort(), true)) {
        SSLParameters parameters = secure.getSSLParameters();
        parameters.setEndpointIdentificationAlgorithm("HTTPS");
        secure.setSSLParameters(parameters);
        secure.setSoTimeout(PROBE_MILLIS);
        secure.startHandshake();
        return true;
      }
    }
  }

  private Path writeConfiguration(String host, int port) throws IOException {
    Path users = folder.resolve("users.json");
    PrivateFiles.write(users, Dynsec.file(control, book.valid(clock.instant().getEpochSecond())));
    String text =
        """
        # Written anew at each start.
        %sper_listener_settings false
        allow_anonymous false
        plugin %s
        plugin_opt_config_file %s
        listener %d %s
        certfile %s
        keyfile %s
        tls_version tlsv1.2
        # A client's topic aliases outlive its connection; the broker's do not.
        max_topic_alias 0
        # No limit but the client's own to what is under way; 256 MiB may wait for a slow one.
        max_inflight_messages 0
        max_queued_messages 1000000
        max_queued_bytes 268435456
        max_packet_size 2097152
        set_tcp_nodelay true
        persistence false
        sys_interval 0
        log_dest stderr
        log_type error
        log_type warning
        log_type notice
        connection_messages false
        """
            .formatted(
                // It would leave root otherwise, and could not read what is for its owner alone.
                "root".equals(System.getProperty("user.name")) ? "user root\n" : "",
                plugin,
                users,
                port,
                host,
                folder.resolve(ServerCertificates.CHAIN),
                folder.resolve(ServerCertificates.KEY));
    Path file = folder.resolve("mosquitto.conf");
    PrivateFiles.write(file, text);
    return file;
  }

  Endpoint endpoint() {
    return endpoint;
  }

  Book book() {
    return book;
  }

  /** The credential with which its users are managed. */
  String controlCredential() {
    return controlCredential;
  }

  /** The child itself, for tests of its death. */
  ServerProcess server() {
    return server;
  }

  @Override
  public void add(Member member, String password) {
    try {
      // One that is just starting may have read the book before this member stood there.
      server.ask(patience, () -> dynsec.add(member, password));
    } catch (TransportException e) {
      if (server.pid() != 0) {
        throw e;
      }
      LOG.log(Level.DEBUG, "The broker is down; it reads the book when it comes up.", e);
    }
  }

  @Override
  public void remove(Collection<String> users) {
    tell(() -> dynsec.remove(users));
  }

  @Override
  public void tidy() {
    tell(
        () ->
            dynsec.remove(
                dynsec.users().stream()
                    .filter(each -> !each.equals(control.user()) && !book.has(each))
                    .toList()));
  }

  /** One that is down reads the book when it comes up; one that is starting is told later. */
  private void tell(Runnable change) {
    if (server.pid() != 0) {
      change.run();
    }
  }

  @Override
  public void close() {
    link.close();
    server.close();
    lock.close();
  }
}
