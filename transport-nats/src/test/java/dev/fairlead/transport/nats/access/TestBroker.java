// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.transport.nats.access;

import static org.awaitility.Awaitility.await;

import dev.fairlead.transport.access.Credential;
import dev.fairlead.transport.access.CredentialIssuer;
import dev.fairlead.transport.access.Endpoint;
import dev.fairlead.transport.access.Grant;
import dev.fairlead.transport.base.broker.BrokerSettings;
import dev.fairlead.transport.nats.Stored;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.SecureRandom;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicReference;
import java.util.stream.Stream;

/** A real nats-server in a folder of its own, which can be killed and started. */
public final class TestBroker implements AutoCloseable {

  private static final Duration HOUR = Duration.ofHours(1);

  private final Path folder;
  private final AtomicReference<Duration> ahead = new AtomicReference<>(Duration.ZERO);
  private final ChildBroker child;
  private final NatsIssuer issuer;

  private TestBroker(Path folder, Map<String, String> settings) {
    this.folder = folder;
    SecureRandom random = new SecureRandom();
    InstantSource clock = () -> Instant.now().plus(ahead.get());
    this.child =
        ChildBroker.open(
            BrokerSettings.read(settings::get), StoreSettings.read(settings::get), clock, random);
    this.issuer = new NatsIssuer(child.endpoint(), child, child.book(), clock, random);
  }

  /** In a new folder that {@link #close} removes. */
  public static TestBroker start() {
    return start(Map.of());
  }

  /** One with more settings, in a new folder that {@link #close} removes. */
  public static TestBroker start(Map<String, String> settings) {
    try {
      Path folder = Files.createTempDirectory("fairlead-nats-");
      Map<String, String> all = new ConcurrentHashMap<>(settings);
      all.put("dir", folder.toString());
      return new TestBroker(folder, all);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** In a folder that stays. */
  public static TestBroker start(Path folder, Map<String, String> settings) {
    Map<String, String> all = new ConcurrentHashMap<>(settings);
    all.put("dir", folder.toString());
    return new TestBroker(folder.resolve("never-removed"), all);
  }

  /** Lets time pass for the access side. */
  public void pass(Duration time) {
    ahead.accumulateAndGet(time, Duration::plus);
  }

  public CredentialIssuer issuer() {
    return issuer;
  }

  public Endpoint endpoint() {
    return issuer.endpoint();
  }

  public int port() {
    return endpoint().uri().getPort();
  }

  public long pid() {
    return child.server().pid();
  }

  public boolean ready() {
    return child.server().ready();
  }

  /** Whether it has a stream for a subject, by its files. */
  public boolean stores(String subject) {
    String name = Stored.stream(subject);
    try (Stream<Path> files = Files.walk(folder.resolve("jetstream"), 5)) {
      return files.anyMatch(file -> String.valueOf(file.getFileName()).equals(name));
    } catch (UncheckedIOException | IOException e) {
      return stores(subject); // something went while it was looked at
    }
  }

  /** As a crash would; it stays down. */
  public void kill() {
    try {
      child.server().halt();
    } catch (InterruptedException e) {
      throw new IllegalStateException(e);
    }
  }

  /** Returns when it answers. */
  public void restart() {
    child.server().resume();
    await().atMost(Duration.ofSeconds(20)).until(this::ready);
  }

  public Credential agent(String id) {
    return agent(id, HOUR);
  }

  public Credential agent(String id, Duration life) {
    return issuer.issue(
        new Grant(id, List.of("fl/" + id + "/up/**"), List.of("fl/" + id + "/down/**")), life);
  }

  public Credential collector() {
    return issuer.issue(
        new Grant(
            "_collector", List.of("fl/*/down/**"), List.of("fl/_collector/down/**", "fl/*/up/**")),
        HOUR);
  }

  public Credential reader() {
    return issuer.issue(new Grant("_reader", List.of(), List.of("fl/*/up/**")), HOUR);
  }

  @Override
  public void close() {
    issuer.close();
    if (Files.exists(folder)) {
      try (Stream<Path> files = Files.walk(folder)) {
        for (Path file : files.sorted(Comparator.reverseOrder()).toList()) {
          Files.delete(file);
        }
      } catch (IOException e) {
        throw new UncheckedIOException(e);
      }
    }
  }
}
