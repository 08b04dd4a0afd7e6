// SPDX-License-Identifier: Apache-2.0
package dev.fairlead.transport.nats.access;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import dev.fairlead.transport.access.AccessProvider;
import dev.fairlead.transport.access.Credential;
import dev.fairlead.transport.access.CredentialIssuer;
import dev.fairlead.transport.access.Endpoint;
import dev.fairlead.transport.access.Grant;
import dev.fairlead.transport.api.Transport.State;
import dev.fairlead.transport.api.TransportException;
import dev.fairlead.transport.nats.Ends;
import dev.fairlead.transport.nats.NatsCredential;
import dev.fairlead.transport.tck.End;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.security.SecureRandom;
import java.time.Duration;
import java.time.Instant;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.ServiceLoader;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.stream.Stream;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The access side: a broker of our own, and one of somebody else's. */
class AccessTest {

  private static final Duration HOUR = Duration.ofHours(1);

  @TempDir Path folder;

  private static void assertFails(String code, ThrowingCallable call) {
    assertThatThrownBy(call)
        .isInstanceOfSatisfying(
            TransportException.class, e -> assertThat(e.code()).isEqualTo(code));
  }

  private static Grant agent(String id) {
    return new Grant(id, List.of("fl/" + id + "/up/**"), List.of("fl/" + id + "/down/**"));
  }

  @Test
  void isFoundAsAService() {
    assertThat(ServiceLoader.load(AccessProvider.class))
        .anyMatch(NatsAccessProvider.class::isInstance);
  }

  @Test
  void everythingInTheFolderIsForItsOwnerAlone() throws Exception {
    try (TestBroker broker = TestBroker.start(folder, Map.of())) {
      broker.agent("a1");
      assertThat(PosixFilePermissions.toString(Files.getPosixFilePermissions(folder)))
          .isEqualTo("rwx------");
      for (String name :
          List.of("keys", "book", "ca-key.pem", "server-key.pem", "nats-server.conf")) {
        assertThat(
                PosixFilePermissions.toString(Files.getPosixFilePermissions(folder.resolve(name))))
            .isEqualTo("rw-------");
      }
    }
  }

  @Test
  void restartKeepsPortCaCredentialsAndRevocations() {
    Endpoint endpoint;
    Credential valid;
    Credential revoked;
    try (TestBroker broker = TestBroker.start(folder, Map.of())) {
      endpoint = broker.endpoint();
      valid = broker.agent("a1");
      revoked = broker.agent("a2");
      broker.issuer().revoke("a2");
    }
    try (TestBroker broker = TestBroker.start(folder, Map.of());
        End good = Ends.open(endpoint, valid);
        End bad = Ends.open(endpoint, revoked)) {
      assertThat(broker.endpoint()).isEqualTo(endpoint);
      good.awaitState(State.CONNECTED);
      bad.awaitRefusal("credential-refused");
      // What was issued before the restart can still be revoked after it.
      broker.issuer().revoke("a1");
      good.awaitState(State.CONNECTING);
      good.awaitRefusal("credential-refused");
    }
  }

  @Test
  void revocationThatTheBrokerMissesReachesItWhenItComesUp() {
    try (TestBroker broker = TestBroker.start(folder, Map.of("patience.seconds", "0"))) {
      Credential credential = broker.agent("a1");
      broker.kill();
      assertFails("broker-silent", () -> broker.issuer().revoke("a1"));
      broker.restart();
      try (End peer = Ends.open(broker.endpoint(), credential)) {
        peer.awaitRefusal("credential-refused");
      }
    }
  }

  /**
   * A server that reads the account for its first client while new rights arrive must not be left
   * with the old ones.
   */
  @Test
  void rightsThatChangeWhileTheFirstClientConnectsTakeEffect() {
    for (int round = 0; round < 3; round++) {
      try (TestBroker broker = TestBroker.start()) {
        Credential first = broker.agent("a1");
        try (End early = Ends.open(broker.endpoint(), first);
            End late = Ends.open(broker.endpoint(), broker.collector())) {
          early.awaitState(State.CONNECTED);
          late.awaitState(State.CONNECTED);
        }
      }
    }
  }

