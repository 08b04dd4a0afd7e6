// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.transport.mqtt.access;

import static dev.fairlead.transport.api.TransportException.Category.RETRY;

import dev.fairlead.transport.access.Endpoint;
import dev.fairlead.transport.api.TransportException;
import dev.fairlead.transport.api.TransportProvider;
import dev.fairlead.transport.base.broker.BrokerSettings;
import dev.fairlead.transport.base.broker.FolderLock;
import dev.fairlead.transport.base.broker.PrivateFiles;
import dev.fairlead.transport.mqtt.ControlLink;
import dev.fairlead.transport.mqtt.MqttCredential;
import java.io.IOException;
import java.net.URI;
import java.nio.file.Path;
import java.security.SecureRandom;
import java.util.Collection;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * A mosquitto that somebody else runs, with its plugin for dynamic security, and a user of it that
 * may manage users. Only those whose names begin as the book says are ours; others are left alone.
 */
final class ExternalBroker implements Users {

  private final FolderLock lock;
  private final Book book;
  private final Endpoint endpoint;
  private final ControlLink link;
  private final Dynsec dynsec;

  private ExternalBroker(
      FolderLock lock, Book book, Endpoint endpoint, ControlLink link, SecureRandom random) {
    this.lock = lock;
    this.book = book;
    this.endpoint = endpoint;
    this.link = link;
    this.dynsec = new Dynsec(link, random);
  }

  /**
   * Reads settings and book, and removes what has ended meanwhile.
   *
   * @throws TransportException {@code REFUSED} for a bad setting, {@code RETRY} when the broker
   *     does not answer
   */
  static ExternalBroker open(Function<String, @Nullable String> settings, SecureRandom random) {
    Endpoint endpoint;
    try {
      endpoint =
          new Endpoint(
              URI.create(BrokerSettings.required(settings, "endpoint")),
              settings.apply("ca.sha256"));
    } catch (IllegalArgumentException e) {
      throw BrokerSettings.bad("endpoint", "is no URI");
    }
    Path credential = Path.of(BrokerSettings.required(settings, "control.credential.file"));
    if (!PrivateFiles.exists(credential)) {
      throw BrokerSettings.bad("control.credential.file", "names a file that is not there");
    }
    ControlLink link =
        new ControlLink(
            name ->
                switch (name) {
                  case TransportProvider.ENDPOINT -> endpoint.uri().toString();
                  case TransportProvider.CA_SHA256 -> endpoint.caSha256();
                  case TransportProvider.CREDENTIAL -> content(credential);
                  default -> file(settings, name);
                },
            Dynsec.REQUESTS,
            Dynsec.ANSWERS);
    Path folder = Path.of(BrokerSettings.required(settings, "dir")).toAbsolutePath();
    try {
      FolderLock lock = FolderLock.take(folder, "issuer");
      boolean done = false;
      try {
        Book book = Book.open(folder.resolve("book"), ChildBroker.newName(random));
        book.save();
        ExternalBroker broker = new ExternalBroker(lock, book, endpoint, link, random);
        broker.tidy();
        done = true;
        return broker;
      } finally {
        if (!done) {
          link.close();
          lock.close();
        }
      }
    } catch (IOException e) {
      throw new TransportException(
          RETRY, "folder-unusable", "'" + folder + "' cannot be used: " + e.getMessage(), e);
    }
  }

  private static String content(Path file) {
    try {
      return MqttCredential.parse(PrivateFiles.read(file).strip()).content();
    } catch (IOException e) {
      throw BrokerSettings.bad(
          "control.credential.file", "names a file that cannot be read: " + e.getMessage());
    }
  }

  /** Settings of the client side that hold PEM are files here. */
  private static @Nullable String file(Function<String, @Nullable String> settings, String name) {
    String file = settings.apply(name + ".file");
    if (file == null || file.isBlank()) {
      return null;
    }
    try {
      return PrivateFiles.read(Path.of(file));
    } catch (IOException e) {
      throw BrokerSettings.bad(
          name + ".file", "names a file that cannot be read: " + e.getMessage());
    }
  }

  Endpoint endpoint() {
    return endpoint;
  }

  Book book() {
    return book;
  }

  @Override
  public void add(Member member, String password) {
    dynsec.add(member, password);
  }

  @Override
  public void remove(Collection<String> users) {
    dynsec.remove(users);
  }

  @Override
  public void tidy() {
    String ours = book.name() + ".";
    dynsec.remove(
        dynsec.users().stream().filter(each -> each.startsWith(ours) && !book.has(each)).toList());
  }

  @Override
  public void close() {
    link.close();
    lock.close();
  }
}
