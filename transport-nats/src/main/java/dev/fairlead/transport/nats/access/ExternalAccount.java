// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.transport.nats.access;

import static dev.fairlead.transport.api.TransportException.Category.REFUSED;
import static dev.fairlead.transport.api.TransportException.Category.RETRY;
import static java.nio.charset.StandardCharsets.UTF_8;

import dev.fairlead.transport.access.Endpoint;
import dev.fairlead.transport.access.Grant;
import dev.fairlead.transport.api.TransportException;
import dev.fairlead.transport.base.broker.BrokerSettings;
import dev.fairlead.transport.base.broker.FolderLock;
import dev.fairlead.transport.base.broker.PrivateFiles;
import dev.fairlead.transport.nats.NatsCredential;
import io.nats.client.support.JsonParseException;
import io.nats.client.support.JsonParser;
import io.nats.client.support.JsonValue;
import java.io.IOException;
import java.net.URI;
import java.nio.file.Path;
import java.security.SecureRandom;
import java.time.InstantSource;
import java.util.Base64;
import java.util.Collection;
import java.util.HashMap;
import java.util.Iterator;
import java.util.Map;
import java.util.Set;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * An account on a broker that someone else runs. Rights stand inside each user's JWT, since the
 * account's own JWT is not ours to shape; only revocations are added to it, where the keys for that
 * were given.
 */
final class ExternalAccount implements Account {

  private final FolderLock lock;
  private final IssuedBook book;
  private final Endpoint endpoint;
  private final Nkey signer;
  private final String account;
  private final @Nullable Nkey operator;
  private final @Nullable SystemAccount resolver;
  private final StoreSettings store;
  private final StoredStreams streams;

  private ExternalAccount(
      FolderLock lock,
      IssuedBook book,
      Endpoint endpoint,
      Nkey signer,
      String account,
      @Nullable Nkey operator,
      @Nullable SystemAccount resolver,
      StoreSettings store,
      StoredStreams streams) {
    this.store = store;
    this.streams = streams;
    this.lock = lock;
    this.book = book;
    this.endpoint = endpoint;
    this.signer = signer;
    this.account = account;
    this.operator = operator;
    this.resolver = resolver;
  }

  /**
   * Reads keys and book; does not speak to the broker yet.
   *
   * @throws TransportException {@code REFUSED} for a bad setting
   */
  static ExternalAccount open(
      Function<String, @Nullable String> settings, InstantSource clock, SecureRandom random) {
    URI uri = URI.create(BrokerSettings.required(settings, "endpoint"));
    String pin = settings.apply("ca.sha256");
    Nkey signer = key(settings, "account.key.file", Nkey.Kind.ACCOUNT);
    if (signer == null) {
      throw BrokerSettings.bad("account.key.file", "is missing");
    }
    String named = settings.apply("account");
    String account = named == null ? signer.publicKey() : named;
    Nkey operator = key(settings, "operator.key.file", Nkey.Kind.OPERATOR);
    String system = settings.apply("system.creds.file");
    String systemContent = system == null ? null : content(system);
    SystemAccount resolver =
        systemContent == null
            ? null
            : new SystemAccount(
                uri.toString(),
                pin,
                () -> systemContent,
                () -> Members.credential(signer, account, clock.instant(), random));
    StoreSettings store = StoreSettings.read(settings);
    StoredStreams streams =
        new StoredStreams(
            SystemAccount.settings(
                uri.toString(),
                pin,
                () -> Members.keeper(signer, account, clock.instant(), random)),
            store,
            clock);
    Path folder = Path.of(BrokerSettings.required(settings, "dir")).toAbsolutePath();
    try {
      FolderLock lock = FolderLock.take(folder, "issuer");
      boolean done = false;
      try {
        IssuedBook book = IssuedBook.open(folder.resolve("book"));
        done = true;
        return new ExternalAccount(
            lock,
            book,
            new Endpoint(uri, pin),
            signer,
            account,
            operator,
            resolver,
            store,
            streams);
      } finally {
        if (!done) {
          lock.close();
        }
      }
    } catch (IOException e) {
      throw new TransportException(
          RETRY, "folder-unusable", "'" + folder + "' cannot be used: " + e.getMessage(), e);
    }
  }

