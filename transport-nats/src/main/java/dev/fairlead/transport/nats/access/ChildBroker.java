// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.transport.nats.access;

import static dev.fairlead.transport.api.TransportException.Category.REFUSED;
import static dev.fairlead.transport.api.TransportException.Category.RETRY;

import dev.fairlead.transport.access.Endpoint;
import dev.fairlead.transport.access.Grant;
import dev.fairlead.transport.api.TransportException;
import dev.fairlead.transport.base.broker.BrokerSettings;
import dev.fairlead.transport.base.broker.FolderLock;
import dev.fairlead.transport.base.broker.GoMemory;
import dev.fairlead.transport.base.broker.PrivateFiles;
import dev.fairlead.transport.base.broker.ServerCertificates;
import dev.fairlead.transport.base.broker.ServerProcess;
import dev.fairlead.transport.nats.NatsCredential;
import java.io.IOException;
import java.lang.System.Logger.Level;
import java.net.InetSocketAddress;
import java.net.URI;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.SecureRandom;
import java.time.Duration;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * A broker of our own: nats-server as a child, in operator mode with the full resolver, JetStream,
 * and TLS under a CA that is made here. All that it needs lies in one folder, and is used again at
 * the next start: keys, certificates, port, accounts, streams.
 */
final class ChildBroker implements Account {

  private static final System.Logger LOG = System.getLogger("dev.fairlead.transport.nats");
  private static final Duration SYSTEM_USER_LIFE = Duration.ofMinutes(5);
  private static final int MAX_TEMPLATES = 64;
  private static final int PORT_ATTEMPTS = 5;
  private static final String LIMITS =
      "\"limits\":{\"subs\":-1,\"data\":-1,\"payload\":-1,\"imports\":-1,\"exports\":-1,\"wildcards\":true,\"conn\":-1,\"leaf\":-1";
  private static final String STORE_LIMITS =
      ",\"mem_storage\":-1,\"disk_storage\":%d,\"streams\":-1,\"consumer\":-1";

  private final Path folder;
  private final InstantSource clock;
  private final SecureRandom random;
  private final FolderLock lock;
  private final IssuedBook book;
  private final Nkey operator;
  private final Nkey system;
  private final Nkey account;
  private final Map<String, Nkey> signers = new HashMap<>(); // template → key
  private final Endpoint endpoint;
  private final Duration patience;
  private final StoreSettings store;
  private final StoredStreams streams;
  private final SystemAccount resolver;
  private final ServerProcess server;

  private ChildBroker(
      BrokerSettings settings,
      StoreSettings store,
      InstantSource clock,
      SecureRandom random,
      FolderLock lock,
      IssuedBook book,
      Map<String, Nkey> keys,
      Endpoint endpoint,
      InetSocketAddress address,
      Path program) {
    this.folder = settings.folder();
    this.patience = settings.patience();
    this.store = store;
    this.clock = clock;
    this.random = random;
    this.lock = lock;
    this.book = book;
    this.operator = key(keys, "operator");
    this.system = key(keys, "system");
    this.account = key(keys, "account");
    book.templates()
        .forEach((template, seed) -> signers.put(template, Nkey.ofSeed(Nkey.Kind.ACCOUNT, seed)));
    this.endpoint = endpoint;
    String local = "tls://" + BrokerSettings.authority(address.getHostString(), address.getPort());
    this.resolver =
        new SystemAccount(
            local, endpoint.caSha256(), this::systemCredential, this::memberCredential);
    this.streams =
        new StoredStreams(
            SystemAccount.settings(local, endpoint.caSha256(), this::keeperCredential),
            store,
            clock);
    String name = "fairlead-" + operator.publicKey();
    this.server =
        new ServerProcess(
            program,
            GoMemory.ENVIRONMENT,
            () ->
                List.of(
                    "-c", writeConfiguration(settings.host(), address.getPort(), name).toString()),
            folder.resolve("nats-server.log"),
            () -> Greeting.comes(address, name));
  }

