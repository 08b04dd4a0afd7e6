// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.transport.mqtt.access;

import static org.awaitility.Awaitility.await;

import dev.fairlead.transport.access.Credential;
import dev.fairlead.transport.access.CredentialIssuer;
import dev.fairlead.transport.access.Endpoint;
import dev.fairlead.transport.access.Grant;
import dev.fairlead.transport.base.broker.BrokerSettings;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.SecureRandom;
import java.time.Duration;
import java.time.InstantSource;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.stream.Stream;

/** A real mosquitto in a folder of its own, which can be killed and started. */
public final class TestBroker implements AutoCloseable {

  private static final Duration HOUR = Duration.ofHours(1);

  private final Path folder;
  private final ChildBroker child;
  private final MqttIssuer issuer;

  private TestBroker(Path folder, Map<String, String> settings) {
    this.folder = folder;
    SecureRandom random = new SecureRandom();
    this.child =
        ChildBroker.open(
            BrokerSettings.read(settings::get),
            settings.get("plugin"),
            InstantSource.system(),
            random);
    this.issuer =
        new MqttIssuer(child.endpoint(), child, child.book(), InstantSource.system(), random);
  }

  /** In a new folder that {@link #close} removes. */
  public static TestBroker start() {
    try {
      Path folder = Files.createTempDirectory("fairlead-mqtt-");
      return new TestBroker(folder, Map.of("dir", folder.toString()));
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

  public CredentialIssuer issuer() {
    return issuer;
  }

  public Endpoint endpoint() {
    return issuer.endpoint();
  }

  /** The content of a credential that may manage the broker's users. */
  public String control() {
    return child.controlCredential();
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