  @Test
  void agentsCredentialIsShort() {
    try (TestBroker broker = TestBroker.start(folder, Map.of())) {
      String id = "0123456789abcdef0123456789abcdef0123";
      Credential credential = broker.agent(id);
      assertThat(credential.content()).hasSizeLessThan(750).matches("[A-Za-z0-9_.-]+");
      assertThat(broker.agent("a".repeat(64)).content()).hasSizeLessThan(800);
      assertThat(credential.toString()).doesNotContain(credential.content());
    }
  }

  @Test
  void grantsWithoutTheirSubjectCarryTheirRights() {
    try (TestBroker broker = TestBroker.start(folder, Map.of())) {
      Credential reader = broker.reader();
      try (End peer = Ends.open(broker.endpoint(), reader)) {
        peer.awaitState(State.CONNECTED);
      }
      assertThat(broker.issuer().issue(many(), HOUR).content()).hasSizeLessThan(1200);
    }
  }

  private static Grant many() {
    List<String> patterns =
        Stream.iterate(0, i -> i + 1).limit(40).map(i -> "a/long/pattern/" + i + "/**").toList();
    return new Grant("x", patterns, List.of());
  }

  @Test
  void childThatDiesIsStartedAgainOnItsPort() {
    try (TestBroker broker = TestBroker.start(folder, Map.of())) {
      long first = broker.pid();
      ProcessHandle.of(first).orElseThrow().destroyForcibly();
      await().until(() -> broker.ready() && broker.pid() != first);
      try (End peer = Ends.open(broker.endpoint(), broker.agent("a1"))) {
        peer.awaitState(State.CONNECTED);
      }
    }
  }

  /** A JVM of its own, so that it can be killed. */
  public static void main(String[] args) throws IOException {
    TestBroker broker = TestBroker.start(Path.of(args[0]), Map.of());
    System.out.println(broker.pid());
    System.out.flush();
    System.in.read();
  }

  @Test
  void childEndsWithTheJvmHoweverItEnds() throws Exception {
    Process jvm =
        new ProcessBuilder(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-cp",
                System.getProperty("java.class.path"),
                AccessTest.class.getName(),
                folder.toString())
            .redirectError(ProcessBuilder.Redirect.INHERIT)
            .start();
    try (BufferedReader out =
        new BufferedReader(
            new InputStreamReader(jvm.getInputStream(), StandardCharsets.US_ASCII))) {
      ProcessHandle child = ProcessHandle.of(Long.parseLong(out.readLine())).orElseThrow();
      assertThat(child.isAlive()).isTrue();
      jvm.destroyForcibly().waitFor();
      await().until(() -> !child.isAlive());
    } finally {
      jvm.destroyForcibly();
    }
  }

  @Test
  void whatPreventsAStartIsSaid() throws Exception {
    assertFails("bad-setting", () -> new NatsAccessProvider().open(name -> null));
    assertFails(
        "bad-setting",
        () -> new NatsAccessProvider().open(Map.of("broker", "other", "dir", "x")::get));
    assertFails(
        "program-missing",
        () -> TestBroker.start(folder, Map.of("program", folder.resolve("none").toString())));
    assertFails("bad-setting", () -> TestBroker.start(folder, Map.of("port", "66000")));
    assertFails("bad-setting", () -> TestBroker.start(folder, Map.of("names", "a\"b")));
    try (ServerSocket taken = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
      assertThatThrownBy(() -> TestBroker.start(folder, Map.of("port", "" + taken.getLocalPort())))
          .hasMessageContaining("address already in use");
    }
    try (TestBroker broker = TestBroker.start(folder, Map.of())) {
      assertThat(broker.port()).isPositive();
      assertFails("folder-in-use", () -> TestBroker.start(folder, Map.of()));
    }
    Files.writeString(folder.resolve("book"), "fairlead-nats-book 1\nissued");
    assertFails("corrupt-state", () -> TestBroker.start(folder, Map.of()));
  }