  private static @Nullable Nkey key(
      Function<String, @Nullable String> settings, String name, Nkey.Kind kind) {
    String file = settings.apply(name);
    if (file == null || file.isBlank()) {
      return null;
    }
    try {
      return Nkey.ofSeed(kind, PrivateFiles.read(Path.of(file)).strip());
    } catch (IOException e) {
      throw BrokerSettings.bad(name, "names a file that cannot be read: " + e.getMessage());
    } catch (IllegalArgumentException e) {
      throw BrokerSettings.bad(name, "names a file that holds no such seed");
    }
  }

  /**
   * The content of a credential from a file in the form of nsc: two parts between lines of dashes.
   */
  private static String content(String file) {
    String jwt = "";
    String seed = "";
    try {
      for (Iterator<String> lines = PrivateFiles.read(Path.of(file)).lines().iterator();
          lines.hasNext(); ) {
        String line = lines.next();
        if (line.contains("BEGIN NATS USER JWT") && lines.hasNext()) {
          jwt = lines.next().strip();
        } else if (line.contains("BEGIN USER NKEY SEED") && lines.hasNext()) {
          seed = lines.next().strip();
        }
      }
    } catch (IOException e) {
      throw BrokerSettings.bad(
          "system.creds.file", "names a file that cannot be read: " + e.getMessage());
    }
    if (jwt.isEmpty() || seed.isEmpty()) {
      throw BrokerSettings.bad("system.creds.file", "names a file that is no .creds file");
    }
    return NatsCredential.content(jwt, seed);
  }

  Endpoint endpoint() {
    return endpoint;
  }

  IssuedBook book() {
    return book;
  }

  @Override
  public Signing signing(Grant grant, IssuedBook issued, long now) {
    return new Signing(signer, Permissions.claims(grant, store, signer.publicKey(), account));
  }

  @Override
  public @Nullable String cannotRevoke() {
    return operator == null || resolver == null
        ? "Nothing can be revoked on this broker: give operator.key.file and system.creds.file, or issue for short lifetimes."
        : null;
  }

  @Override
  public void push(IssuedBook issued, long now) {
    if (operator == null || resolver == null) {
      return;
    }
    JsonValue claims = claims(resolver.lookup(account));
    Map<String, JsonValue> nats = new HashMap<>(members(claims, "nats"));
    Map<String, JsonValue> revocations = new HashMap<>(members(new JsonValue(nats), "revocations"));
    issued.revoked().forEach((user, expiry) -> revocations.put(user, new JsonValue(expiry)));
    nats.put("revocations", new JsonValue(revocations));
    String name = text(claims, "name");
    long expiresAt = number(claims, "exp");
    long stamp = issued.stamp(Math.max(now, number(claims, "iat")));
    resolver.update(
        Jwt.sign(operator, account, name, stamp, expiresAt, new JsonValue(nats).toJson()));
  }

  @Override
  public void store(Collection<String> subjects, Set<String> live) {
    streams.keep(subjects, live);
  }

  @Override
  public StoreSettings store() {
    return store;
  }

  @Override
  public void close() {
    lock.close();
  }

  private static JsonValue claims(String jwt) {
    String[] parts = jwt.strip().split("\\.", -1);
    try {
      if (parts.length == 3) {
        return JsonParser.parse(new String(Base64.getUrlDecoder().decode(parts[1]), UTF_8));
      }
    } catch (JsonParseException | IllegalArgumentException e) {
      throw unknown(e);
    }
    throw unknown(null);
  }

  private static TransportException unknown(@Nullable Throwable cause) {
    return new TransportException(
        REFUSED,
        "account-unknown",
        "The broker's resolver does not know the account: correct the setting 'account'.",
        cause);
  }

  private static Map<String, JsonValue> members(JsonValue object, String name) {
    JsonValue member = object.map == null ? null : object.map.get(name);
    return member == null || member.map == null ? Map.of() : member.map;
  }

  private static String text(JsonValue object, String name) {
    JsonValue member = object.map == null ? null : object.map.get(name);
    return member == null || member.string == null ? "" : member.string;
  }

  private static long number(JsonValue object, String name) {
    JsonValue member = object.map == null ? null : object.map.get(name);
    if (member == null) {
      return 0;
    }
    return member.i != null ? member.i : member.l != null ? member.l : 0;
  }
}