  /**
   * Starts a broker, or the same one again.
   *
   * @throws TransportException {@code RETRY} when it does not start now
   */
  static ChildBroker open(
      BrokerSettings settings, StoreSettings store, InstantSource clock, SecureRandom random) {
    Path program =
        ServerProcess.find(
            settings.program(), "nats-server", "run: apt-get install -y nats-server");
    if (store.synced()) {
      ServerVersion.requireSync(program);
    }
    Path folder = settings.folder();
    try {
      FolderLock lock = FolderLock.take(folder, "issuer");
      boolean done = false;
      try {
        IssuedBook book = IssuedBook.open(folder.resolve("book"));
        Map<String, Nkey> keys = keys(folder.resolve("keys"), random);
        String ca =
            ServerCertificates.prepare(
                settings.folder(), settings.names(), clock.instant(), random);
        ChildBroker broker = start(settings, store, clock, random, lock, book, keys, ca, program);
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

  private static ChildBroker start(
      BrokerSettings settings,
      StoreSettings store,
      InstantSource clock,
      SecureRandom random,
      FolderLock lock,
      IssuedBook book,
      Map<String, Nkey> keys,
      String ca,
      Path program)
      throws IOException {
    int port = settings.port() > 0 ? settings.port() : book.port();
    for (int attempt = 1; ; attempt++) {
      if (port == 0 || attempt > 1) {
        port = ServerProcess.freePort(settings.host());
      }
      InetSocketAddress address = new InetSocketAddress(settings.localHost(), port);
      Endpoint endpoint =
          new Endpoint(
              URI.create("tls://" + BrokerSettings.authority(settings.advertised(), port)), ca);
      ChildBroker broker =
          new ChildBroker(
              settings, store, clock, random, lock, book, keys, endpoint, address, program);
      try {
        broker.server.start();
        book.port(port);
        book.save(clock.instant().getEpochSecond());
        return broker;
      } catch (TransportException e) {
        // A port of our choice may have been taken meanwhile; one that was given is the owner's
        // affair.
        if (settings.port() > 0 || attempt == PORT_ATTEMPTS || !portTaken(e)) {
          throw e;
        }
        LOG.log(Level.DEBUG, "Port " + port + " is taken; another is tried.", e);
      }
    }
  }

  private static boolean portTaken(TransportException e) {
    return e.getMessage() != null && e.getMessage().contains("address already in use");
  }

  /** The keys of operator and accounts: lines of a name and a seed. */
  private static Map<String, Nkey> keys(Path file, SecureRandom random) throws IOException {
    Map<String, Nkey> keys = new HashMap<>();
    if (PrivateFiles.exists(file)) {
      for (String line : PrivateFiles.read(file).lines().toList()) {
        String[] words = line.split(" ", -1);
        if (words.length != 2) {
          throw new IOException("'" + file + "' is damaged.");
        }
        keys.put(words[0], Nkey.ofSeed(kind(words[0]), words[1]));
      }
      return keys;
    }
    StringBuilder text = new StringBuilder();
    for (String name : List.of("operator", "system", "account")) {
      Nkey key = Nkey.create(kind(name), random);
      keys.put(name, key);
      text.append(name).append(' ').append(key.seed()).append('\n');
    }
    PrivateFiles.write(file, text.toString());
    return keys;
  }

  private static Nkey.Kind kind(String name) {
    return name.equals("operator") ? Nkey.Kind.OPERATOR : Nkey.Kind.ACCOUNT;
  }

  private static Nkey key(Map<String, Nkey> keys, String name) {
    Nkey key = keys.get(name);
    if (key == null) {
      throw new TransportException(
          REFUSED,
          "corrupt-state",
          "The broker's key '" + name + "' is missing from its folder: restore it, or begin anew.");
    }
    return key;
  }

  Endpoint endpoint() {
    return endpoint;
  }

  IssuedBook book() {
    return book;
  }

  /** The child itself, for tests of its death. */
  ServerProcess server() {
    return server;
  }

  @Override
  public Signing signing(Grant grant, IssuedBook issued, long now) throws IOException {
    String template = Permissions.template(grant, store);
    Nkey signer = template == null ? null : signers.get(template);
    if (template != null && signer == null && signers.size() < MAX_TEMPLATES) {
      signer = Nkey.create(Nkey.Kind.ACCOUNT, random);
      synchronized (this) {
        signers.put(template, signer);
        issued.addTemplate(template, signer.seed());
      }
      try {
        push(issued, now);
        issued.save(now);
      } catch (TransportException e) {
        synchronized (this) {
          signers.remove(template);
          issued.removeTemplate(template);
        }
        throw e;
      }
    }
    if (signer == null) {
      return new Signing(
          account, Permissions.claims(grant, store, account.publicKey(), account.publicKey()));
    }
    return new Signing(
        signer,
        "{\"issuer_account\":"
            + Json.string(account.publicKey())
            + ",\"type\":\"user\",\"version\":2}");
  }

  @Override
  public @Nullable String cannotRevoke() {
    return null;
  }

  @Override
  public void push(IssuedBook issued, long now) {
    String rights = accountJwt(issued, now);
    server.ask(patience, () -> resolver.update(rights));
  }

  @Override
  public void store(Collection<String> subjects, Set<String> live) {
    server.ask(patience, () -> streams.keep(subjects, live));
  }

  @Override
  public StoreSettings store() {
    return store;
  }

  @Override
  public void close() {
    server.close();
    lock.close();
  }

  private synchronized String accountJwt(IssuedBook issued, long now) {
    List<String> keys = new ArrayList<>();
    signers.forEach(
        (template, key) ->
            keys.add(
                "{\"kind\":\"user_scope\",\"key\":"
                    + Json.string(key.publicKey())
                    + ",\"role\":\"fairlead\",\"template\":"
                    + template
                    + "}"));
    List<String> revoked = new ArrayList<>();
    issued.revoked().forEach((user, expiry) -> revoked.add(Json.string(user) + ":" + expiry));
    String claims =
        "{"
            + LIMITS
            + STORE_LIMITS.formatted(store.bytesInAll() > 0 ? store.bytesInAll() : -1)
            + "}"
            + (keys.isEmpty() ? "" : ",\"signing_keys\":[" + String.join(",", keys) + "]")
            + (revoked.isEmpty() ? "" : ",\"revocations\":{" + String.join(",", revoked) + "}")
            + ",\"type\":\"account\",\"version\":2}";
    return Jwt.sign(operator, account.publicKey(), "FAIRLEAD", issued.stamp(now), 0, claims);
  }

  private String systemCredential() {
    long now = clock.instant().getEpochSecond();
    Nkey user = Nkey.create(Nkey.Kind.USER, random);
    String claims = "{\"subs\":-1,\"data\":-1,\"payload\":-1,\"type\":\"user\",\"version\":2}";
    String jwt =
        Jwt.sign(
            system,
            user.publicKey(),
            "fairlead-access",
            now,
            now + SYSTEM_USER_LIFE.toSeconds(),
            claims);
    return NatsCredential.content(jwt, user.seed());
  }

  /** Of the account, and good for nothing but to connect. */
  private String memberCredential() {
    return Members.credential(account, account.publicKey(), clock.instant(), random);
  }

  /** Of the account, and good for nothing but to make and remove streams. */
  private String keeperCredential() {
    return Members.keeper(account, account.publicKey(), clock.instant(), random);
  }

  private Path writeConfiguration(String host, int port, String name) throws IOException {
    long now = clock.instant().getEpochSecond();
    String operatorClaims =
        "{\"system_account\":"
            + Json.string(system.publicKey())
            + ",\"type\":\"operator\",\"version\":2}";
    String systemClaims = "{" + LIMITS + "},\"type\":\"account\",\"version\":2}";
    String text =
        """
        # Written anew at each start.
        server_name: %s
        listen: "%s"
        operator: %s
        system_account: %s
        resolver: { type: full, dir: %s, allow_delete: true, interval: "2m", limit: 1000 }
        resolver_preload: {
          %s: %s
          %s: %s
        }
        jetstream: { store_dir: %s%s }
        # Emulated guests take their time for a first handshake.
        tls: { cert_file: %s, key_file: %s, timeout: 15 }
        ping_interval: "10s"
        ping_max: 2
        """
            .formatted(
                name,
                BrokerSettings.authority(host, port),
                Jwt.sign(operator, operator.publicKey(), "fairlead", now, 0, operatorClaims),
                system.publicKey(),
                Json.string(folder.resolve("jwt").toString()),
                system.publicKey(),
                Jwt.sign(operator, system.publicKey(), "SYS", now, 0, systemClaims),
                account.publicKey(),
                accountJwt(book, now),
                Json.string(folder.resolve("jetstream").toString()),
                store.synced() ? ", sync_interval: always" : "",
                Json.string(folder.resolve("server.pem").toString()),
                Json.string(folder.resolve("server-key.pem").toString()));
    Path file = folder.resolve("nats-server.conf");
    PrivateFiles.write(file, text);
    return file;
  }
}