  @Test
  void brokerOfSomebodyElseIsUsedWithItsKeys() throws Exception {
    try (TestBroker broker = TestBroker.start(folder.resolve("theirs"), Map.of())) {
      Map<String, String> keys = new HashMap<>();
      Files.readAllLines(folder.resolve("theirs/keys"))
          .forEach(line -> keys.put(line.split(" ", -1)[0], line.split(" ", -1)[1]));
      Map<String, String> settings = new HashMap<>();
      settings.put("broker", "external");
      settings.put("dir", folder.resolve("ours").toString());
      settings.put("endpoint", broker.endpoint().uri().toString());
      settings.put("ca.sha256", String.valueOf(broker.endpoint().caSha256()));
      settings.put("account.key.file", file("account", keys.getOrDefault("account", "")));
      try (CredentialIssuer issuer = new NatsAccessProvider().open(settings::get)) {
        assertFails("cannot-revoke", () -> issuer.revoke("a1"));
        assertFails("grant-too-large", () -> issuer.issue(many(), HOUR));
      }
      settings.put("operator.key.file", file("operator", keys.getOrDefault("operator", "")));
      settings.put(
          "system.creds.file", file("system", systemCreds(keys.getOrDefault("system", ""))));
      try (CredentialIssuer issuer = new NatsAccessProvider().open(settings::get)) {
        Credential one = issuer.issue(agent("a1"), HOUR);
        assertThat(one.content()).hasSizeLessThan(1200);
        try (End first = Ends.open(issuer.endpoint(), one);
            End second = Ends.open(issuer.endpoint(), issuer.issue(agent("a2"), HOUR))) {
          first.awaitState(State.CONNECTED);
          second.awaitState(State.CONNECTED);
          issuer.revoke("a1");
          first.awaitRefusal("credential-refused");
          assertThat(second.states()).containsExactly(State.CONNECTED);
          issuer.issue(agent("a1"), HOUR);
        }
      }
      settings.put("account.key.file", file("broken", "SAnonsense"));
      assertFails("bad-setting", () -> new NatsAccessProvider().open(settings::get));
    }
  }

  private String file(String name, String text) throws IOException {
    return Files.writeString(folder.resolve(name), text).toString();
  }

  /** In the form of nsc's files. */
  private static String systemCreds(String seed) {
    Nkey system = Nkey.ofSeed(Nkey.Kind.ACCOUNT, seed);
    Nkey user = Nkey.create(Nkey.Kind.USER, new SecureRandom());
    String jwt =
        Jwt.sign(
            system,
            user.publicKey(),
            "sys",
            Instant.now().getEpochSecond(),
            0,
            "{\"subs\":-1,\"data\":-1,\"payload\":-1,\"type\":\"user\",\"version\":2}");
    assertThat(NatsCredential.content(jwt, user.seed())).endsWith(user.seed());
    return "-----BEGIN NATS USER JWT-----\n"
        + jwt
        + "\n------END NATS USER JWT------\n\n-----BEGIN USER NKEY SEED-----\n"
        + user.seed()
        + "\n------END USER NKEY SEED------\n";
  }

  @Test
  void aCredentialWaitsForABrokerThatIsJustStarting() throws Exception {
    try (TestBroker broker = TestBroker.start(folder, Map.of())) {
      broker.kill();
      CompletableFuture<Credential> issued =
          CompletableFuture.supplyAsync(() -> broker.agent("late")); // the first of its kind
      assertThatThrownBy(() -> issued.get(200, TimeUnit.MILLISECONDS))
          .isInstanceOf(TimeoutException.class);
      broker.restart();
      try (End peer = Ends.open(broker.endpoint(), issued.get())) {
        peer.awaitState(State.CONNECTED);
      }
    }
  }
}
